"""The circuit breakers' rows, shared by all processes: one for each failing host.

A host that responds has no row. Times are the database's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection, bindparam, delete, select, update

from bridge.store.database.engine import Database
from bridge.store.database.sql import read_clock, sweep, upsert
from bridge.store.models import vendor_hosts

MAX_FAILURES = 10
"""Consecutive failures after which the breaker of a host opens."""

FIRST_PAUSE_S = 5.0
MAX_PAUSE_S = 60.0
RETENTION_S = 3600.0
"""How long the last failure of a host counts."""

CLOCK_SLACK_S = 5.0
"""A pause that ends later than the longest pause plus this was saved before the clock
was set back, and counts as over."""

_MAX_MESSAGE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A host that failed `failures` times in a row, the last time at `failed_at`.

    From `MAX_FAILURES` on its breaker is open: no call passes until `open_until`, then
    one does. `probing` is whether that call was allowed; the others wait as long as the
    pause was, in case the outcome of the probe is never recorded.
    """

    failures: int
    pause_s: float
    probing: bool
    open_until: datetime
    failed_at: datetime
    provider_message: str | None = None

    @classmethod
    def healthy(cls, now: datetime) -> Self:
        """Return the state of a host before its first failure."""
        return cls(
            failures=0, pause_s=0.0, probing=False, open_until=now, failed_at=now
        )

    @property
    def is_open(self) -> bool:
        """Whether the host counts as down."""
        return self.failures >= MAX_FAILURES

    def is_paused(self, now: datetime) -> bool:
        """Return whether the host may not be called now."""
        return now < self.open_until <= _latest_pause(now)

    def failed(self, now: datetime, provider_message: str | None) -> BreakerState:
        """Return the state after one more failure.

        The breaker opens, or opens again for twice as long.
        """
        message = (provider_message or "")[
            :_MAX_MESSAGE_LENGTH
        ] or self.provider_message
        more = replace(
            self, failures=self.failures + 1, failed_at=now, provider_message=message
        )
        # Calls that were in flight when the breaker opened must not extend the pause.
        if not more.is_open or not (self.probing or not self.is_paused(now)):
            return more
        pause_s = min(self.pause_s * 2 or FIRST_PAUSE_S, MAX_PAUSE_S)
        until = now + timedelta(seconds=pause_s)
        return replace(more, pause_s=pause_s, probing=False, open_until=until)


def _latest_pause(now: datetime) -> datetime:
    return now + timedelta(seconds=MAX_PAUSE_S + CLOCK_SLACK_S)


_C = vendor_hosts.c
_ITS = _C.host == bindparam("its_host")
_READ = select(
    _C.failures,
    _C.pause_s,
    _C.probing,
    _C.left_until,
    _C.failed_at,
    _C.provider_message,
).where(_ITS)
_LOCK = _READ.with_for_update()
_INSERT = upsert(vendor_hosts, lambda row: row.on_conflict_do_nothing())
_UPDATE = update(vendor_hosts).where(_ITS)
_PROBE = (
    update(vendor_hosts)
    .where(
        _ITS,
        _C.failures >= MAX_FAILURES,
        (_C.left_until <= bindparam("now")) | (_C.left_until > bindparam("latest")),
    )
    # Extends the pause, so that the condition is false for all other callers.
    .values(left_until=bindparam("until"), probing=True)
)
_DELETE = delete(vendor_hosts).where(_ITS)
_SWEEP = sweep(vendor_hosts)


def read_breaker(db: Database, host: str) -> tuple[BreakerState | None, datetime]:
    """Return the state of a host, None when it does not fail, and the time."""
    with db.read() as connection:
        return _read(connection, host), read_clock(connection)


def add_failure(
    db: Database, host: str, provider_message: str | None
) -> tuple[BreakerState, datetime]:
    """Count a failure; return the new state of the host, and the time."""
    with db.begin() as connection:
        now = read_clock(connection)
        connection.execute(_SWEEP, {"now": now})
        # Inserted first: a row that does not exist cannot be locked.
        fresh = _row(BreakerState.healthy(now)) | {"host": host}
        connection.execute(_INSERT[connection.dialect.name], fresh)
        known = BreakerState(*connection.execute(_LOCK, {"its_host": host}).one())
        state = known.failed(now, provider_message)
        connection.execute(_UPDATE.values(_row(state)), {"its_host": host})
    return state, now


def claim_probe(db: Database, host: str, pause_s: float) -> bool:
    """Try to claim the probe of a host whose pause is over; True for one caller."""
    with db.autocommit() as connection:
        now = read_clock(connection)
        claim = {
            "its_host": host,
            "now": now,
            "latest": _latest_pause(now),
            "until": now + timedelta(seconds=pause_s),
        }
        return connection.execute(_PROBE, claim).rowcount == 1


def delete_breaker(db: Database, host: str) -> None:
    """Close the breaker of a host, if it has a row."""
    with db.autocommit() as connection:
        connection.execute(_DELETE, {"its_host": host})


def _read(connection: Connection, host: str) -> BreakerState | None:
    row = connection.execute(_READ, {"its_host": host}).one_or_none()
    return None if row is None else BreakerState(*row)


def _row(state: BreakerState) -> dict[str, object]:
    return {
        "failures": state.failures,
        "pause_s": state.pause_s,
        "probing": state.probing,
        "left_until": state.open_until,
        "failed_at": state.failed_at,
        "provider_message": state.provider_message,
        "expires_at": state.failed_at + timedelta(seconds=RETENTION_S),
    }
