"""The records of the simulator: one SQLite file, one table per tenant and entity.

Many threads read; one at a time writes, and a write call is one transaction. Texts
compare as in `collation`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

from bridge.sandbox.data import fragments
from bridge.sandbox.data.collation import collate, matches, matches_exactly, soundex
from bridge.sandbox.data.schema import (
    XML_COLUMN,
    Column,
    Table,
    TenantSchema,
    quoted,
    sql_type,
)
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule

ID_SERIES = "id"  # the series that ids of records are issued from

# Tables beside the records: issued numbers, files, and the column numbers of UDFs that
# were added or changed since the start.
SIDE_TABLES = {
    "issued": "CREATE TABLE issued (ci INTEGER, series TEXT, last INTEGER NOT NULL, "
    "PRIMARY KEY (ci, series))",
    "attachment_data": "CREATE TABLE attachment_data (ci INTEGER, id INTEGER, "
    "data BLOB NOT NULL, PRIMARY KEY (ci, id))",
    "live_udfs": "CREATE TABLE live_udfs (ci INTEGER, definition INTEGER, "
    "number INTEGER NOT NULL, PRIMARY KEY (ci, definition))",
}

# Stored values by quoted column name, without the id.
StoredRow = Mapping[str, Stored | None]


class DatabaseError(Exception):
    """The data file cannot be used; says why in one sentence."""


class Database:
    """One file of tables. Connections belong to threads; safe to share.

    Args:
        path: the database file; created when missing.
        durable: whether a commit must survive a power cut, not only a crash.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self.durable = durable
        # A connection of SQLite may be used only in the thread that opened it.
        self._threads = threading.local()
        self._writing = threading.Lock()

    def restore_from(self, source: Path) -> None:
        """Replace everything, tables included, by what another database file holds.

        Readers see the old state or the new one.
        """
        connection = self.reading()
        uri = f"{source.absolute().as_uri()}?mode=ro"
        with self._writing, closing(sqlite3.connect(uri, uri=True)) as other:
            other.backup(connection)
            # The log of this change is as large as the file; empty it now.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close this thread's connection, if it has one."""
        connection = getattr(self._threads, "connection", None)
        if connection is not None:
            connection.close()
            self._threads.connection = None

    def reading(self) -> sqlite3.Connection:
        """Return this thread's connection; each statement sees committed rows only."""
        connection: sqlite3.Connection | None
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._connect()
            self._threads.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run one write transaction: commit at the end, roll back on any error."""
        connection = self.reading()
        # Threads wait for this lock without a timeout, for SQLite's own with one.
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        # Readers never wait for the writer, and the writer never for readers.
        connection.execute("PRAGMA journal_mode=WAL")
        level = "FULL" if self.durable else "OFF"
        connection.execute(f"PRAGMA synchronous={level}")
        add_functions(connection)
        return connection


def add_functions(connection: sqlite3.Connection) -> None:
    """Add the collation and functions that compare texts as the vendor does."""
    connection.create_collation("SERVICE", collate)
    for function in (matches, matches_exactly):
        connection.create_function(function.__name__, 2, function, deterministic=True)
    connection.create_function("service_soundex", 1, soundex, deterministic=True)


def signature(connection: sqlite3.Connection) -> str | None:
    """Return the signature of the initial data of a database, None for an empty one."""
    made = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'made_from'"
    ).fetchone()
    if made is None:
        return None
    row = connection.execute("SELECT signature FROM made_from").fetchone()
    return str(row[0])


def issue(connection: sqlite3.Connection, ci: int, series: str = ID_SERIES) -> int:
    """Return the next number of a tenant's series; a new series begins with 1.

    The default is the next id: above all earlier ones, seeded ones too.
    """
    (number,) = connection.execute(
        "INSERT INTO issued VALUES (?, ?, 1) "
        "ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
        (ci, series),
    ).fetchone()
    return int(number)


@rule("Query", "Ascending by id, all fields of every record", source="help")
def select(
    connection: sqlite3.Connection,
    table: Table,
    where: str,
    parameters: Sequence[Stored],
    limit: int,
) -> list[tuple[int, bytes]]:
    """Return id and fragment of the matching records, ascending by id."""
    names = XML_COLUMN if table.prepared else _names(table)
    found = connection.execute(
        f"SELECT id, {names} FROM {table.sql} WHERE {where} "  # noqa: S608 - quoted
        "ORDER BY id LIMIT ?",
        (*parameters, limit),
    ).fetchall()
    if table.prepared:
        return found
    return [
        (record_id, fragments.entity_fragment(table, record_id, _stored(table, cells)))
        for record_id, *cells in found
    ]


def find(
    connection: sqlite3.Connection,
    table: Table,
    where: str,
    parameters: Sequence[Stored],
    limit: int = -1,
) -> list[int]:
    """Return the ids of the matching records, ascending; a limit of -1 returns all."""
    found = connection.execute(
        f"SELECT id FROM {table.sql} WHERE {where} ORDER BY id LIMIT ?",  # noqa: S608 - quoted
        (*parameters, limit),
    )
    return [record_id for (record_id,) in found]


def read(
    connection: sqlite3.Connection, table: Table, record_id: int
) -> dict[str, Stored | None] | None:
    """Return one record's stored values, None when it does not exist."""
    row = connection.execute(
        f"SELECT {_names(table.storage)} FROM {table.sql} WHERE id = ?",  # noqa: S608 - quoted
        (record_id,),
    ).fetchone()
    return None if row is None else _stored(table.storage, row)


