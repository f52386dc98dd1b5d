"""The start: a data set as a database file, made once and returned to at a reset.

The file stands beside the simulator's own. It is made under another name and takes its
own when it is whole; the simulator's becomes the same as it.
"""

from __future__ import annotations

import glob
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from bridge.sandbox import database, rows, udfs, values
from bridge.sandbox.database import ID_SERIES, SIDE_TABLES, Database, DatabaseError
from bridge.sandbox.dataset import Dataset
from bridge.sandbox.schema import Table, TenantSchema

FIRST_NEW_ID = 29_700_000
"""New records are numbered from here. Source: SOAP contract notes, section 22."""

_CACHE_KB = 64_000
_HALF_WRITTEN = ".new"
_ABANDONED_S = 600  # one that is being written is seldom still for a minute


class Start:
    """What a simulator starts with.

    Args:
        db: the simulator's database.
        dataset: the records to start with.
        schemas: the tables to make, by tenant number.
    """

    def __init__(
        self, db: Database, dataset: Dataset, schemas: Mapping[int, TenantSchema]
    ) -> None:
        self._db = db
        self._dataset = dataset
        self._schemas = schemas
        self._path = db.path.with_name(f"{db.path.name}.start")

    def prepare(self) -> None:
        """Fill an empty database; leave a filled one alone.

        Raises:
            DatabaseError: the file is no database, or holds another data set or what
                another program keeps; nothing in it has changed.
        """
        path, connection = self._db.path, self._db.reading
        try:
            _refuse_foreign(path)
            made_from = signature(connection())
            if made_from is None:
                self._make()
                if signature(connection()) is None:  # nobody else did the same
                    self._db.become(self._path)
            elif made_from != self._expected():
                raise DatabaseError(
                    f"{path} was made from another data set or by another release; "
                    "name another file."
                )
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{path} cannot be used: {error}.") from error

    def put_back(self) -> None:
        """Return to the data set as it was at the start, in one transaction.

        A start that is not kept any more is made first, while the database still
        serves.
        """
        if not self._is_kept():
            self._make()
        self._db.become(self._path)

    def _is_kept(self) -> bool:
        if not self._path.exists():
            return False
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                return signature(connection) == self._expected()
        except sqlite3.DatabaseError:
            return False

    def _tables(self) -> Iterator[Table]:
        for schema in self._schemas.values():
            yield from schema.tables.values()

    def _expected(self) -> str:
        tables = [table.ddl() for table in self._tables()]
        layout = "\n".join((*tables, *SIDE_TABLES.values()))
        print_of_it = blake2b(layout.encode(), digest_size=16).hexdigest()
        zone = values.service_time_name()
        other = "" if zone == values.EASTERN else f" {zone}"
        return f"{self._dataset.name} {print_of_it}{other}"

    def _make(self) -> None:
        with (
            taking_its_place(self._path, durable=self._db.durable) as fresh,
            closing(sqlite3.connect(fresh, isolation_level=None)) as connection,
        ):
            # What is half made is thrown away; nothing needs to be undone.
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
            database.teach(connection)
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE made_from (signature TEXT NOT NULL)")
            for table in self._tables():
                connection.execute(table.ddl())
            for statement in SIDE_TABLES.values():
                connection.execute(statement)
            self._fill(connection)
            # After the rows: sorting once is much faster than keeping sorted.
            for table in self._tables():
                for statement in table.index_ddl():
                    connection.execute(statement)
            connection.execute("INSERT INTO made_from VALUES (?)", (self._expected(),))
            connection.execute("COMMIT")

    def _fill(self, connection: sqlite3.Connection) -> None:
        for tenant in self._dataset.tenants:
            schema, last = self._schemas[tenant.ci], FIRST_NEW_ID - 1
            tables = schema.tables
            # Definitions first: they may make room for values of the other records.
            for entity in sorted(tenant.rows, key=lambda name: name not in udfs.LIVE):
                if entity not in udfs.LIVE and tables is schema.tables:
                    tables = udfs.tables(connection, schema, tenant.udfs)
                for row in tenant.rows[entity]:
                    record_id, table = int(str(row["id"])), tables[entity]
                    stored = rows.read(table, row)
                    database.insert(connection, table, record_id, stored)
                    if entity == udfs.DEFINITION:
                        udfs.note_new(connection, schema, record_id, stored)
                    last = max(last, record_id)
            connection.execute(
                "INSERT INTO issued VALUES (?, ?, ?)", (tenant.ci, ID_SERIES, last)
            )


def _refuse_foreign(path: Path) -> None:
    """Look, and do no more, whether a file holds tables that are not ours."""
    if not path.exists():
        return
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if tables and signature(connection) is None:
            raise DatabaseError(
                f"{path} is the database of another program; name another file."
            )


def signature(connection: sqlite3.Connection) -> str | None:
    """Return what a database was made from, None for an empty one."""
    made = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'made_from'"
    ).fetchone()
    if made is None:
        return None
    row = connection.execute("SELECT signature FROM made_from").fetchone()
    return str(row[0])


@contextmanager
def taking_its_place(path: Path, *, durable: bool) -> Iterator[Path]:
    """Yield the path of an empty file that gets another's name once it is written.

    A file of that name gives way, whole for those who have it open. After an error
    nothing has changed. What a killed process left half written is removed.
    """
    _sweep(path)
    handle, name = tempfile.mkstemp(_HALF_WRITTEN, f"{path.name}.", path.parent)
    fresh = Path(name)
    try:
        yield fresh
        if durable:
            os.fsync(handle)
        fresh.replace(path)
    finally:
        os.close(handle)
        fresh.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove files beside a path that nobody goes on writing."""
    oldest = time.time() - _ABANDONED_S
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{_HALF_WRITTEN}"):
        with suppress(OSError):  # another start may sweep as well
            if left.stat().st_mtime < oldest:
                left.unlink()
