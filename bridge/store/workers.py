"""Workers: who is alive, told by heartbeats that expire.

Times are the database's, so that machines whose clocks disagree still agree on who
is alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Insert, bindparam, delete, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import NewRow, read_clock, sweep, upsert
from bridge.store.models import workers


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is alive: the program it runs, and when it was last heard."""

    id: str
    version: str
    started_at: datetime
    seen_at: datetime


def _prolong(row: NewRow) -> Insert:
    changes = {name: row.excluded[name] for name in ("seen_at", "expires_at")}
    return row.on_conflict_do_update(index_elements=[workers.c.id], set_=changes)


_BEAT = upsert(workers, _prolong)
_SWEEP = sweep(workers)
_LEAVE = delete(workers).where(workers.c.id == bindparam("worker_id"))
_LIVING = (
    select(workers.c.id, workers.c.version, workers.c.started_at, workers.c.seen_at)
    .where(workers.c.expires_at > bindparam("now"))
    .order_by(workers.c.started_at, workers.c.id)
)


def save_heartbeat(
    db: Database, worker_id: str, version: str, *, lease_s: float
) -> None:
    """Say that a worker is alive and will say so again within `lease_s`.

    Rows of those who fell silent are removed on the way.
    """
    with db.begin() as connection:
        now = read_clock(connection)
        row = {
            "id": worker_id,
            "version": version,
            "started_at": now,
            "seen_at": now,
            "expires_at": now + timedelta(seconds=lease_s),
        }
        connection.execute(_BEAT[connection.dialect.name], row)
        connection.execute(_SWEEP, {"now": now})


def remove_worker(db: Database, worker_id: str) -> None:
    """Say that a worker ends; nothing happens when it is gone already."""
    with db.begin() as connection:
        connection.execute(_LEAVE, {"worker_id": worker_id})


def list_living(db: Database) -> list[Worker]:
    """Return the workers whose lease lasts, the longest-running first."""
    with db.read() as connection:
        rows = connection.execute(_LIVING, {"now": read_clock(connection)})
        return [Worker(*row) for row in rows]