def _names(table: Table) -> str:
    return ", ".join(column.sql for column in table.stored) or "NULL"


def _stored(table: Table, cells: Sequence[Stored | None]) -> dict[str, Stored | None]:
    return dict(zip((column.sql for column in table.stored), cells, strict=False))


def fragment(
    connection: sqlite3.Connection, table: Table, record_id: int
) -> bytes | None:
    """Return one record's fragment exactly as responses contain it."""
    found = select(connection, table, "id = ?", (record_id,), 1)
    return found[0][1] if found else None


def insert(
    connection: sqlite3.Connection, table: Table, record_id: int, stored: StoredRow
) -> bytes:
    """Insert one record and return its fragment."""
    main = table.storage
    xml = fragments.entity_fragment(main, record_id, stored)
    connection.execute(_insert_sql(main), (record_id, *_cells(main, stored), xml))
    return _shown(table, record_id, stored, xml)


def replace(
    connection: sqlite3.Connection, table: Table, record_id: int, stored: StoredRow
) -> bytes:
    """Replace one record whole and return its fragment."""
    main = table.storage
    xml = fragments.entity_fragment(main, record_id, stored)
    names = [*(column.sql for column in main.stored), XML_COLUMN]
    connection.execute(
        f"UPDATE {main.sql} SET {', '.join(f'{name} = ?' for name in names)} "  # noqa: S608 - quoted
        "WHERE id = ?",
        (*_cells(main, stored), xml, record_id),
    )
    return _shown(table, record_id, stored, xml)


@lru_cache(maxsize=2048)
def _insert_sql(table: Table) -> str:
    names = ["id", *(column.sql for column in table.stored), XML_COLUMN]
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table.sql} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - quoted


def _cells(table: Table, stored: StoredRow) -> list[Stored | None]:
    return [stored.get(column.sql) for column in table.stored]


def _shown(table: Table, record_id: int, stored: StoredRow, xml: bytes) -> bytes:
    """Return the fragment of a stored record in the version of the table."""
    if table.main is None:
        return xml
    return fragments.entity_fragment(table, record_id, stored)


def counts(connection: sqlite3.Connection, schema: TenantSchema) -> dict[str, int]:
    """Return the number of records by entity; entities without any are left out."""
    found = {
        name: connection.execute(f"SELECT count(*) FROM {table.sql}").fetchone()[0]  # noqa: S608 - quoted
        for name, table in schema.tables.items()
    }
    return {name: number for name, number in sorted(found.items()) if number}


def add_column(connection: sqlite3.Connection, table: Table, column: Column) -> None:
    """Add an empty column; replace one left from before a reset."""
    known = connection.execute(f"PRAGMA table_info({table.sql})").fetchall()
    if column.sql in {quoted(name) for _, name, *_ in known}:
        connection.execute(f"ALTER TABLE {table.sql} DROP COLUMN {column.sql}")
    connection.execute(
        f"ALTER TABLE {table.sql} ADD COLUMN {column.sql} {sql_type(column)}"
    )


def delete(connection: sqlite3.Connection, table: Table, record_id: int) -> bool:
    """Delete one record; return whether it existed."""
    done = connection.execute(
        f"DELETE FROM {table.sql} WHERE id = ?",  # noqa: S608 - quoted
        (record_id,),
    )
    return done.rowcount == 1
