"""Cache of how many records a query matched, because counting costs vendor calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import insert_or_update, save_of_instance, sweep
from bridge.store.models import list_totals


@dataclass(frozen=True, slots=True)
class CachedCount:
    """A count; None when there were too many records to count."""

    records: int | None


_FIND = select(list_totals.c.total).where(
    list_totals.c.instance_id == bindparam("instance_id"),
    list_totals.c.query_hash == bindparam("query_hash"),
    list_totals.c.expires_at > bindparam("now"),
)
_SAVE = insert_or_update(list_totals, "total", "expires_at")
_SWEEP = sweep(list_totals)


def find_count(
    db: Database, instance_id: int, query_hash: bytes, now: datetime
) -> CachedCount | None:
    """Return the cached count; None when it is missing or has expired."""
    parameters = {"instance_id": instance_id, "query_hash": query_hash, "now": now}
    with db.read() as connection:
        row = connection.execute(_FIND, parameters).one_or_none()
    return None if row is None else CachedCount(row.total)


def save_count(
    db: Database,
    instance_id: int,
    query_hash: bytes,
    total: CachedCount,
    *,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Cache a count until `expires_at`; does nothing if the instance was removed."""
    row = {
        "instance_id": instance_id,
        "query_hash": query_hash,
        "total": total.records,
        "expires_at": expires_at,
    }
    with db.begin() as connection:
        connection.execute(_SWEEP, {"now": now})
        save_of_instance(connection, _SAVE, row)
