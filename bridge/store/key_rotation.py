"""Rotates the key that seals secrets, while processes run.

Three steps, each safe to repeat and to interrupt:

1. The new key is written to the key ring's file, in first place. Running processes seal
   with it from then on and can still open everything.
2. `reseal` seals every stored value again, a few rows per transaction.
3. The old key is removed from the ring later, when nothing is sealed with it any more.

Includes every column whose name begins with `sealed_`, so that none can be forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, and_, select, tuple_, update

from bridge.store.database import schema
from bridge.store.database.engine import Database
from bridge.store.database.sql import rows_per_batch
from bridge.store.models import metadata
from bridge.store.secrets.key_ring import KeyRing

PREFIX = "sealed_"

_PASSES = 20


@contextmanager
def rotation_lock(db: Database) -> Iterator[None]:
    """Lock the key ring against changes by other processes, and reload it.

    Without the lock two concurrent rotations would each write a ring without the key of
    the other.
    """
    with db.begin() as connection:
        schema.lock(connection)
        db.keys.reload_if_changed()
        yield


def reseal(db: Database) -> int:
    """Seal everything with the ring's first key; return how many seals were made.

    Does not block readers and writers: a row that changes meanwhile is skipped, and
    checked again in the next pass. Ends with a pass that changes nothing.

    Raises:
        StoreError: a seal does not open with any key of the ring; seals already
            replaced stay replaced.
    """
    done = 0
    for _ in range(_PASSES):
        made = sum(_reseal_table(db, table) for table in sealed_tables())
        done += made
        if made == 0:
            break
    return done


def count_seals(db: Database) -> Counter[str | None]:
    """Count the stored values sealed by each key; None stands for unknown keys."""
    return Counter(
        db.keys.sealed_by(seal)
        for table in sealed_tables()
        for rows in _batches(db, table)
        for row in rows
        for seal in _seals(row).values()
    )


def sealed_tables() -> list[Table]:
    """Return every table with sealed columns."""
    return [table for table in metadata.sorted_tables if _sealed_columns(table)]


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name.startswith(PREFIX)]


def _batches(db: Database, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows' keys and seals in batches; no transaction stays open."""
    key = list(table.primary_key.columns)
    size = rows_per_batch(table)
    query = select(*key, *_sealed_columns(table)).order_by(*key).limit(size)
    page = query
    while True:
        with db.read() as connection:
            rows = connection.execute(page).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        page = query.where(tuple_(*key) > tuple_(*rows[-1][: len(key)]))


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
    """Reseal a row if its seals are still the ones that were read."""
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
