"""Where the engine of durable work keeps its own tables.

It makes, migrates and uses them; nothing else touches them but through it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL

from bridge.errors import StoreError
from bridge.store.database.database_file import connect_existing
from bridge.store.database.engine import Database, begin_immediate
from bridge.store.secrets.private_files import make_private_file

JOBS_FILE = "jobs.db"

_KEPT_CONNECTIONS = 10


@dataclass(frozen=True, slots=True)
class JobsDatabase:
    """A database URL, and the schema in it; SQLite has none."""

    url: str = field(repr=False)
    schema: str | None


def find_jobs_database(db: Database) -> JobsDatabase:
    """Return where durable work lives beside this database; makes a missing file.

    Nothing is made beside a database that another process opened before.

    With SQLite a file of its own in the same directory, mode 0600: in one file its
    writers and ours would wait for each other. With PostgreSQL a schema of the same
    database, named after the one our tables are in.

    Raises:
        StoreError: the file is gone.
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
    home = URL.create("sqlite", database=str(file))
    return JobsDatabase(home.render_as_string(hide_password=False), None)


def open_jobs_database(home: JobsDatabase) -> Engine | None:
    """Return an engine whose transactions exclude each other; None for PostgreSQL.

    The engine of durable work counts what runs and then takes more, in what it takes
    for one transaction. With a SQLite engine of its own making the count is outside:
    four workers took four pieces of work where two were allowed.
    """
    if home.schema is not None:
        return None
    file = Path(str(make_url(home.url).database))
    engine = create_engine(
        home.url,
        creator=lambda: connect_existing(file),
        isolation_level="AUTOCOMMIT",
        pool_size=_KEPT_CONNECTIONS,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", begin_immediate)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _make_file(db: Database, file: Path) -> None:
    """Make the file in WAL mode, which stays with it; one process at a time."""
    with db.begin():
        if file.exists():
            return
        draft = file.with_name(f"{file.name}.new")
        make_private_file(draft)
        with contextlib.closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        draft.replace(file)
