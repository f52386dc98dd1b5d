"""The address of one tenant's service: a cached zone, looked up when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.answers import FaultReplyError, read_result
from bridge.backends.autotask_soap.client import SoapClient
from bridge.backends.autotask_soap.request import Request
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

_OPERATION = "getZoneInfo"
_ATTEMPTS = 2
_DEADLINE_S = 20.0
_FRESH_S = 60.0


class ZoneAddress:
    """Where one API user's calls go.

    Args:
        zone: as stored, or None; one whose host is no longer allowed counts as none.
        zone_changed: told of a zone that was found, or found elsewhere.
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
        self._zone = zone if zone and policy.allows(zone.url) else None
        self._zone_changed = zone_changed
        self._asked_at = float("-inf")

    def url(self) -> str:
        """Return the service's address. One vendor call if no zone is known.

        Raises:
            InvalidRequestError: the server URL is none, or is not allowed.
            ProviderCredentialsError: unknown user name.
            ProviderUnavailableError: the host that knows zones cannot be reached.
            ProviderProtocolError: something answers there, but not Autotask.
        """
        if self._zone is None:
            self._learn(self._look_up())
        return self._zone.url if self._zone else ""

    @property
    def database(self) -> str:
        """The tenant database, `host#ci`; empty until the zone is known."""
        return self._zone.database if self._zone else ""

    def relocate(self) -> str | None:
        """Return the address after asking again, None if nobody could tell.

        One vendor call, none when it was asked within the last minute.

        Raises:
            ProviderCredentialsError: the user name is not known any more.
        """
        if time.monotonic() - self._asked_at < _FRESH_S:
            return None
        try:
            zone = self._look_up()
        except ProviderCredentialsError:
            raise
        except (ProviderError, InvalidRequestError):
            return None
        self._learn(zone)
        return zone.url

    def _learn(self, zone: Zone) -> None:
        moved = self._zone is None or self._zone.url != zone.url
        self._zone = zone
        if moved:
            self._zone_changed(zone)

    def _look_up(self) -> Zone:
        """Ask each address in turn; the first one's failure is the one to report."""
        first: ProviderError | None = None
        for url in lookup_urls(self._credentials.server_url, self._policy):
            try:
                zone = self._ask(url)
            except ProviderCredentialsError:
                raise
            except ProviderError as error:
                first = first or error
                continue
            self._asked_at = time.monotonic()
            return zone
        raise first or ProviderUnavailableError("No address to ask for the zone.")

    def _ask(self, url: str) -> Zone:
        username = self._credentials.username
        body = self._description.request(_OPERATION, UserName=username)
        request = Request(_OPERATION, body)

        def receive(chunks: Iterable[bytes]) -> Zone:
            try:
                result = read_result(chunks)
            except FaultReplyError as fault:
                raise faults.soap_fault(request, fault.code, fault.text) from fault
            return read_zone(result, username, self._policy)

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
