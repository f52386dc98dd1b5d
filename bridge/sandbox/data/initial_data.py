"""The start: a data set as a database file, made once and returned to at a reset.

The file stands beside the simulator's own. It is made under another name and takes its
own when it is whole; the simulator's is a copy of it. Making a large one takes minutes:
it is reported, and whoever is reported to may raise to end it, which leaves nothing.
"""

from __future__ import annotations

import fcntl
import glob
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import TypeAlias

from bridge.sandbox.data import database, rows, udfs, values
from bridge.sandbox.data.database import ID_SERIES, SIDE_TABLES, Database, DatabaseError
from bridge.sandbox.data.dataset import Dataset
from bridge.sandbox.data.schema import Table, TenantSchema

FIRST_NEW_ID = 29_700_000
"""New records are numbered from here. Source: SOAP contract notes, section 22."""

ProgressReport: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and how much there is.

What it raises ends the making and is raised again.
"""

_CACHE_KB = 64_000
_UNFINISHED = ".new"
_ROWS = 1000  # between two reports
_STEPS = 100_000  # of SQLite's machine between two reports
_COPIED_BYTES = 16_000_000
_LOGS = ("-wal", "-shm", "-journal")


def _report_nothing(_what: str, _done: int, _total: int) -> None:
    """Report to nobody."""


class InitialData:
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

    def prepare(self, report: ProgressReport = _report_nothing) -> None:
        """Make the database, or fill an empty one; leave a filled one alone.

        Raises:
            DatabaseError: the file is no database, or holds another data set or what
                another program keeps; nothing in it has changed.
        """
        path, connection = self._db.path, self._db.reading
        try:
            _refuse_foreign_file(path)
            if not path.exists():
                self._make_both(report)
            made_from = signature(connection())
            if made_from is None:
                self._make(report)
                if signature(connection()) is None:  # nobody else did the same
                    self._db.restore_from(self._path)
            elif made_from != self._expected():
                raise DatabaseError(
                    f"{path} was made from another data set or by another release; "
                    "name another file."
                )
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{path} cannot be used: {error}.") from error

    def restore(self) -> None:
        """Return to the data set as it was at the start, in one transaction.

        A start that is not kept any more is made first, while the database still
        serves.
        """
        if not self._is_kept():
            self._make(_report_nothing)
        self._db.restore_from(self._path)

    def _make_both(self, report: ProgressReport) -> None:
        """Make the start, and the database, which does not exist.

        Neither exists under its name before it is whole. A start that is there may be
        of a release with other records.
        """
        self._make(report)
        path = self._db.path
        with replacing(path, durable=self._db.durable, if_free=True) as fresh:
            _copy(self._path, fresh, report)

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

    def _make(self, report: ProgressReport) -> None:
        with (
            replacing(self._path, durable=self._db.durable) as fresh,
            closing(sqlite3.connect(fresh, isolation_level=None)) as connection,
        ):
            # What is half made is thrown away; nothing needs to be undone.
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
            # After the rows: sorting once is much faster than keeping sorted.
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
            # Definitions first: they may make room for values of the other records.
            for entity in sorted(tenant.rows, key=lambda name: name not in udfs.LIVE):
                if entity not in udfs.LIVE and tables is schema.tables:
                    tables = udfs.tables(connection, schema, tenant.udfs)
                for row in tenant.rows[entity]:
                    if (number := next(done)) % _ROWS == 0:
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
def _progress_reported(
    connection: sqlite3.Connection, watch: Callable[[], None]
) -> Iterator[None]:
    """Call `watch` again and again while statements run; what it raises ends them.

    SQLite swallows what is raised in a function that it calls.
    """
    raised: list[BaseException] = []

    def call() -> int:
        try:
            watch()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)
        return len(raised)

    connection.set_progress_handler(call, _STEPS)
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
        while some := reading.read(_COPIED_BYTES):
            report("copied bytes", done, total)
            writing.write(some)
            done += len(some)


@contextmanager
def replacing(path: Path, *, durable: bool, if_free: bool = False) -> Iterator[Path]:
    """Yield the path of an empty file that gets another's name once it is written.

    A file of that name gives way, whole for those who have it open; `if_free` it stays
    and the new one goes. After an error nothing has changed. What a killed process left
    half written is removed: nobody holds its lock.
    """
    _sweep(path)
    handle, name = _locked_file(path)
    fresh = Path(name)
    try:
        yield fresh
        if durable:
            os.fsync(handle)
        if if_free:
            _rename_if_free(fresh, path)
        else:
            fresh.replace(path)
    finally:
        os.close(handle)
        fresh.unlink(missing_ok=True)


def _locked_file(path: Path) -> tuple[int, str]:
    """Make a file to write beside a path, locked as long as its descriptor is open."""
    while True:
        handle, name = tempfile.mkstemp(_UNFINISHED, f"{path.name}.", path.parent)
        with suppress(OSError):  # where nothing can be locked nothing is swept
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another start may have swept it before it was locked.
        if Path(name).exists():
            return handle, name
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove files beside a path that nobody goes on writing."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{_UNFINISHED}"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _rename_if_free(fresh: Path, path: Path) -> None:
    """Give a file its name unless another has it by now.

    The log of a database that was deleted would be read as one of the new database.
    """
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no directories
            fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            for suffix in _LOGS:
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            fresh.replace(path)
    finally:
        os.close(folder)
