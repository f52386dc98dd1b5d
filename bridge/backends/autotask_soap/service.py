"""What a process shares among all its tenants, and the way to open a backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.backends.autotask_soap.address import ZoneAddress
from bridge.backends.autotask_soap.backend import AutotaskSoapBackend
from bridge.backends.autotask_soap.client import RetryPolicy, SoapClient
from bridge.backends.autotask_soap.connections import Connections, Timeouts
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

    Made once; safe to use from many threads. Holds nothing of any tenant.

    Args:
        gate: what every call but the zone look-up passes; open when left out.
        log: what is told of every call.
        descriptions: where fetched service descriptions lie.
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
        self._connections = Connections(timeouts or Timeouts(), user_agent=user_agent)
        self._client = SoapClient(
            self._connections,
            retries or RetryPolicy(),
            rate_limiter=rate_limiter or UnlimitedRateLimiter(),
            log=log or NoCallLog(),
        )
        self._flights = SingleFlight()
        self._description = ServiceDescription(descriptions)
        self._hosts = hosts or HostPolicy()

    def warm(self) -> None:
        """Parse the service description now rather than at the first use."""
        self._description.warm()

    def open_backend(
        self,
        credentials: Credentials,
        zone: Zone | None,
        zone_changed: Callable[[Zone], None],
        caller: Caller = NO_CALLER,
    ) -> Backend:
        """Open Autotask for one API user. No vendor call; as `OpenBackend` wants it.

        Raises:
            InvalidRequestError: an unknown time zone.
        """
        address = ZoneAddress(
            self._client,
            self._description,
            self._hosts,
            credentials=credentials,
            zone=zone,
            zone_changed=zone_changed,
        )
        return AutotaskSoapBackend(
            self._client,
            self._description,
            address,
            credentials,
            caller=caller,
            flights=self._flights,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()
