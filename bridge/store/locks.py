"""Locks with a lease: one holder per key, across threads, processes and machines.

A lock that is never released expires; the lock of a process that is seen to be dead is
free at once. Times are the database's, so that machines with different clocks agree.
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


_ACQUIRE = upsert(leases, _acquire_if_free)
_SWEEP = sweep(leases)
_HOLDER = select(leases.c.holder).where(leases.c.key == bindparam("its_key"))
_RELEASE = delete(leases).where(
    leases.c.key == bindparam("its_key"), leases.c.holder == bindparam("its_holder")
)


def acquire(
    db: Database, key: str, holder: str, ttl_s: float, *, now: datetime | None = None
) -> bool:
    """Acquire or renew the lock on `key` for `ttl_s` seconds; never waits.

    False while another live holder has it. `now` replaces the database's clock.
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
        upsert_lock = _ACQUIRE[connection.dialect.name]
        acquired = connection.execute(upsert_lock, row).one_or_none() is not None
        if not acquired:
            other = connection.execute(_HOLDER, {"its_key": key}).scalar_one_or_none()
            if other is not None and find_dead([other]):
                # Names the dead holder: a process that was faster keeps the lock.
                retried = connection.execute(upsert_lock, {**row, "dead": other})
                acquired = retried.one_or_none() is not None
        connection.execute(_SWEEP, {"now": now})
        return acquired


def release(db: Database, key: str, holder: str) -> None:
    """Release the lock; does nothing if another holder has it by now."""
    with db.begin() as connection:
        connection.execute(_RELEASE, {"its_key": key, "its_holder": holder})
