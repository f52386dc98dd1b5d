"""What kind of trouble a database is in, by what its driver said, and its cure."""

from __future__ import annotations

import os
import sqlite3
from enum import StrEnum, auto
from pathlib import Path

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bridge.errors import StoreError
from bridge.store.secrets.private_files import cure_ownership


class Trouble(StrEnum):
    """Kinds of trouble that are cured differently."""

    DAMAGED = auto()
    READ_ONLY = auto()
    FULL = auto()
    DISK = auto()
    HELD = auto()
    FORBIDDEN = auto()
    NO_CONNECT = auto()
    LOGIN = auto()
    TLS = auto()
    MISSING = auto()
    UNREACHABLE = auto()
    OTHER = auto()


# Primary result codes. Source: sqlite.org/rescode.html.
_SQLITE = {
    3: Trouble.FORBIDDEN,
    5: Trouble.HELD,
    6: Trouble.HELD,
    8: Trouble.READ_ONLY,
    10: Trouble.DAMAGED,
    11: Trouble.DAMAGED,
    13: Trouble.FULL,
    14: Trouble.FORBIDDEN,
    26: Trouble.DAMAGED,
}
_PRIMARY = 0xFF
# Extended codes of "disk I/O error" that stand for something else than damage. A write
# without room is "full" by itself, the shared memory of the write-ahead log is not.
_SQLITE_EXTENDED = {
    778: Trouble.DISK,
    1034: Trouble.DISK,
    1546: Trouble.DISK,
    4618: Trouble.DISK,
    4874: Trouble.FULL,
    5386: Trouble.DISK,
}

# Source: PostgreSQL manual, appendix A, error codes.
_POSTGRESQL = {
    "25006": Trouble.READ_ONLY,
    "28000": Trouble.LOGIN,
    "28P01": Trouble.LOGIN,
    "3D000": Trouble.MISSING,
    "42501": Trouble.FORBIDDEN,
    "53100": Trouble.FULL,
    "55P03": Trouble.HELD,
    "XX001": Trouble.DAMAGED,
    "XX002": Trouble.DAMAGED,
}

# A refused connection carries no code, only the server's sentence.
_SENTENCES = {
    "authentication failed": Trouble.LOGIN,
    "no password supplied": Trouble.LOGIN,
    "no pg_hba.conf entry": Trouble.LOGIN,
    "is not permitted to log in": Trouble.LOGIN,
    "permission denied for database": Trouble.NO_CONNECT,
    'role "': Trouble.LOGIN,
    'database "': Trouble.MISSING,
    "SSL": Trouble.TLS,
    "certificate": Trouble.TLS,
    "connection": Trouble.UNREACHABLE,
    "resolve host": Trouble.UNREACHABLE,
}


GRANT = (
    "let the owner of the tables GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN "
    "SCHEMA … and USAGE, CREATE ON SCHEMA … TO the role, or name the owner in "
    "BRIDGE_DATABASE_URL"
)
RESTORE = (
    "stop Bridge and restore the backup: docs/deploying.md, Restoring; then have the "
    "disk examined"
)
_CURES = {
    Trouble.DAMAGED: RESTORE,
    Trouble.READ_ONLY: "name the server that is no standby in BRIDGE_DATABASE_URL",
    Trouble.FULL: "make room on its disk",
    Trouble.DISK: "make room if its disk or the quota of this user is full, else have "
    "the disk examined",
    Trouble.HELD: "end the program that holds the database",
    Trouble.FORBIDDEN: GRANT,
    Trouble.NO_CONNECT: "GRANT CONNECT ON DATABASE … TO the role",
    Trouble.LOGIN: "correct name and password in BRIDGE_DATABASE_URL, or let the "
    "server's pg_hba.conf admit them",
    Trouble.TLS: "correct sslmode and sslrootcert in BRIDGE_DATABASE_URL, or the "
    "server's certificate",
    Trouble.MISSING: "correct the database's name in BRIDGE_DATABASE_URL, or make it: "
    "createdb",
    Trouble.UNREACHABLE: "start the database server, check host and port in "
    "BRIDGE_DATABASE_URL, and the network",
    Trouble.OTHER: "correct what it says: BRIDGE_DATABASE_URL, the server or the disk",
}
_REASONS = {
    Trouble.DAMAGED: "it is damaged",
    Trouble.FULL: "its disk is full",
    Trouble.DISK: "its disk refused a write",
}


def explain(error: SQLAlchemyError | sqlite3.Error) -> str:
    """Return why a database cannot be used: what its driver said, without any value."""
    reason = _first_line(error)
    named = _REASONS.get(classify(error))
    return f"{named} ({reason})" if named else reason


def cure(cause: BaseException | None, file: Path | None = None) -> str:
    """Return what an operator does about it; completes a sentence.

    Args:
        cause: what the driver raised.
        file: of a SQLite database.
    """
    trouble = classify(cause)
    if file is not None and trouble in {Trouble.FORBIDDEN, Trouble.READ_ONLY}:
        for path in (file, file.parent):
            if not os.access(path, os.R_OK | os.W_OK):
                return cure_ownership(path)
        return "make its file, directory and file system writable for this user"
    return _CURES[trouble]


def _origin(cause: BaseException | None) -> BaseException | None:
    return cause.orig if isinstance(cause, DBAPIError) else cause


def _first_line(error: SQLAlchemyError | sqlite3.Error) -> str:
    # The lines after the first quote values that were sent.
    cause = _origin(error)
    return str(cause).partition("\n")[0].rstrip(".") or type(cause).__name__


def judge(error: StoreError) -> Trouble:
    """Return what kind of trouble the store was in when it raised."""
    return classify(error.__cause__)


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Return whether a database cannot be used just now.

    False when it refused a statement for what the statement says.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or classify(error) is not Trouble.OTHER
    )


def classify(cause: BaseException | None) -> Trouble:
    """Return what kind of trouble a database was in when its driver raised."""
    origin = _origin(cause)
    if isinstance(origin, sqlite3.Error):
        # The library's own class stands for "no database" and "malformed" alone.
        if type(origin) is sqlite3.DatabaseError:
            return Trouble.DAMAGED
        code = getattr(origin, "sqlite_errorcode", 0)
        trouble = _SQLITE.get(code & _PRIMARY, Trouble.OTHER)
        return _SQLITE_EXTENDED.get(code, trouble)
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state, Trouble.OTHER)
    said = str(origin)
    for part, trouble in _SENTENCES.items():
        if part in said:
            return trouble
    return Trouble.OTHER
