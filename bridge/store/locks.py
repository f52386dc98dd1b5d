"""Leases: one holder of a key at a time, across threads, processes and machines.

A lease that its holder never released ends by itself, and at once where its holder is
seen to be dead. Times are the database's, so that machines whose clocks disagree still
agree on who holds what.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Insert, bindparam, delete, or_, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import NewRow, read_clock, sweep, upsert
from bridge.store.models import leases
from bridge.store.process_identity import find_dead


def _acquire_if_free(row: NewRow) -> Insert:
    free = or_(
        leases.c.expires_at <= bindparam("now"),
        leases.c.holder == row.excluded.holder,
        leases.c.holder == bindparam("dead"),
    )
    changes = {name: row.excluded[name] for name in ("holder", "expires_at")}
    return row.on_conflict_do_update(
        index_elements=[leases.c.key], set_=changes, where=free
    ).returning(leases.c.key)


_TAKE = upsert(leases, _acquire_if_free)
_SWEEP = sweep(leases)
_HOLDER = select(leases.c.holder).where(leases.c.key == bindparam("its_key"))
_GIVE_BACK = delete(leases).where(
    leases.c.key == bindparam("its_key"), leases.c.holder == bindparam("its_holder")
)


def acquire(
    db: Database, key: str, holder: str, ttl_s: float, *, now: datetime | None = None
) -> bool:
    """Take or prolong the lease on `key` for `ttl_s` seconds; never waits.

    False while another holder's lease lasts, unless he is dead. `now` replaces the
    database's clock.
    """
    with db.begin() as connection:
        now = now or read_clock(connection)
        row = {
            "key": key,
            "holder": holder,
            "expires_at": now + timedelta(seconds=ttl_s),
            "now": now,
            "dead": None,
        }
        take = _TAKE[connection.dialect.name]
        acquired = connection.execute(take, row).one_or_none() is not None
        if not acquired:
            other = connection.execute(_HOLDER, {"its_key": key}).scalar_one_or_none()
            if other is not None and find_dead([other]):
                taken = connection.execute(take, {**row, "dead": other})
                acquired = taken.one_or_none() is not None
        connection.execute(_SWEEP, {"now": now})
        return acquired


def release(db: Database, key: str, holder: str) -> None:
    """Give the lease back; nothing happens when it is another's by now."""
    with db.begin() as connection:
        connection.execute(_GIVE_BACK, {"its_key": key, "its_holder": holder})
