"""One vendor call: acquire a rate limit slot, send, read the response, retry.

Shared by all tenants of a process: credentials and address come with each request.
Nothing here depends on the operation. `retry.py` decides what is repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.connections import (
    Connections,
    HttpReply,
    WireError,
)
from bridge.backends.autotask_soap.decode.answers import FaultReplyError
from bridge.backends.autotask_soap.faults import AttemptError
from bridge.backends.autotask_soap.masking import mask_xml
from bridge.backends.autotask_soap.request import Request
from bridge.backends.autotask_soap.retry import RetryPolicy, may_retry
from bridge.errors import (
    ProviderProtocolError,
    ProviderThresholdError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from bridge.interfaces import (
    NO_CALLER,
    Caller,
    CallLog,
    CallRequest,
    Outcome,
    Permit,
    RateLimiter,
    ReadUsage,
    VendorCall,
)

T = TypeVar("T")
Receive: TypeAlias = Callable[[Iterable[bytes]], T]
"""Reads a reply's body as it arrives.

Raises AttemptError, FaultReplyError or ProviderProtocolError."""

Relocate: TypeAlias = Callable[[], str | None]
"""Looks the address up again; None when nothing new is known."""

_WRITES_SHARE = 0.25
"""The share of a call's time that must be left before a write is sent."""

