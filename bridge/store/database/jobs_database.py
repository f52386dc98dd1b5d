"""The database with the tables of the job engine.

The engine creates, migrates and uses them; all other code goes through the engine.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.engine import URL

from bridge.errors import StoreError
from bridge.store.database.database_file import connect_existing
from bridge.store.database.engine import Database, begin_immediate
from bridge.store.secrets.private_files import make_private_file

JOBS_FILE = "jobs.db"

_POOL_SIZE = 10


@dataclass(frozen=True, slots=True)
class JobsDatabase:
    """The URL of the jobs database, and its schema or, for SQLite, its file."""

    url: str = field(repr=False)
    schema: str | None = None
    file: Path | None = None


def find_jobs_database(db: Database) -> JobsDatabase:
    """Return the jobs database that belongs to a database; create a missing file.

    With SQLite it is a second file in the same directory, mode 0600: in one file the
    engine's writers and ours would wait for each other. With PostgreSQL it is a schema
    of the same database, named after the schema of our tables.

    Raises:
        StoreError: the file is missing although another process has opened the
            database before.
    """
    with db.read() as connection:
        url = connection.engine.url
        if url.drivername != "sqlite":
            schema = connection.execute(select(func.current_schema())).scalar_one()
            return JobsDatabase(
                url.render_as_string(hide_password=False), f"{schema}_jobs"
            )
    file = Path(str(url.database)).with_name(JOBS_FILE)
    if not file.exists():
        if db.opened:
            raise StoreError(
                f"The file {file.name} is not there any more: durable work was in it, "
                "and nothing is made in its place. Put it back, or restart Bridge to "
                "go on without."
            )
        _make_file(db, file)
    location = URL.create("sqlite", database=str(file))
    return JobsDatabase(location.render_as_string(hide_password=False), file=file)


def open_jobs_database(jobs_database: JobsDatabase) -> Engine | None:
    """Return a SQLite engine with exclusive transactions; None for PostgreSQL.

    The job engine counts running jobs and then starts more, and relies on a transaction
    around both. With its own SQLite engine the count runs outside of the transaction:
    four workers started four jobs where two were allowed.
    """
    file = jobs_database.file
    if file is None:
        return None
    engine = create_engine(
        jobs_database.url,
        creator=lambda: connect_existing(file),
        isolation_level="AUTOCOMMIT",
        pool_size=_POOL_SIZE,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", begin_immediate)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _make_file(db: Database, file: Path) -> None:
    """Create the file in WAL mode, a property that SQLite stores in it."""
    # The main database's write lock lets one process at a time create the file.
    with db.begin():
        if file.exists():
            return
        draft = file.with_name(f"{file.name}.new")
        make_private_file(draft)
        with contextlib.closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        draft.replace(file)
