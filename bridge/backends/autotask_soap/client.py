"""One call to the vendor: send, recognise the answer, repeat what may be repeated.

Shared by all tenants of a process; who calls, where and with what comes with the
request. Nothing here knows an operation.
"""

from __future__ import annotations

import random
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
from bridge.backends.autotask_soap.faults import Failure
from bridge.backends.autotask_soap.masking import mask_xml
from bridge.backends.autotask_soap.request import Request
from bridge.errors import (
    ProviderError,
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
"""Reads a reply's body as it arrives; raises Failure or ProviderProtocolError."""

Relocate: TypeAlias = Callable[[], str | None]
"""Looks the address up again; None when nothing new is known."""

_WRITES_SHARE = 0.25
"""The share of a call's time that must be left for a write to be begun."""

_SOAP_STATUSES = (HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Passage:
    """On what a request goes through the gate; one that has none needs only its host.

    The ticket is made anew for each attempt: the tenant may have moved.
    """

    ticket: Callable[[], CallRequest]
    read_usage: ReadUsage


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one call is tried; the deadline is for all attempts.

    It is what a caller's whole call has as well: `Caller.deadline` says when that ends.
    """

    attempts: int = 4
    backoff_s: float = 0.5
    deadline_s: float = 110.0

    def pause_s(self, tried: int) -> float:
        """Return how long to wait after so many attempts: doubling, with jitter."""
        longest_s = self.backoff_s * float(2 ** (tried - 1))
        return longest_s * random.uniform(0.5, 1.0)


class SoapClient:
    """Carries requests to the vendor. Safe to use from many threads."""

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
        passage: Passage | None = None,
        relocate: Relocate | None = None,
        retries: RetryPolicy | None = None,
    ) -> T:
        """Return what `receive` makes of the answer.

        Each attempt passes the gate by itself, so that none holds a lane while it
        pauses, and each is noted in the call log.

        A read is repeated after a broken connection, a timeout and a page in place of
        a reply. A write is repeated only when the vendor certainly did nothing: no
        connection, another zone, or its limit of simultaneous calls. No other refusal
        is ever repeated. When the tenant may have moved, the address is looked up once,
        and the call repeated only if it did.

        Raises:
            ProviderOutcomeUnknownError: a write was sent and not answered.
            ProviderError: what the last attempt failed with, or the gate's refusal.
        """
        policy = retries or self.retries
        deadline = _deadline(request, policy, passage)
        tried = 0
        while True:
            tried += 1
            try:
                with self._enter(passage, url, deadline) as lease:
                    return self._attempt(
                        _Attempt(request, url, deadline, tried, passage), receive, lease
                    )
            except Failure as failure:
                if failure.astray and relocate is not None:
                    moved_to, relocate = relocate(), None
                    if moved_to is not None and moved_to != url:
                        url = moved_to
                        continue
                if not _may_repeat(request, failure):
                    raise _told(request, url, failure) from failure
                pause_s = 0.0 if failure.at_once else policy.pause_s(tried)
                if tried >= policy.attempts or time.monotonic() + pause_s >= deadline:
                    raise _told(request, url, failure) from failure
            time.sleep(pause_s)

    def _enter(
        self, passage: Passage | None, url: str, deadline: float
    ) -> AbstractContextManager[Permit]:
        if passage is None:
            return self.rate_limiter.check_host(urlsplit(url).netloc.lower())
        return self.rate_limiter.acquire(
            passage.ticket(), deadline=deadline, read_usage=passage.read_usage
        )

    def _attempt(self, attempt: _Attempt, receive: Receive[T], lease: Permit) -> T:
        started_at, started = datetime.now(UTC), time.perf_counter()
        lease.outcome = Outcome.UNUSABLE
        try:
            answer = self._exchange(attempt, receive)
            lease.outcome = Outcome.ANSWERED
        except Failure as failure:
            lease.outcome = _outcome(failure)
            lease.provider_message = failure.error.provider_message
            raise
        finally:
            duration_ms = (time.perf_counter() - started) * 1000
            self._log.record(attempt.noted(started_at, duration_ms, lease.outcome))
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
                    attempt.keep(page)
                    raise faults.page(request, faults.host_of(url), reply.status, page)
                chunks = _limited(request, reply.chunks())
                return receive(attempt.overhear(chunks))
        except ProviderProtocolError as error:
            raise Failure(error) from error
        except WireError as error:
            raise faults.no_answer(request, url, error) from error


@dataclass(frozen=True, slots=True)
class _Attempt:
    request: Request
    url: str
    deadline: float
    number: int
    passage: Passage | None
    heard: list[bytes] = field(default_factory=list, repr=False)

    @property
    def caller(self) -> Caller:
        """On whose behalf it is made."""
        return self.passage.ticket().caller if self.passage else NO_CALLER

    def keep(self, chunk: bytes) -> None:
        """Keep a piece of the answer for the trace of a caller that is traced."""
        if self.caller.traced:
            self.heard.append(chunk)

    def overhear(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Return the chunks, each kept on its way if the caller is traced."""
        if not self.caller.traced:
            return chunks

        def kept() -> Iterator[bytes]:
            for chunk in chunks:
                self.heard.append(chunk)
                yield chunk

        return kept()

    def noted(
        self, started_at: datetime, duration_ms: float, outcome: Outcome
    ) -> VendorCall:
        """Return what the call log is told of this attempt, secrets masked."""
        caller = self.caller
        return VendorCall(
            operation=self.request.operation,
            entity=self.request.subject,
            started_at=started_at,
            duration_ms=duration_ms,
            outcome=outcome,
            instance_id=caller.instance_id,
            attempt=self.number,
            request=self.request.shown() if caller.traced else b"",
            reply=mask_xml(b"".join(self.heard).decode("utf-8", "replace")).encode(),
        )


def _limited(request: Request, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks of an answer.

    Raises:
        ProviderProtocolError: they are more bytes than an answer to this operation has.
    """
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > request.max_reply_bytes:
            raise ProviderProtocolError(
                f"Autotask's answer to {request} is larger than "
                f"{request.max_reply_bytes} bytes and was not read."
            )
        yield chunk


def _deadline(request: Request, policy: RetryPolicy, passage: Passage | None) -> float:
    """Return when a call ends: its own time is over, or that of its caller.

    A write is not begun so late that its answer would hardly come in time.

    Raises:
        ProviderTimeoutError: it is too late; nothing was sent.
    """
    now = time.monotonic()
    own = now + policy.deadline_s
    given = passage.ticket().caller.deadline if passage else None
    if given is None:
        return own
    needed_s = policy.deadline_s * _WRITES_SHARE if request.writes else 0.0
    if given - now <= needed_s:
        raise ProviderTimeoutError(
            "Autotask answered too slowly: the time for this call is over, and the"
            f" {request} was not sent."
        )
    return min(own, given)


def _outcome(failure: Failure) -> Outcome:
    match failure.error:
        case ProviderThresholdError():
            return Outcome.THREAD_LIMIT if failure.passing else Outcome.QUOTA
        case ProviderUnavailableError() | ProviderTimeoutError() if (
            not failure.answered
        ):
            return Outcome.UNREACHABLE
        case ProviderProtocolError():
            return Outcome.UNUSABLE
        case _:
            return Outcome.REFUSED


def _may_repeat(request: Request, failure: Failure) -> bool:
    return failure.passing and (failure.nothing_done or not request.writes)


def _told(request: Request, url: str, failure: Failure) -> ProviderError:
    if request.writes and not failure.nothing_done:
        return faults.unknown_outcome(request, faults.host_of(url), failure.error)
    return failure.error


def _is_soap(reply: HttpReply) -> bool:
    """Whether status and content type promise a SOAP reply or fault.

    A gateway's error may claim to be XML too, and a missing type is let pass for the
    decoder to judge.
    """
    content_type = reply.header("Content-Type").lower()
    typed = not content_type or "xml" in content_type.split(";")[0]
    return typed and reply.status in _SOAP_STATUSES and "xhtml" not in content_type