# A `soap:Fault` comes with status 500.
_SOAP_STATUSES = (HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class RateLimitContext:
    """What the rate limiter has to know of a call.

    `call_request` is called again for each attempt, because the tenant may have moved
    to another database in between.
    """

    call_request: Callable[[], CallRequest]
    read_usage: ReadUsage


class SoapClient:
    """Sends requests to the vendor. Safe to use from many threads."""

    def __init__(
        self,
        connections: Connections,
        retries: RetryPolicy,
        rate_limiter: RateLimiter,
        log: CallLog,
    ) -> None:
        self.retries = retries
        self.rate_limiter = rate_limiter
        self._connections = connections
        self._log = log

    def call(
        self,
        request: Request,
        url: str,
        receive: Receive[T],
        *,
        rate_limit: RateLimitContext | None = None,
        relocate: Relocate | None = None,
        retries: RetryPolicy | None = None,
    ) -> T:
        """Send a request and return what `receive` makes of the response.

        Each attempt acquires its own rate limit slot, so that none is held during a
        pause, and each is recorded in the call log. `retry.may_retry` decides whether
        a failed attempt is repeated. When the tenant may have moved, the address is
        looked up once; if it did move, the call is repeated there at once.

        Without `rate_limit` only the host's circuit breaker is checked.

        Raises:
            ProviderOutcomeUnknownError: a write was sent and got no response.
            ProviderError: the error of the last attempt, or of the rate limiter.
        """
        policy = retries or self.retries
        caller = rate_limit.call_request().caller if rate_limit else NO_CALLER
        deadline = _deadline(request, policy, caller)
        tried = 0
        while True:
            tried += 1
            try:
                with self._enter(rate_limit, url, deadline) as permit:
                    return self._attempt(
                        _Attempt(request, url, deadline, tried, caller),
                        receive,
                        permit,
                    )
            except AttemptError as failure:
                # Writes too: a failure that suggests another zone has applied nothing.
                if failure.wrong_zone and relocate is not None:
                    # Once per call: two zones that name each other would otherwise
                    # never end it.
                    moved_to, relocate = relocate(), None
                    if moved_to is not None and moved_to != url:
                        url = moved_to
                        continue
                pause_s = 0.0 if failure.retry_immediately else policy.pause_s(tried)
                # No pause beyond the deadline: the error is better raised now.
                is_last = (
                    tried >= policy.attempts or time.monotonic() + pause_s >= deadline
                )
                if is_last or not may_retry(request, failure):
                    raise faults.final_error(request, url, failure) from failure
            time.sleep(pause_s)

    def _enter(
        self, rate_limit: RateLimitContext | None, url: str, deadline: float
    ) -> AbstractContextManager[Permit]:
        if rate_limit is None:
            return self.rate_limiter.check_host(urlsplit(url).netloc.lower())
        return self.rate_limiter.acquire(
            rate_limit.call_request(),
            deadline=deadline,
            read_usage=rate_limit.read_usage,
        )

    def _attempt(self, attempt: _Attempt, receive: Receive[T], permit: Permit) -> T:
        started_at, started = datetime.now(UTC), time.perf_counter()
        # This stays if `receive` raises something unexpected.
        permit.outcome = Outcome.UNUSABLE
        try:
            answer = self._exchange(attempt, receive)
            permit.outcome = Outcome.ANSWERED
        except AttemptError as failure:
            permit.outcome = _outcome(failure)
            permit.provider_message = failure.error.provider_message
            raise
        finally:
            duration_ms = (time.perf_counter() - started) * 1000
            self._log.record(attempt.log_entry(started_at, duration_ms, permit.outcome))
        return answer

    def _exchange(self, attempt: _Attempt, receive: Receive[T]) -> T:
        request, url = attempt.request, attempt.url
        try:
            with self._connections.post(
                url,
                request.headers(),
                request.body,
                deadline=attempt.deadline,
                writes=request.writes,
            ) as reply:
                if not _is_soap(reply):
                    page = reply.page()
                    attempt.reply_chunks.append(page)
                    raise faults.page(request, faults.host_of(url), reply.status, page)
                return receive(attempt.watch(reply.chunks()))
        except FaultReplyError as fault:
            raise faults.soap_fault(request, fault.code, fault.text) from fault
        except ProviderProtocolError as error:
            raise AttemptError(error) from error
        except WireError as error:
            raise faults.no_answer(request, url, error) from error


@dataclass(frozen=True, slots=True)
class _Attempt:
    request: Request
    url: str
    deadline: float
    number: int
    caller: Caller
    reply_chunks: list[bytes] = field(default_factory=list, repr=False)

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks of the response; save them if the caller is traced.

        Raises:
            ProviderProtocolError: it is larger than responses to this operation are.
        """
        max_bytes, size = self.request.max_reply_bytes, 0
        for chunk in chunks:
            # Counted after decompression: a small reply may expand without bound.
            size += len(chunk)
            if size > max_bytes:
                raise ProviderProtocolError(
                    f"Autotask's answer to {self.request} is larger than {max_bytes}"
                    " bytes and was not read."
                )
            if self.caller.traced:
                self.reply_chunks.append(chunk)
            yield chunk

    def log_entry(
        self, started_at: datetime, duration_ms: float, outcome: Outcome
    ) -> VendorCall:
        """Return the call log's entry for this attempt, secrets masked."""
        traced = self.caller.traced
        reply = b"".join(self.reply_chunks).decode("utf-8", "replace")
        return VendorCall(
            operation=self.request.operation,
            entity=self.request.subject,
            started_at=started_at,
            duration_ms=duration_ms,
            outcome=outcome,
            instance_id=self.caller.instance_id,
            attempt=self.number,
            request=self.request.shown() if traced else b"",
            reply=mask_xml(reply).encode() if traced else b"",
        )


def _deadline(request: Request, policy: RetryPolicy, caller: Caller) -> float:
    """Return the monotonic time at which a call gives up: its own or its caller's.

    A write is not sent when the time left would hardly suffice for its response: the
    caller would be left with an unknown outcome.

    Raises:
        ProviderTimeoutError: it is too late; nothing was sent.
    """
    now = time.monotonic()
    own = now + policy.deadline_s
    if caller.deadline is None:
        return own
    needed_s = policy.deadline_s * _WRITES_SHARE if request.writes else 0.0
    if caller.deadline - now <= needed_s:
        raise ProviderTimeoutError(
            "Autotask answered too slowly: the time for this call is over, and the"
            f" {request} was not sent."
        )
    return min(own, caller.deadline)


def _outcome(failure: AttemptError) -> Outcome:
    match failure.error:
        case ProviderThresholdError():
            # Limits that pass within seconds are transient, the hourly quota is not.
            return Outcome.THREAD_LIMIT if failure.transient else Outcome.QUOTA
        # No response of the service: this counts against the host's circuit breaker.
        case ProviderUnavailableError() | ProviderTimeoutError() if (
            not failure.from_service
        ):
            return Outcome.UNREACHABLE
        case ProviderProtocolError():
            return Outcome.UNUSABLE
        case _:
            return Outcome.REFUSED


def _is_soap(reply: HttpReply) -> bool:
    """Whether status and content type promise a SOAP reply or fault.

    A gateway's error page may claim to be XML as well. A missing content type is
    accepted; the decoder then refuses what is not a SOAP reply.
    """
    content_type = reply.header("Content-Type").lower()
    typed = not content_type or "xml" in content_type.split(";")[0]
    return typed and reply.status in _SOAP_STATUSES and "xhtml" not in content_type
