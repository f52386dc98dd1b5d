"""The governor's seam: who calls, how a call ends, and what lets it pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol, TypeAlias

from bridge.interfaces.data import Usage


class Priority(IntEnum):
    """What gives way to what; the lower number goes first."""

    INTERACTIVE = 0
    POLLING = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf the vendor is called; no instance before there is one.

    The exchanges of a `traced` caller are noted with their bodies. `deadline`, by the
    monotonic clock, is when he gives up, with all the vendor calls made for him.
    """

    instance_id: int | None = None
    priority: Priority = Priority.INTERACTIVE
    traced: bool = False
    deadline: float | None = None


NO_CALLER = Caller()


class Outcome(StrEnum):
    """How one exchange with the vendor ended.

    `UNREACHABLE` is everything that says the host is down rather than the request
    wrong: no connection, no answer in time, a page in place of a reply.
    """

    ANSWERED = "answered"
    REFUSED = "refused"
    THREAD_LIMIT = "thread-limit"
    QUOTA = "quota"
    UNREACHABLE = "unreachable"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class VendorCall:
    """One exchange with the vendor: `attempt` counts from 1, `entity` may be empty.

    `request` and `reply` are empty unless the caller is traced; the values of secret
    fields are masked in them.
    """

    operation: str
    entity: str
    started_at: datetime
    duration_ms: float
    outcome: Outcome
    instance_id: int | None
    attempt: int
    request: bytes = field(default=b"", repr=False)
    reply: bytes = field(default=b"", repr=False)


class CallLog(Protocol):
    """Told of every exchange with the vendor, the failed ones included."""

    def record(self, call: VendorCall) -> None:
        """Take note of one exchange; quick, never fails, called from any thread."""


class NoCallLog:
    """A call log that keeps nothing."""

    def record(self, call: VendorCall) -> None:
        """Forget the call."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call that wants to be sent.

    `database` is `host#ci`, the same for all that share a tenant database; `entity` is
    empty for operations that have none. `usage_reading` marks the call that asks the
    vendor for its own count: no budget refuses it.
    """

    database: str
    identifier: str = field(repr=False)
    entity: str
    caller: Caller = NO_CALLER
    usage_reading: bool = False


class Permit(Protocol):
    """A lane that is held; who holds it says how the call ended, and in what words."""

    outcome: Outcome
    provider_message: str | None


ReadUsage: TypeAlias = Callable[[], Usage]
"""Asks the vendor for its own count of calls. One vendor call."""


class RateLimiter(Protocol):
    """The governor: what all processes may send to a tenant database together."""

    def acquire(
        self, request: CallRequest, *, deadline: float, read_usage: ReadUsage
    ) -> AbstractContextManager[Permit]:
        """Wait for a lane and a piece of the hourly budget, hold both in the block.

        `deadline` is by the monotonic clock. `read_usage` asks the vendor for its own
        count; the gate decides when, and calls it on a thread of its own.

        Raises:
            ProviderThresholdError: the budget is used up, or no lane came free.
            ProviderUnavailableError: the host is down; says when it is tried again.
        """

    def check_host(self, host: str) -> AbstractContextManager[Permit]:
        """Pass the breaker of a host, `name` or `name:port`, and nothing else.

        For a call that no tenant database is known for.

        Raises:
            ProviderUnavailableError: the host is down; says when it is tried again.
        """

    def report_usage(self, database: str, usage: Usage) -> None:
        """Take the vendor's own count of the calls to a database."""


class UsageObserver(Protocol):
    """Told what the vendor says of its count to calls that pass no gate."""

    def report_usage(self, database: str, usage: Usage) -> None:
        """Take the vendor's own count of the calls to a database."""

    def report_refusal(self, database: str) -> None:
        """Take note that the vendor just refused a call to a database for quota."""


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """The slots of one entity under one integration code.

    `waiting` counts the processes that wait, not their calls.
    """

    entity: str
    lanes: int
    in_flight: int
    waiting: int


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """How much of a tenant database's call budget is used.

    `ours` and `theirs` count the calls of the last hour by all our processes and by
    others; `theirs` is None without a reading of the last hour, made `age_s` ago at
    `read_at`. `quota_refused_at` is when the vendor refused a call for quota, if the
    budget is assumed to be used up since then. `refused_until` maps each priority to
    the time from which a call may pass again, None when it passes now: by then our
    calls have left the hour, or the vendor's count is read again. `breaker_until` is
    when the host is tried again, None while its circuit breaker is closed.
    """

    database: str
    threshold: int
    ours: int
    theirs: int | None
    read_at: datetime | None
    age_s: float | None
    quota_refused_at: datetime | None
    refused_until: Mapping[Priority, datetime | None]
    lanes: tuple[SlotUsage, ...]
    breaker_until: datetime | None


class InspectableRateLimiter(RateLimiter, UsageObserver, Protocol):
    """A rate limiter that also reports how much of each budget is used."""

    def get_budgets(
        self, databases: Collection[str], caller: Caller = NO_CALLER
    ) -> list[BudgetUsage]:
        """Return the usage of each database, in the order given. No vendor call.

        `refused_until` is for the calls of the caller's instance.
        """

    def close(self) -> None:
        """Release what this process holds, and stop."""
