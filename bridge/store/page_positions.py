"""Where pages end, so that a caller who counts pages need not be walked again.

A row says: of this query in pages of this size, page N ended with this id.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Insert, bindparam, select
from sqlalchemy.exc import IntegrityError

from bridge.store.database.engine import Database
from bridge.store.database.sql import NewRow, sweep, upsert
from bridge.store.models import MAX_INTEGER, page_ends

_AT_OR_BELOW = (
    select(page_ends.c.page, page_ends.c.last_id)
    .where(
        page_ends.c.instance_id == bindparam("instance_id"),
        page_ends.c.query_hash == bindparam("query_hash"),
        page_ends.c.page_size == bindparam("page_size"),
        page_ends.c.page <= bindparam("page"),
        page_ends.c.expires_at > bindparam("now"),
    )
    .order_by(page_ends.c.page.desc())
    .limit(1)
)


def _move_end(row: NewRow) -> Insert:
    changes = {name: row.excluded[name] for name in ("last_id", "expires_at")}
    key = list(page_ends.primary_key.columns)
    return row.on_conflict_do_update(index_elements=key, set_=changes)


_REMEMBER = upsert(page_ends, _move_end)
_SWEEP = sweep(page_ends)


def save_position(  # noqa: PLR0913, PLR0917 - the columns of one row
    db: Database,
    instance_id: int,
    query_hash: bytes,
    page_size: int,
    page: int,
    last_id: int,
    expires_at: datetime,
    *,
    now: datetime | None = None,
) -> None:
    """Keep the last id of a page until `expires_at`; the newest caller wins.

    Nothing is kept for an instance that was removed meanwhile.
    """
    row = {
        "instance_id": instance_id,
        "query_hash": query_hash,
        "page_size": page_size,
        "page": page,
        "last_id": last_id,
        "expires_at": expires_at,
    }
    with db.begin() as connection:
        connection.execute(_SWEEP, {"now": now or datetime.now(UTC)})
        try:
            connection.execute(_REMEMBER[connection.dialect.name], row)
        except IntegrityError:
            connection.rollback()


def find_nearest(
    db: Database,
    instance_id: int,
    query_hash: bytes,
    page_size: int,
    page: int,
    *,
    now: datetime | None = None,
) -> tuple[int, int] | None:
    """Return the highest remembered page at or below `page`, and its last id.

    None when there is none. One SQL statement.
    """
    parameters = {
        "instance_id": instance_id,
        "query_hash": query_hash,
        "page_size": page_size,
        "page": min(page, MAX_INTEGER),
        "now": now or datetime.now(UTC),
    }
    with db.read() as connection:
        row = connection.execute(_AT_OR_BELOW, parameters).one_or_none()
    return None if row is None else (row.page, row.last_id)
