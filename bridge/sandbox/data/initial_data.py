"""The initial data: a data set as a database file, built once and restored by a reset.

The file is next to the simulator's own, which is a copy of it. Building a large one
takes minutes: progress is reported to a callback, which may raise to stop it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import TypeAlias

from bridge.sandbox.data import database, rows, udfs, values
from bridge.sandbox.data.atomic_files import replacing
from bridge.sandbox.data.database import ID_SERIES, SIDE_TABLES, Database, DatabaseError
from bridge.sandbox.data.dataset import Dataset
from bridge.sandbox.data.schema import Table, TenantSchema

FIRST_NEW_ID = 29_700_000  # source: SOAP contract notes, section 22

# Called with what is built, how much of it is done, and the total; may raise to stop.
ProgressReport: TypeAlias = Callable[[str, int, int], None]

_CACHE_KB = 64_000
_ROWS_PER_REPORT = 1000
_STEPS_PER_REPORT = 100_000  # of SQLite's virtual machine
_COPY_CHUNK_BYTES = 16_000_000


def _report_nothing(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


class InitialData:
    """The data set of a simulator as a database file, `.start` after its own name.

    Args:
        db: the simulator's database.
        dataset: the initial records.
        schemas: the tables to create, by tenant number.
    """

    def __init__(
        self, db: Database, dataset: Dataset, schemas: Mapping[int, TenantSchema]
    ) -> None:
        self._db = db
        self._dataset = dataset
        self._schemas = schemas
        self._path = db.path.with_name(f"{db.path.name}.start")

    def prepare(self, report: ProgressReport = _report_nothing) -> None:
        """Create the database, or fill an empty one; a filled one stays as it is.

        Raises:
            DatabaseError: the file is not a database, has another data set or belongs
                to another program; nothing in it has changed.
        """
        path, connection = self._db.path, self._db.reading
        try:
            _refuse_foreign_file(path)
            if not path.exists():
                # Initial data that exists may be of a release with other records.
                self._build(report)
                with replacing(path, durable=self._db.durable, if_free=True) as fresh:
                    _copy(self._path, fresh, report)
            made_from = database.signature(connection())
            if made_from is None:
                self._build(report)
                if database.signature(connection()) is None:  # no other process did so
                    self._db.restore_from(self._path)
            elif made_from != self._expected():
                raise DatabaseError(
                    f"{path} was made from another data set or by another release; "
                    "name another file."
                )
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{path} cannot be used: {error}.") from error

    def restore(self) -> None:
        """Restore the initial data in one transaction; build the file if it is gone."""
        if not self._is_current():
            self._build(_report_nothing)
        self._db.restore_from(self._path)

    def _is_current(self) -> bool:
        if not self._path.exists():
            return False
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                return database.signature(connection) == self._expected()
        except sqlite3.DatabaseError:
            return False

    def _tables(self) -> Iterator[Table]:
        for schema in self._schemas.values():
            yield from schema.tables.values()

    def _expected(self) -> str:
        tables = [table.ddl() for table in self._tables()]
        layout = "\n".join((*tables, *SIDE_TABLES.values()))
        fingerprint = blake2b(layout.encode(), digest_size=16).hexdigest()
        zone = values.service_time_name()
        other = "" if zone == values.EASTERN else f" {zone}"
        return f"{self._dataset.name} {fingerprint}{other}"

    def _build(self, report: ProgressReport) -> None:
        with (
            replacing(self._path, durable=self._db.durable) as fresh,
            closing(sqlite3.connect(fresh, isolation_level=None)) as connection,
        ):
            # An unfinished file is removed, so no journal is needed.
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
            database.add_functions(connection)
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE made_from (signature TEXT NOT NULL)")
            for table in self._tables():
                connection.execute(table.ddl())
            for statement in SIDE_TABLES.values():
                connection.execute(statement)
            self._fill(connection, report)
            # After the rows: building an index once is much faster than updating it.
            indexes = [sql for table in self._tables() for sql in table.index_ddl()]
            for number, statement in enumerate(indexes):
                with _progress_reported(
                    connection, partial(report, "indexes", number, len(indexes))
                ):
                    connection.execute(statement)
            connection.execute("INSERT INTO made_from VALUES (?)", (self._expected(),))
            connection.execute("COMMIT")

    def _fill(self, connection: sqlite3.Connection, report: ProgressReport) -> None:
        tenants = self._dataset.tenants
        total = sum(len(rows) for tenant in tenants for rows in tenant.rows.values())
        done = count()
        for tenant in self._dataset.tenants:
            schema, last = self._schemas[tenant.ci], FIRST_NEW_ID - 1
            tables = schema.tables
            # Definitions first: they may add columns for the other records.
            for entity in sorted(tenant.rows, key=lambda name: name not in udfs.LIVE):
                if entity not in udfs.LIVE and tables is schema.tables:
                    tables = udfs.tables(connection, schema, tenant.udfs)
                for row in tenant.rows[entity]:
                    if (number := next(done)) % _ROWS_PER_REPORT == 0:
                        report("records", number, total)
                    record_id, table = int(str(row["id"])), tables[entity]
                    stored = rows.read(table, row)
                    database.insert(connection, table, record_id, stored)
                    if entity == udfs.DEFINITION:
                        udfs.record_new(connection, schema, record_id, stored)
                    last = max(last, record_id)
            connection.execute(
                "INSERT INTO issued VALUES (?, ?, ?)", (tenant.ci, ID_SERIES, last)
            )


def _refuse_foreign_file(path: Path) -> None:
    """Refuse a file with tables of another program; open it read-only."""
    if not path.exists():
        return
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if tables and database.signature(connection) is None:
            raise DatabaseError(
                f"{path} is the database of another program; name another file."
            )


@contextmanager
def _progress_reported(
    connection: sqlite3.Connection, watch: Callable[[], None]
) -> Iterator[None]:
    """Call a function repeatedly while statements run; what it raises stops them."""
    raised: list[BaseException] = []

    def call() -> int:
        try:
            watch()
        except BaseException as error:  # noqa: BLE001 - SQLite would swallow it
            raised.append(error)
        return len(raised)

    connection.set_progress_handler(call, _STEPS_PER_REPORT)
    try:
        watch()
        yield
    except sqlite3.OperationalError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def _copy(source: Path, target: Path, report: ProgressReport) -> None:
    done, total = 0, source.stat().st_size
    with source.open("rb") as reading, target.open("wb") as writing:
        while some := reading.read(_COPY_CHUNK_BYTES):
            report("copied bytes", done, total)
            writing.write(some)
            done += len(some)
