"""How many records a query had, so that they need not be counted again at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Insert, bindparam, select
from sqlalchemy.exc import IntegrityError

from bridge.store.database.engine import Database
from bridge.store.database.sql import NewRow, sweep, upsert
from bridge.store.models import list_totals


@dataclass(frozen=True, slots=True)
class CachedCount:
    """A count; None when there were too many to be counted."""

    records: int | None


_FIND = select(list_totals.c.total).where(
    list_totals.c.instance_id == bindparam("instance_id"),
    list_totals.c.query_hash == bindparam("query_hash"),
    list_totals.c.expires_at > bindparam("now"),
)


def _replace(row: NewRow) -> Insert:
    changes = {name: row.excluded[name] for name in ("total", "expires_at")}
    key = list(list_totals.primary_key.columns)
    return row.on_conflict_do_update(index_elements=key, set_=changes)


_KEEP = upsert(list_totals, _replace)
_SWEEP = sweep(list_totals)


def find_count(
    db: Database, instance_id: int, query_hash: bytes, now: datetime
) -> CachedCount | None:
    """Return what was counted; None when nothing was, or too long ago."""
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
    """Keep a count until `expires_at`; nothing for an instance that was removed."""
    row = {
        "instance_id": instance_id,
        "query_hash": query_hash,
        "total": total.records,
        "expires_at": expires_at,
    }
    with db.begin() as connection:
        try:
            connection.execute(_KEEP[connection.dialect.name], row)
            connection.execute(_SWEEP, {"now": now})
        except IntegrityError:
            connection.rollback()
