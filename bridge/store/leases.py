"""Leases: one holder of a key at a time, across threads, processes and machines.

A lease that its holder never released ends by itself. Times are the database's, so
that machines whose clocks disagree still agree on who holds what.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Insert, bindparam, delete, or_

from bridge.store.engine import Database
from bridge.store.models import leases
from bridge.store.sql import NewRow, read_clock, sweep, upsert


def _take_if_free(row: NewRow) -> Insert:
    free = or_(
        leases.c.expires_at <= bindparam("now"),
        leases.c.holder == row.excluded.holder,
    )
    changes = {name: row.excluded[name] for name in ("holder", "expires_at")}
    return row.on_conflict_do_update(
        index_elements=[leases.c.key], set_=changes, where=free
    ).returning(leases.c.key)


_TAKE = upsert(leases, _take_if_free)
_SWEEP = sweep(leases)
_GIVE_BACK = delete(leases).where(
    leases.c.key == bindparam("its_key"), leases.c.holder == bindparam("its_holder")
)


def acquire(
    db: Database, key: str, holder: str, ttl_s: float, *, now: datetime | None = None
) -> bool:
    """Take or prolong the lease on `key` for `ttl_s` seconds; never waits.

    False while another holder's lease lasts. `now` replaces the database's clock.
    """
    with db.begin() as connection:
        now = now or read_clock(connection)
        row = {
            "key": key,
            "holder": holder,
            "expires_at": now + timedelta(seconds=ttl_s),
            "now": now,
        }
        taken = connection.execute(_TAKE[connection.dialect.name], row)
        acquired = taken.one_or_none() is not None
        connection.execute(_SWEEP, {"now": now})
        return acquired


def release(db: Database, key: str, holder: str) -> None:
    """Give the lease back; nothing happens when it is another's by now."""
    with db.begin() as connection:
        connection.execute(_GIVE_BACK, {"its_key": key, "its_holder": holder})
