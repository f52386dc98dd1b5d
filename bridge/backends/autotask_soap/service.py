"""What all tenants of a process share, and how a backend is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.backends.autotask_soap.address import ZoneAddress
from bridge.backends.autotask_soap.backend import AutotaskSoapBackend
from bridge.backends.autotask_soap.client import SoapClient
from bridge.backends.autotask_soap.connections import Connections, Timeouts
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.session import VendorSession
from bridge.backends.autotask_soap.single_flight import SingleFlight
from bridge.backends.autotask_soap.unlimited_rate_limiter import UnlimitedRateLimiter
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import (
    NO_CALLER,
    Backend,
    Caller,
    CallLog,
    Credentials,
    NoCallLog,
    RateLimiter,
    Zone,
)


class SoapService:
    """Connections, TLS context and service description of one process.

    Created once; safe to use from many threads. Stores nothing of any tenant.

    Args:
        rate_limiter: limits every call but the zone look-up; no limit by default.
        log: records every call.
        descriptions: the directory of fetched service descriptions.
    """

    def __init__(  # noqa: PLR0913 - what an application can choose, by name
        self,
        *,
        rate_limiter: RateLimiter | None = None,
        log: CallLog | None = None,
        descriptions: Path | None = None,
        timeouts: Timeouts | None = None,
        retries: RetryPolicy | None = None,
        hosts: HostPolicy | None = None,
        user_agent: str = "bridge",
    ) -> None:
        self.connections = Connections(timeouts or Timeouts(), user_agent=user_agent)
        self.client = SoapClient(
            self.connections,
            retries or RetryPolicy(),
            rate_limiter=rate_limiter or UnlimitedRateLimiter(),
            log=log or NoCallLog(),
        )
        self._single_flight = SingleFlight()
        self._description = ServiceDescription(descriptions)
        self._hosts = hosts or HostPolicy()

    def warm(self) -> None:
        """Parse the service description now rather than at the first use."""
        self._description.load()

    def open_backend(
        self,
        credentials: Credentials,
        zone: Zone | None,
        zone_changed: Callable[[Zone], None],
        caller: Caller = NO_CALLER,
    ) -> Backend:
        """Open Autotask for one API user, as `OpenBackend` declares. No vendor call.

        Raises:
            InvalidRequestError: an unknown time zone.
        """
        address = ZoneAddress(
            self.client,
            self._description,
            self._hosts,
            credentials=credentials,
            zone=zone,
            zone_changed=zone_changed,
        )
        session = VendorSession(
            self.client,
            self._description,
            address,
            credentials,
            caller=caller,
            single_flight=self._single_flight,
        )
        return AutotaskSoapBackend(session, self._description, credentials)

    def close(self) -> None:
        """Close idle connections."""
        self.connections.close()
