"""The protocols of the rate limiter and the call log, and the data they take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol, TypeAlias

from bridge.interfaces.data import Usage


class Priority(IntEnum):
    """The priority of a call; the lower number goes first."""

    # IntEnum, because the priority is also the order of waiting calls.
    INTERACTIVE = 0
    POLLING = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a vendor call is made for; `instance_id`: None before it is created.

    The exchanges of a `traced` caller are recorded with their bodies. `deadline` is the
    time, by the monotonic clock, after which the caller no longer waits for any of its
    vendor calls.
    """

    instance_id: int | None = None
    priority: Priority = Priority.INTERACTIVE
    traced: bool = False
    deadline: float | None = None


NO_CALLER = Caller()


class Outcome(StrEnum):
    """How one exchange with the vendor ended.

    `UNREACHABLE` is every failure of the host rather than of the request: no
    connection, no response in time, a page that means maintenance. `UNUSABLE` is a
    reply that cannot be decoded, or a page such as that of a 404.
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

    `request` and `reply` are empty unless the caller is traced; secrets in them are
    masked.
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
    """Records every exchange with the vendor, including failed ones."""

    def record(self, call: VendorCall) -> None:
        """Record one exchange; fast, never fails, called from any thread."""


class NoCallLog:
    """A call log that records nothing."""

    def record(self, call: VendorCall) -> None:
        """Ignore the call."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request to the rate limiter to send one call.

    `database` is `host#ci`, the same for all instances of a tenant database; `entity`
    is empty for operations without one. `usage_reading` marks the call that reads the
    vendor's own usage count: no budget refuses it.
    """

    database: str
    identifier: str = field(repr=False)
    entity: str
    caller: Caller = NO_CALLER
    usage_reading: bool = False


class Permit(Protocol):
    """A slot that is held; its holder sets the call's outcome and the vendor's text."""

    outcome: Outcome
    provider_message: str | None


ReadUsage: TypeAlias = Callable[[], Usage]
"""Reads the vendor's own count of calls. One vendor call."""


class RateLimiter(Protocol):
    """Limits what all processes together send to a tenant database."""

    def acquire(
        self, request: CallRequest, *, deadline: float, read_usage: ReadUsage
    ) -> AbstractContextManager[Permit]:
        """Wait for a slot and a call of the hourly budget; hold both in the block.

        `deadline` is by the monotonic clock. The rate limiter calls `read_usage` on a
        thread of its own whenever it needs a new reading.

        Raises:
            ProviderThresholdError: the budget is used up, or no slot became free.
            ProviderUnavailableError: the host is down; says when it is tried again.
        """

    def check_host(self, host: str) -> AbstractContextManager[Permit]:
        """Check only the circuit breaker of a host, `name` or `name:port`.

        For a call whose tenant database is not known yet.

        Raises:
            ProviderUnavailableError: the host is down; says when it is tried again.
        """

    def report_usage(self, database: str, usage: Usage) -> None:
        """Report the vendor's own count of the calls to a database."""


class UsageObserver(Protocol):
    """Learns the vendor's usage count from calls that bypass the rate limiter."""

    def report_usage(self, database: str, usage: Usage) -> None:
        """Report the vendor's own count of the calls to a database."""

    def report_refusal(self, database: str) -> None:
        """Report that the vendor just refused a call to a database for quota."""


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """The slots of one entity under one integration code.

    `waiting` counts the processes that wait, not their calls.
    """

    entity: str
    slots: int
    in_flight: int
    waiting: int


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """How much of a tenant database's call budget is used.

    `ours` and `theirs` count the calls of the last hour by all our processes and by
    others; `theirs`: None without a reading of the last hour, made `age_s` ago at
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
    slots: tuple[SlotUsage, ...]
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
