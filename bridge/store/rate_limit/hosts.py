"""Hosts of the vendor that fail, as rows; one that answers has none.

The rows are what all processes know together. What a row says is computed here, and
times are the database's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection, bindparam, delete, select, update

from bridge.store.database.engine import Database
from bridge.store.database.sql import read_clock, sweep, upsert
from bridge.store.models import vendor_hosts

FAILURES = 10
"""Consecutive failures after which a host is taken for down."""

FIRST_PAUSE_S = 5.0
MAX_PAUSE_S = 60.0
FORGOTTEN_S = 3600.0
"""How long a failure is remembered that nothing followed."""

CLOCK_SLACK_S = 5.0
"""A pause that ends later than this beyond the longest was noted before the clock was
set back; it counts as over."""

_LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A host that failed `failures` times in a row, the last time at `failed_at`.

    From `FAILURES` on its breaker is open: it is left alone until `left_until`, then
    one call is let through. `probing` says that it was, and holds back the others for
    as long as the pause was, in case nobody ever hears how it ended.
    """

    failures: int
    pause_s: float
    probing: bool
    left_until: datetime
    failed_at: datetime
    provider_message: str | None = None

    @classmethod
    def none(cls, now: datetime) -> Self:
        """Return what is known of a host before its first failure."""
        return cls(
            failures=0, pause_s=0.0, probing=False, left_until=now, failed_at=now
        )

    @property
    def is_open(self) -> bool:
        """Whether the host is taken for down."""
        return self.failures >= FAILURES

    def is_paused(self, now: datetime) -> bool:
        """Return whether the host is left alone now."""
        return now < self.left_until <= _latest_pause(now)

    def failed(self, now: datetime, provider_message: str | None) -> BreakerState:
        """Return the trouble after one more failure.

        The breaker opens, or opens again for twice as long; failures of calls that
        were under way when it opened do not count against the host a second time.
        """
        told = (provider_message or "")[:_LONGEST_MESSAGE] or self.provider_message
        more = replace(
            self, failures=self.failures + 1, failed_at=now, provider_message=told
        )
        if not more.is_open or not (self.probing or not self.is_paused(now)):
            return more
        pause_s = min(self.pause_s * 2 or FIRST_PAUSE_S, MAX_PAUSE_S)
        until = now + timedelta(seconds=pause_s)
        return replace(more, pause_s=pause_s, probing=False, left_until=until)


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
        _C.failures >= FAILURES,
        (_C.left_until <= bindparam("now")) | (_C.left_until > bindparam("latest")),
    )
    .values(left_until=bindparam("until"), probing=True)
)
_FORGET = delete(vendor_hosts).where(_ITS)
_SWEEP = sweep(vendor_hosts)


def read_breaker(db: Database, host: str) -> tuple[BreakerState | None, datetime]:
    """Return what is known of a host, None when it does not fail, and the time."""
    with db.read() as connection:
        return _read(connection, host), read_clock(connection)


def add_failure(
    db: Database, host: str, provider_message: str | None
) -> tuple[BreakerState, datetime]:
    """Count a failure; return what is known of the host then, and the time."""
    with db.begin() as connection:
        now = read_clock(connection)
        connection.execute(_SWEEP, {"now": now})
        fresh = _row(BreakerState.none(now)) | {"host": host}
        connection.execute(_INSERT[connection.dialect.name], fresh)
        known = BreakerState(*connection.execute(_LOCK, {"its_host": host}).one())
        trouble = known.failed(now, provider_message)
        connection.execute(_UPDATE.values(_row(trouble)), {"its_host": host})
    return trouble, now


def claim_probe(db: Database, host: str, pause_s: float) -> bool:
    """Tell whether this caller is the one to try a host whose pause is over."""
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
    """Take a host for well again; nothing happens when it is."""
    with db.autocommit() as connection:
        connection.execute(_FORGET, {"its_host": host})


def _read(connection: Connection, host: str) -> BreakerState | None:
    row = connection.execute(_READ, {"its_host": host}).one_or_none()
    return None if row is None else BreakerState(*row)


def _row(trouble: BreakerState) -> dict[str, object]:
    return {
        "failures": trouble.failures,
        "pause_s": trouble.pause_s,
        "probing": trouble.probing,
        "left_until": trouble.left_until,
        "failed_at": trouble.failed_at,
        "provider_message": trouble.provider_message,
        "expires_at": trouble.failed_at + timedelta(seconds=FORGOTTEN_S),
    }
