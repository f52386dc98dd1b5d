"""The address of one tenant's service: a cached zone, looked up again when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.client import SoapClient
from bridge.backends.autotask_soap.decode.answers import read_result
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.backends.autotask_soap.zones import HostPolicy, lookup_urls, read_zone
from bridge.errors import (
    InvalidRequestError,
    ProviderCredentialsError,
    ProviderError,
    ProviderProtocolError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from bridge.interfaces import Credentials, Zone

_ATTEMPTS = 2
_DEADLINE_S = 20.0
_FRESH_S = 60.0


class ZoneAddress:
    """Where one API user's calls go.

    Args:
        zone: as stored, or None; ignored if its host is not allowed any more.
        zone_changed: called with a zone that is new or has moved.
    """

    def __init__(
        self,
        client: SoapClient,
        description: ServiceDescription,
        policy: HostPolicy,
        *,
        credentials: Credentials,
        zone: Zone | None,
        zone_changed: Callable[[Zone], None],
    ) -> None:
        self._client = client
        self._description = description
        self._policy = policy
        self._credentials = credentials
        # The allowed hosts may have changed since the zone was stored.
        self._zone = zone if zone and policy.allows(zone.url) else None
        self._zone_changed = zone_changed
        self._looked_up_at = float("-inf")

    def url(self) -> str:
        """Return the service's address. One vendor call if no zone is known.

        Raises:
            InvalidRequestError: the server URL is invalid, or not allowed.
            ProviderCredentialsError: unknown user name.
            ProviderUnavailableError: the host that knows zones cannot be reached.
            ProviderProtocolError: something answers there, but not Autotask.
        """
        zone = self._zone or self._set_zone(self._look_up())
        return zone.url

    @property
    def database(self) -> str:
        """The tenant database, `host#ci`; empty until the zone is known."""
        return self._zone.database if self._zone else ""

    def relocate(self) -> str | None:
        """Look the zone up again and return its address, None if that failed.

        One vendor call; none within a minute of the last look-up, which returns None.

        Raises:
            ProviderCredentialsError: the user name is not known any more.
        """
        if time.monotonic() - self._looked_up_at < _FRESH_S:
            return None
        try:
            zone = self._look_up()
        # The user is gone or renamed: no other address knows it either.
        except ProviderCredentialsError:
            raise
        except (ProviderError, InvalidRequestError):
            return None
        return self._set_zone(zone).url

    def _set_zone(self, zone: Zone) -> Zone:
        moved = self._zone is None or self._zone.url != zone.url
        self._zone = zone
        if moved:
            self._zone_changed(zone)
        return zone

    def _look_up(self) -> Zone:
        """Try each address in turn; if all fail, report the first error."""
        first: ProviderError | None = None
        for url in lookup_urls(self._credentials.server_url, self._policy):
            try:
                zone = self._request_zone(url)
            except ProviderCredentialsError:
                raise
            except ProviderError as error:
                first = first or error
                continue
            self._looked_up_at = time.monotonic()
            return zone
        raise first or ProviderUnavailableError("No address to ask for the zone.")

    def _request_zone(self, url: str) -> Zone:
        username = self._credentials.username
        request = self._description.request("getZoneInfo", UserName=username)

        def receive(chunks: Iterable[bytes]) -> Zone:
            return read_zone(read_result(chunks), username, self._policy)

        host = faults.host_of(url)
        retries = replace(
            self._client.retries, attempts=_ATTEMPTS, deadline_s=_DEADLINE_S
        )
        try:
            return self._client.call(request, url, receive, retries=retries)
        except ProviderProtocolError as error:
            raise ProviderProtocolError(
                f"{host} answers, but not as Autotask: check the server URL."
                f" ({error.message})",
                provider_message=error.provider_message,
            ) from error
        except (ProviderUnavailableError, ProviderTimeoutError) as error:
            raise ProviderUnavailableError(
                "The zone look-up failed, because the host is down or cannot be"
                f" reached from here. ({error.message})",
                provider_message=error.provider_message,
                unreachable=getattr(error, "unreachable", None),
            ) from error
