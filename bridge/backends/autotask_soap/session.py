"""The calls of one API user: address, call budget, and reads that are shared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bridge.backends.autotask_soap import faults, metadata
from bridge.backends.autotask_soap.address import ZoneAddress
from bridge.backends.autotask_soap.client import (
    RateLimitContext,
    Receive,
    Relocate,
    SoapClient,
    T,
)
from bridge.backends.autotask_soap.decode.entity import split
from bridge.backends.autotask_soap.decode.reply import Reply, ReplyDecoder
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.backends.autotask_soap.limits import LIMITS
from bridge.backends.autotask_soap.request import Request
from bridge.backends.autotask_soap.single_flight import SingleFlight
from bridge.backends.autotask_soap.wsdl import ServiceDescription
from bridge.interfaces import (
    Caller,
    CallRequest,
    Credentials,
    Entity,
    EntityType,
    Page,
    Usage,
)

_NOTHING = EntityType("")


class VendorSession:
    """Sends the requests of one API user. Safe to use from one thread at a time."""

    def __init__(
        self,
        client: SoapClient,
        description: ServiceDescription,
        address: ZoneAddress,
        credentials: Credentials,
        *,
        caller: Caller,
        single_flight: SingleFlight,
    ) -> None:
        self._client = client
        self._description = description
        self._address = address
        self._credentials = credentials
        self._caller = caller
        self._single_flight = single_flight
        self.times = vendor_times(credentials.timezone)

    def check(self) -> Usage:
        """Prove the credentials and report the usage to the rate limiter.

        One vendor call, two when the zone is unknown.
        """
        usage = self.read_usage(self._address.relocate)
        self._client.rate_limiter.report_usage(self._address.database, usage)
        return usage

    def call(self, request: Request, receive: Receive[T]) -> T:
        """Send a request and return what `receive` makes of the response.

        One vendor call, more where it is repeated or the tenant has moved.
        """
        # Reads under way now may return the record as it was before this write.
        if request.writes:
            self._end_sharing()
        try:
            return self._client.call(
                request,
                self._address.url(),
                receive,
                rate_limit=RateLimitContext(
                    lambda: self._call_request(request.subject), self.read_usage
                ),
                relocate=self._address.relocate,
            )
        finally:
            # So may reads that began while the write was under way.
            if request.writes:
                self._end_sharing()

    def exchange(
        self, request: Request, entity: EntityType, *, limit: int = LIMITS.page
    ) -> tuple[Reply, list[Entity]]:
        """Send a request and return its decoded reply."""
        return self.call(
            request, lambda chunks: self.decode(request, entity, chunks, limit=limit)
        )

    def share(self, body: bytes, size: int, fetch: Callable[[], Page]) -> Page:
        """Return the page of an equal query that is under way, else fetch it."""
        if self._caller.instance_id is None:
            return fetch()
        # The body contains credentials and integration code, so tenants never share.
        return self._single_flight.do((self._caller.instance_id, body, size), fetch)

    def _end_sharing(self) -> None:
        if self._caller.instance_id is not None:
            self._single_flight.end(self._caller.instance_id)

    def _call_request(self, entity: str) -> CallRequest:
        return CallRequest(
            database=self._address.database,
            identifier=self._credentials.integration_code.strip(),
            entity=entity,
            caller=self._caller,
        )

    def _usage_request(self) -> CallRequest:
        # Other callers wait for this count, so this caller's deadline does not end it.
        caller = replace(self._caller, deadline=None)
        return replace(self._call_request(""), caller=caller, usage_reading=True)

    def read_usage(self, relocate: Relocate | None = None) -> Usage:
        """Read the vendor's call count, also for the rate limiter. One vendor call."""
        request = self._description.request(
            "getThresholdAndUsageInfo", self._credentials
        )
        return self._client.call(
            request,
            self._address.url(),
            lambda chunks: self._used(request, chunks),
            rate_limit=RateLimitContext(self._usage_request, self.read_usage),
            relocate=relocate,
        )

    def _used(self, request: Request, chunks: Iterable[bytes]) -> Usage:
        reply, _entities = self.decode(request, _NOTHING, chunks)
        return metadata.read_usage(" ".join(info.message for info in reply.infos))

    def decode(
        self,
        request: Request,
        entity: EntityType,
        chunks: Iterable[bytes],
        *,
        limit: int = LIMITS.page,
        check: Callable[[Request, Reply], None] = faults.check,
    ) -> tuple[Reply, list[Entity]]:
        """Decode and check a reply; user-defined values are texts."""
        decoder = ReplyDecoder(self.times.reader(entity), limit=limit)
        for chunk in chunks:
            decoder.feed(chunk)
        reply = decoder.close()
        check(request, reply)
        return reply, [split(each) for each in decoder.take()]
