"""Cached page positions, so that page N can be read without reading all pages before.

A row says: for this query and page size, page N ended with this record id.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from bridge.store.database.engine import Database
from bridge.store.database.sql import insert_or_update, save_of_instance, sweep
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
_SAVE = insert_or_update(page_ends, "last_id", "expires_at")
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
    """Save the last id of a page until `expires_at`; the last writer wins.

    Does nothing if the instance was removed meanwhile.
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
        save_of_instance(connection, _SAVE, row)


def find_nearest(
    db: Database,
    instance_id: int,
    query_hash: bytes,
    page_size: int,
    page: int,
    *,
    now: datetime | None = None,
) -> tuple[int, int] | None:
    """Return the highest saved page up to `page`, and its last id, or None.

    One SQL statement.
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
