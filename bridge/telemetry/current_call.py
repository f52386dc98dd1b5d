"""The call that this thread is serving, for log lines, metrics and traces.

A call is a caller's request or a background task. The code that begins one must end
it, because a thread serves many calls.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

# A long list could otherwise collect all its pages in memory.
MAX_EXCHANGES = 50


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange with the vendor, recorded for a traced call."""

    operation: str
    entity: str
    attempt: int
    outcome: str
    duration_ms: float
    request: bytes = field(default=b"", repr=False)
    reply: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class CallTrace:
    """What is recorded of a traced call until its response: body and vendor calls."""

    body: bytes = field(default=b"", repr=False)
    exchanges: list[Exchange] = field(default_factory=list, repr=False)

    def add(self, exchange: Exchange) -> None:
        """Record an exchange, up to `MAX_EXCHANGES`."""
        if len(self.exchanges) < MAX_EXCHANGES:
            self.exchanges.append(exchange)


@dataclass(slots=True)
class Call:
    """The state of a call so far.

    `secrets` are the texts that must not reach a log or a trace. `trace`: None
    unless the call is traced. `started` is by the monotonic clock.
    """

    request_id: str
    instance_id: int | None = None
    vendor_calls: int = 0
    secrets: tuple[str, ...] = field(default=(), repr=False)
    trace: CallTrace | None = field(default=None, repr=False)
    started: float = field(default_factory=time.monotonic)

    def elapsed_ms(self) -> float:
        """Return how long the call has taken until now."""
        return (time.monotonic() - self.started) * 1000


_CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


def begin(request_id: str) -> Call:
    """Start a new call in this thread and return it."""
    call = Call(request_id)
    _CURRENT.set(call)
    return call


def current() -> Call | None:
    """Return the call of this thread; None between calls."""
    return _CURRENT.get()


def conceal(*secrets: str | None) -> None:
    """Mask these texts in all log lines and traces of the current call from now on."""
    call = _CURRENT.get()
    if call is not None:
        call.secrets += tuple(secret for secret in secrets if secret)


def end() -> None:
    """End the current call."""
    _CURRENT.set(None)
