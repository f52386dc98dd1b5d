"""Statements that differ between the two databases, or that several tables share."""

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
from sqlalchemy.exc import IntegrityError

from bridge.errors import InvalidRequestError
from bridge.store.models import ROWS_PER_BATCH

_ROWS_PER_BATCH = 100

NewRow: TypeAlias = postgresql.Insert | sqlite.Insert
"""An insert with an ON CONFLICT clause; `excluded` is the new row."""


def upsert(table: Table, finish: Callable[[NewRow], Insert]) -> Mapping[str, Insert]:
    """Return the insert that `finish` completes, by name of the dialect.

    Call it at import: building a statement takes longer than running it.
    """
    return {
        "postgresql": finish(postgresql.insert(table)),
        "sqlite": finish(sqlite.insert(table)),
    }


def insert_or_update(table: Table, *columns: str) -> Mapping[str, Insert]:
    """Return an insert that updates these columns if the primary key exists."""
    return upsert(
        table,
        lambda row: row.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: row.excluded[name] for name in columns},
        ),
    )


def save_of_instance(
    connection: Connection, save: Mapping[str, Insert], row: Mapping[str, object]
) -> None:
    """Save a row of an instance, as the last statement of a transaction.

    If the instance was removed meanwhile the transaction is rolled back.
    """
    try:
        connection.execute(save[connection.dialect.name], row)
    except IntegrityError:
        connection.rollback()


def rows_per_batch(table: Table) -> int:
    """Return how many rows of a table one statement reads or deletes at most.

    One hundred, fewer for a table with long rows: a batch is in memory, and deleting it
    blocks SQLite's other writers.
    """
    return int(table.info.get(ROWS_PER_BATCH, _ROWS_PER_BATCH))


def sweep(table: Table) -> Delete:
    """Return a statement that deletes rows expired at the parameter `now`.

    At most `rows_per_batch`.

    Run it with each insert, so that no table grows without bound. Rows that another
    transaction has locked are skipped: waiting for them could deadlock.
    """
    key = table.primary_key.columns
    expired = (
        select(*key)
        .where(table.c.expires_at <= bindparam("now"))
        .limit(rows_per_batch(table))
        .with_for_update(skip_locked=True)
    )
    return delete(table).where(tuple_(*key).in_(expired))


def read_clock(connection: Connection) -> datetime:
    """Return the time of the database server, on which all processes agree.

    With SQLite all processes share this machine's clock.
    """
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


def written_time(
    connection: Connection, column: ColumnElement[datetime]
) -> ColumnElement[str]:
    """Return a stored time as text, `2019-03-14 09:26:53` in UTC, for grouping.

    SQLite stores times as such texts, followed by a fraction.
    """
    if connection.dialect.name == "postgresql":
        utc = func.timezone("UTC", column)
        return func.to_char(utc, "YYYY-MM-DD HH24:MI:SS", type_=Text)
    return type_coerce(column, Text)


def is_storable(*texts: str) -> bool:
    """Return whether both databases can store the texts.

    JSON can carry two things that they cannot: a NUL and half of a surrogate pair.
    """
    try:
        return b"\0" not in "".join(texts).encode()
    except UnicodeEncodeError:
        return False


def require_storable(what: str, *texts: str | None) -> None:
    """Require that both databases can store the texts that are given.

    Raises:
        InvalidRequestError: `what` holds a character that cannot be stored.
    """
    if not is_storable(*(text for text in texts if text is not None)):
        raise InvalidRequestError(f"{what} holds a character that cannot be stored.")
