"""Finds out whether a database holds an installation; changes nothing."""

from __future__ import annotations

import stat
from enum import StrEnum, auto
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, select

from bridge.errors import StoreError
from bridge.store.database import schema
from bridge.store.database.database_errors import GRANT
from bridge.store.database.database_file import connect_existing, refuse_unfinished
from bridge.store.database.database_url import parse_url, sqlite_file
from bridge.store.database.engine import create_database_engine, translate_errors
from bridge.store.secrets.private_files import cure_os_error


class DatabaseContents(StrEnum):
    """What a database URL leads to."""

    NO_FILE = auto()
    NO_TABLES = auto()
    INSTALLATION = auto()


def read_contents(url: str) -> DatabaseContents:
    """Return what a database holds.

    An installation has a row that its key ring sealed in the transaction that created
    the tables.

    Raises:
        ConfigurationError: the URL is invalid.
        StoreError: the database cannot be reached, is damaged, or its restore was
            interrupted; with the cure.
    """
    parts = parse_url(url)
    file = sqlite_file(parts)
    if file is not None:
        refuse_unfinished(file)
    if file is not None and not _exists(file):
        return DatabaseContents.NO_FILE
    # Not the usual engine for SQLite: connecting with it would turn any file, even an
    # empty one, into a database in WAL mode.
    engine = (
        create_database_engine(parts, None)
        if file is None
        else create_engine(parts, creator=lambda: connect_existing(file))
    )
    try:
        with translate_errors(file), engine.connect() as connection:
            if file is None:
                _require_schema(connection)
            sealed = schema.is_sealed(connection)
    finally:
        engine.dispose()
    return DatabaseContents.INSTALLATION if sealed else DatabaseContents.NO_TABLES


def _require_schema(connection: Connection) -> None:
    """Require a visible schema: without one all tables would seem to be missing."""
    if connection.scalar(select(func.current_schema())) is None:
        role = connection.scalar(select(func.current_user()))
        text = f"The role {role} may use no schema of its search path."
        raise StoreError(text, cure=GRANT)


def _exists(file: Path) -> bool:
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        text = f"The database {file} cannot be used: {error.strerror}."
        raise StoreError(text, cure=cure_os_error(file, error)) from error
    if stat.S_ISDIR(status.st_mode):
        text = f"The database {file} cannot be used: it is a directory."
        cure = "move it away, or correct BRIDGE_DATABASE_URL or BRIDGE_DATA_DIR"
        raise StoreError(text, cure=cure)
    return True
