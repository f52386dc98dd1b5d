"""What the diagnostic commands read from a zone: its release and its clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.connections import WireError
from bridge.backends.autotask_soap.decode.answers import read_result
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Backend, Credentials, Zone

_DEADLINE_S = 20.0


class SoapDiagnostics:
    """Implements `interfaces.BackendDiagnostics`; for one command, not for serving.

    Args:
        service: opens the backends; closed by `close`.
    """

    def __init__(self, service: SoapService) -> None:
        self._service = service
        # The bundled one: a fetched one may be what is to be replaced.
        self._description = ServiceDescription()

    def open_backend(
        self, credentials: Credentials, zone_changed: Callable[[Zone], None]
    ) -> Backend:
        """Open a backend without rate limit and stored zone. No vendor call."""
        return self._service.open_backend(credentials, None, zone_changed)

    def release(self, zone: Zone, credentials: Credentials) -> str:
        """Return the release that a zone serves. One vendor call."""
        return self._service.client.call(
            self._description.request("GetWsdlVersion", credentials),
            zone.url,
            lambda chunks: (read_result(chunks).text or "").strip(),
            retries=RetryPolicy(attempts=2, deadline_s=_DEADLINE_S),
        )

    def vendor_time(self, zone: Zone, credentials: Credentials) -> datetime:
        """Return the zone's clock from the Date header of a zone look-up.

        Raises:
            ProviderError: no answer, or one without a usable date.
        """
        request = self._description.request(
            "getZoneInfo", UserName=credentials.username
        )
        host = urlsplit(zone.url).hostname or ""
        try:
            with self._service.connections.post(
                zone.url,
                request.headers(),
                request.body,
                deadline=time.monotonic() + _DEADLINE_S,
                writes=False,
            ) as reply:
                reply.page()
                text = reply.header("Date")
        except WireError as error:
            raise faults.no_answer(request, zone.url, error).error from error
        try:
            return parsedate_to_datetime(text).astimezone(UTC)
        except ValueError as error:
            raise ProviderProtocolError(f"{host} does not tell its time.") from error

    def close(self) -> None:
        """Close idle connections."""
        self._service.close()
