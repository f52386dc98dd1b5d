"""Another key for what is sealed, under running processes.

Three steps, each safe to repeat and to break off:

1. The new key stands in the ring's file, first, before anything is sealed with it.
   Running processes seal with it from then on and still open everything.
2. `reseal`: every stored seal is made again, a few rows a transaction.
3. Later the old key leaves the ring, once nothing is sealed with it.

Every column whose name begins with `sealed_` takes part; there is no list to forget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, and_, select, tuple_, update

from bridge.store.database import schema
from bridge.store.database.engine import Database
from bridge.store.models import metadata
from bridge.store.secrets.key_ring import KeyRing

PREFIX = "sealed_"

_BATCH = 100
_PASSES = 20


@contextmanager
def alone(db: Database) -> Iterator[None]:
    """Keep others from changing the ring during the block; the newest is read first.

    Two rotations at once would otherwise each write a ring without the other's key.
    """
    with db.begin() as connection:
        schema.lock(connection)
        db.keys.follow()
        yield


def reseal(db: Database) -> int:
    """Seal everything with the ring's first key; return how many seals were made.

    Readers and writers go on: a row that somebody changes meanwhile is left as he
    leaves it, and looked at again in the next pass. It ends with a pass that finds
    nothing to do.

    Raises:
        StoreError: a seal does not open with any key of the ring; those already made
            again stay so.
    """
    done = 0
    for _ in range(_PASSES):
        made = sum(_reseal_table(db, table) for table in sealed_tables())
        done += made
        if made == 0:
            break
    return done


def count_seals(db: Database) -> Counter[str | None]:
    """Return how many stored values each key has sealed; None is no key of the ring."""
    return Counter(
        db.keys.sealed_by(seal)
        for table in sealed_tables()
        for rows in _batches(db, table)
        for row in rows
        for seal in _seals(row).values()
    )


def sealed_tables() -> list[Table]:
    """Return every table that holds seals."""
    return [table for table in metadata.sorted_tables if _sealed_columns(table)]


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name.startswith(PREFIX)]


def _batches(db: Database, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows' keys and seals in batches; no transaction stays open."""
    key = list(table.primary_key.columns)
    asked = select(*key, *_sealed_columns(table)).order_by(*key).limit(_BATCH)
    page = asked
    while True:
        with db.read() as connection:
            rows = connection.execute(page).all()
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        page = asked.where(tuple_(*key) > tuple_(*rows[-1][: len(key)]))


def _reseal_table(db: Database, table: Table) -> int:
    made = 0
    for rows in _batches(db, table):
        stale = [row for row in rows if _is_stale(db.keys, row)]
        if stale:
            with db.begin() as connection:
                made += sum(
                    _reseal_row(connection, db.keys, table, row) for row in stale
                )
    return made


def _is_stale(keys: KeyRing, row: Row[Any]) -> bool:
    first = keys.keys[0].id
    return any(keys.sealed_by(seal) != first for seal in _seals(row).values())


def _reseal_row(
    connection: Connection, keys: KeyRing, table: Table, row: Row[Any]
) -> int:
    """Change a row that still holds the seals that were read from it."""
    found = row._mapping  # noqa: SLF001 - the library's own name for a row as a mapping
    seals = _seals(row)
    same = [
        table.c[name] == found[name]
        for name in (*(column.name for column in table.primary_key.columns), *seals)
    ]
    values = {name: keys.reseal(seal) for name, seal in seals.items()}
    statement = update(table).where(and_(*same)).values(values)
    return len(values) if connection.execute(statement).rowcount else 0


def _seals(row: Row[Any]) -> dict[str, bytes]:
    return {
        name: bytes(value)
        for name, value in row._mapping.items()  # noqa: SLF001 - as above
        if name.startswith(PREFIX) and value is not None
    }
