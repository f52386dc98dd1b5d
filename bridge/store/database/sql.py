"""The few statements that the two databases spell differently, or share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

MAX_SWEPT = 100

NewRow: TypeAlias = postgresql.Insert | sqlite.Insert
"""An insert that can be told what to do on a conflict; `excluded` is the new row."""


def upsert(table: Table, finish: Callable[[NewRow], Insert]) -> Mapping[str, Insert]:
    """Return an insert as `finish` completes it, for each dialect by its name.

    Made once, at import: putting a statement together takes longer than running it.
    """
    return {
        "postgresql": finish(postgresql.insert(table)),
        "sqlite": finish(sqlite.insert(table)),
    }


def sweep(table: Table) -> Delete:
    """Return a statement that removes up to 100 rows expired by the parameter `now`.

    Run beside each insert, so that no table grows without bound. Rows that another
    transaction holds are left to the next run: waiting for them could deadlock.
    """
    key = table.primary_key.columns
    expired = (
        select(*key)
        .where(table.c.expires_at <= bindparam("now"))
        .limit(MAX_SWEPT)
        .with_for_update(skip_locked=True)
    )
    return delete(table).where(tuple_(*key).in_(expired))


def read_clock(connection: Connection) -> datetime:
    """Return the time all processes agree on: the database server's.

    SQLite has no server, and its processes share this machine's clock.
    """
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


def written_time(
    connection: Connection, column: ColumnElement[datetime]
) -> ColumnElement[str]:
    """Return a stored time as text, `2019-03-14 09:26:53` in UTC, to be grouped by.

    SQLite keeps times as such texts, with a fraction behind.
    """
    if connection.dialect.name == "postgresql":
        utc = func.timezone("UTC", column)
        return func.to_char(utc, "YYYY-MM-DD HH24:MI:SS", type_=Text)
    return type_coerce(column, Text)


def is_storable(*texts: str) -> bool:
    """Tell whether both databases can hold the texts.

    JSON can carry two things they cannot: a NUL and half a surrogate pair.
    """
    try:
        return b"\0" not in "".join(texts).encode()
    except UnicodeEncodeError:
        return False
