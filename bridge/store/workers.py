"""Workers that are alive, by their heartbeats, which expire.

Times are the database's, so that machines with different clocks agree on which workers
are alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import insert_or_update, read_clock, sweep
from bridge.store.models import workers


@dataclass(frozen=True, slots=True)
class Worker:
    """A live worker, the version of its program, and the time of its last heartbeat."""

    id: str
    version: str
    started_at: datetime
    seen_at: datetime


_SAVE = insert_or_update(workers, "seen_at", "expires_at")
_SWEEP = sweep(workers)
_REMOVE = delete(workers).where(workers.c.id == bindparam("worker_id"))
_LIVING = (
    select(workers.c.id, workers.c.version, workers.c.started_at, workers.c.seen_at)
    .where(workers.c.expires_at > bindparam("now"))
    .order_by(workers.c.started_at, workers.c.id)
)


def save_heartbeat(
    db: Database, worker_id: str, version: str, *, lease_s: float
) -> None:
    """Save the heartbeat of a worker, valid for `lease_s`; delete expired rows."""
    with db.begin() as connection:
        now = read_clock(connection)
        row = {
            "id": worker_id,
            "version": version,
            "started_at": now,
            "seen_at": now,
            "expires_at": now + timedelta(seconds=lease_s),
        }
        connection.execute(_SAVE[connection.dialect.name], row)
        connection.execute(_SWEEP, {"now": now})


def remove_worker(db: Database, worker_id: str) -> None:
    """Delete the row of a worker that stops, if it exists."""
    with db.begin() as connection:
        connection.execute(_REMOVE, {"worker_id": worker_id})


def list_living(db: Database) -> list[Worker]:
    """Return the workers whose lease has not expired, oldest first."""
    with db.read() as connection:
        rows = connection.execute(_LIVING, {"now": read_clock(connection)})
        return [Worker(*row) for row in rows]
