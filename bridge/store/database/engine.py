"""The database, SQLite or PostgreSQL, and its schema version.

The same statements run on both. On SQLite a writing transaction acquires the write lock
when it begins: acquired later, two transactions that had both read could wait for each
other.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import (
    ConfigurationError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from bridge.store.database import schema
from bridge.store.database.availability import AvailabilityLog
from bridge.store.database.database_errors import (
    Problem,
    classify,
    cure,
    explain,
    is_unavailable,
)
from bridge.store.database.database_file import DatabaseFile, connect_existing
from bridge.store.database.database_url import parse_url, sqlite_file
from bridge.store.secrets.key_ring import KeyRing

_POOL_SIZE = 16
_MAX_OVERFLOW = 48
_WAL_ATTEMPTS = 100
_POSTGRESQL = "postgresql"
# The timeout to connect, in seconds, and until sent data is acknowledged, in
# milliseconds: without the second, a server that vanishes blocks a thread for minutes.
_POSTGRESQL_TIMEOUTS = {"connect_timeout": 5, "tcp_user_timeout": 15_000}


class Database:
    """An open database with the key ring that encrypts its secrets.

    Shared by all threads of a process. Open it after a fork, never before: two
    processes that use one connection corrupt it.

    `opened` is whether another process opened it before: then a missing file must not
    be created.
    """

    def __init__(
        self,
        engine: Engine,
        keys: KeyRing,
        *,
        file: DatabaseFile | None,
        opened: bool,
    ) -> None:
        self.keys = keys
        self.opened = opened
        self._file = file
        self._engine = engine
        self._availability = AvailabilityLog()
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        # A copy of the engine, so that the listener does not apply to readers.
        self._writer = engine.execution_options()
        if engine.dialect.name == "sqlite":
            event.listen(self._writer, "begin", begin_immediate)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        keys: KeyRing,
        opened: str | None = None,
        make: bool = True,
    ) -> Self:
        """Open the database of a URL; a missing SQLite file is created, mode 0600.

        An older or empty schema is accepted: see `upgrade`. Without `make` a missing
        file is an error. With `opened`, the `identity` of a database that another
        process opened, a missing file is an error too, and so is another database or an
        older schema.

        Raises:
            ConfigurationError: the URL is invalid, or the data was sealed with other
                keys; nothing was changed.
            StoreError: it cannot be reached, its schema is newer than this program, or
                it is not the database that was opened.
        """
        parts = parse_url(url)
        path = sqlite_file(parts)
        file = None if path is None else DatabaseFile(path, opened=opened, make=make)
        engine = create_database_engine(parts, file)
        database = cls(engine, keys, file=file, opened=opened is not None)
        try:
            with database.read() as connection:
                if database.opened:
                    schema.refuse_older(connection)
                schema.refuse_newer(connection)
                schema.verify_keys(connection, keys)
        except Exception:
            database.close()
            raise
        return database

    def __repr__(self) -> str:
        return f"Database({self._engine.url})"

    @property
    def file(self) -> Path | None:
        """The SQLite file; None with PostgreSQL."""
        return None if self._file is None else self._file.path

    @property
    def identity(self) -> str:
        """The value for `open` with which another process opens the same database."""
        return _POSTGRESQL if self._file is None else self._file.identity

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a connection in a writing transaction: committed, or rolled back.

        Must not be nested: on SQLite the inner one would wait for the outer one.

        Raises:
            StoreUnavailableError: the database is unavailable, or its file is missing.
            StoreError: the database rejected a statement.
        """
        self._check_file()
        with self._translate_errors(writes=True), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection for reading; each statement sees the newest data.

        Raises:
            StoreUnavailableError: the database is unavailable, or its file is missing.
            StoreError: the database rejected a statement.
        """
        self._check_file()
        with self._translate_errors(), self._reader.connect() as connection:
            yield connection

    def autocommit(self) -> AbstractContextManager[Connection]:
        """Yield a connection on which each statement is its own transaction.

        Raises:
            StoreUnavailableError: the database is unavailable, or its file is missing.
            StoreError: the database rejected a statement.
        """
        return self.read()

    def upgrade(self) -> None:
        """Migrate the schema to this program's version, in one transaction.

        When several processes start, one migrates and the others wait.

        Raises:
            ConfigurationError: the data was sealed with other keys.
            StoreError: the schema is newer than this program, or cannot be changed.
        """
        with self.begin() as connection:
            schema.lock(connection)
            schema.refuse_newer(connection)
            schema.verify_keys(connection, self.keys)
            schema.migrate(connection)
            schema.record_keys(connection, self.keys)

    def check_schema(self) -> None:
        """Require exactly this program's schema version; changes nothing.

        Raises:
            ConfigurationError: the data was sealed with other keys.
            StoreError: with both versions and the cure.
        """
        with self.read() as connection:
            schema.refuse_newer(connection)
            schema.refuse_older(connection)
            schema.verify_keys(connection, self.keys)

    def versions(self) -> tuple[str | None, str]:
        """Return the database's schema version, None if empty, and this program's."""
        with self.read() as connection:
            return schema.read_versions(connection)

    def check_writable(self) -> None:
        """Write a row without changing it; the schema must be current.

        Raises:
            StoreError: the database is read-only, full, or locked.
        """
        with self.begin() as connection:
            schema.touch(connection)

    def _translate_errors(
        self, *, writes: bool = False
    ) -> AbstractContextManager[None]:
        return translate_errors(self.file, self._availability, writes=writes)

    def _check_file(self) -> None:
        if self._file is None:
            return
        try:
            self._file.check()
        except StoreUnavailableError as error:
            self._availability.record_failure(error.message)
            raise

    def close(self) -> None:
        """Close all idle connections; the others close when they are returned."""
        self._engine.dispose()


def create_database_engine(url: URL, file: DatabaseFile | None) -> Engine:
    """Return an engine; connecting puts a SQLite file into WAL mode.

    Raises:
        ConfigurationError: the driver is not installed.
    """
    if file is None:
        return _create_postgresql_engine(url)
    # AUTOCOMMIT stops the driver from starting transactions by itself.
    engine = create_engine(
        url,
        creator=lambda: connect_existing(file.path),
        # Parameters are the data of tenants, which must not get into messages.
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        max_overflow=_MAX_OVERFLOW,
        pool_size=_POOL_SIZE,
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _create_postgresql_engine(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            connect_args={
                name: value
                for name, value in _POSTGRESQL_TIMEOUTS.items()
                if name not in url.query
            },
            hide_parameters=True,
            max_overflow=_MAX_OVERFLOW,
            pool_pre_ping=True,
            pool_size=_POOL_SIZE,
            pool_use_lifo=True,
        )
    except ImportError:
        raise ConfigurationError(
            "BRIDGE_DATABASE_URL names PostgreSQL, whose driver is not installed: "
            "pip install 'bridge[postgres]'."
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Off by default, and set for each connection.
    connection.execute("PRAGMA foreign_keys = ON")
    # In WAL mode a power cut can undo the last commits, but damages nothing.
    connection.execute("PRAGMA synchronous = NORMAL")
    # SQLite's busy timeout does not apply to the lock for the first switch to WAL.
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
        else:
            return


def begin_immediate(connection: Connection) -> None:
    """Acquire SQLite's write lock; a listener for the start of a transaction."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def translate_errors(
    file: Path | None,
    availability: AvailabilityLog | None = None,
    *,
    writes: bool = False,
) -> Iterator[None]:
    """Translate the driver's exceptions into ours, with the cure.

    Args:
        file: the SQLite file, to be named in messages.
        availability: logs when an outage begins and ends.
        writes: whether the block writes.

    Raises:
        StoreFullError: the disk is full.
        StoreUnavailableError: the database is unavailable.
        StoreError: the database rejected the statement itself.
    """
    try:
        yield
    except SQLAlchemyError as error:
        reason = explain(error)
        if not is_unavailable(error):
            raise StoreError(f"The database refused: {reason}.") from error
        problem = classify(error)
        if availability is not None:
            is_full = problem is Problem.FULL
            availability.record_failure(reason, until_write=is_full)
        kind = StoreFullError if problem is Problem.FULL else StoreUnavailableError
        named = "The database" if file is None else f"The database {file}"
        advice = "" if problem is Problem.OTHER else cure(error, file)
        raise kind(f"{named} cannot be used: {reason}.", cure=advice) from error
    if availability is not None:
        availability.record_success(wrote=writes)
