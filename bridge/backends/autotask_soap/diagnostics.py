"""What the diagnostic commands read from a zone: release, clock, description."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from bridge.backends.autotask_soap import descriptions, faults
from bridge.backends.autotask_soap.connections import WireError
from bridge.backends.autotask_soap.decode.answers import read_result
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.errors import ProviderProtocolError
from bridge.interfaces import Backend, Credentials, Zone
from bridge.interfaces.diagnostics import ServiceRelease

_DEADLINE_S = 20.0


class SoapDiagnostics:
    """Implements `interfaces.BackendDiagnostics`; for one command, not for serving.

    Args:
        service: opens the backends; closed by `close`.
        directory: where fetched descriptions lie.
    """

    def __init__(self, service: SoapService, directory: Path) -> None:
        self._service = service
        self._directory = directory
        # The bundled one: a fetched one may be what is to be replaced.
        self._description = ServiceDescription()

    def open_backend(
        self, credentials: Credentials, zone_changed: Callable[[Zone], None]
    ) -> Backend:
        """Open a backend without rate limit and stored zone. No vendor call."""
        return self._service.open_backend(credentials, None, zone_changed)

    def description(self) -> ServiceRelease:
        """Return what serving processes work with. No vendor call."""
        return descriptions.newest(self._directory)[0]

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

    def refresh(self, zone: Zone, credentials: Credentials) -> ServiceRelease:
        """Fetch a zone's description and save it. Two vendor calls.

        Raises:
            ProviderError: it cannot be fetched, or is not a description.
        """
        release = self.release(zone, credentials)
        body = descriptions.fetch(zone.url, self._service.connections.timeouts)
        descriptions.check(body)
        return descriptions.save(self._directory, release, body)

    def descriptions(self) -> Sequence[ServiceRelease]:
        """Return all there are, the newest fetched first, the bundled last."""
        return (*descriptions.stored(self._directory), descriptions.BUNDLED)

    def compare(self, description: ServiceRelease) -> tuple[list[str], list[str]]:
        """Return what a fetched description adds to the bundled one, and lacks."""
        ours = set(descriptions.contract(descriptions.bundled()))
        path = self._directory / description.name
        theirs = set(descriptions.contract(path.read_bytes()))
        return sorted(theirs - ours), sorted(ours - theirs)

    def close(self) -> None:
        """Close idle connections."""
        self._service.close()
