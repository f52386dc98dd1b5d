"""Classifies database errors by the driver's codes and texts, and names their cure."""

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


class Problem(StrEnum):
    """The kinds of errors; an operator cures each of them differently."""

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
    3: Problem.FORBIDDEN,
    5: Problem.HELD,
    6: Problem.HELD,
    8: Problem.READ_ONLY,
    10: Problem.DAMAGED,
    11: Problem.DAMAGED,
    13: Problem.FULL,
    14: Problem.FORBIDDEN,
    26: Problem.DAMAGED,
}
_PRIMARY = 0xFF
# Extended codes of "disk I/O error" that do not mean a damaged file. A failed write to
# a full disk has code 13, but extending the write-ahead log's shared memory has 4874.
_SQLITE_EXTENDED = {
    778: Problem.DISK,
    1034: Problem.DISK,
    1546: Problem.DISK,
    4618: Problem.DISK,
    4874: Problem.FULL,
    5386: Problem.DISK,
}

# Source: PostgreSQL manual, appendix A, error codes.
_POSTGRESQL = {
    "25006": Problem.READ_ONLY,
    "28000": Problem.LOGIN,
    "28P01": Problem.LOGIN,
    "3D000": Problem.MISSING,
    "42501": Problem.FORBIDDEN,
    "53100": Problem.FULL,
    "55P03": Problem.HELD,
    "XX001": Problem.DAMAGED,
    "XX002": Problem.DAMAGED,
}

# A refused connection has no code, only the server's message. The first match counts.
_MESSAGES = {
    "authentication failed": Problem.LOGIN,
    "no password supplied": Problem.LOGIN,
    "no pg_hba.conf entry": Problem.LOGIN,
    "is not permitted to log in": Problem.LOGIN,
    "permission denied for database": Problem.NO_CONNECT,
    'role "': Problem.LOGIN,
    'database "': Problem.MISSING,
    "SSL": Problem.TLS,
    "certificate": Problem.TLS,
    "connection": Problem.UNREACHABLE,
    "resolve host": Problem.UNREACHABLE,
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
    Problem.DAMAGED: RESTORE,
    Problem.READ_ONLY: "name the server that is no standby in BRIDGE_DATABASE_URL",
    Problem.FULL: "make room on its disk",
    Problem.DISK: "make room if its disk or the quota of this user is full, else have "
    "the disk examined",
    Problem.HELD: "end the program that holds the database",
    Problem.FORBIDDEN: GRANT,
    Problem.NO_CONNECT: "GRANT CONNECT ON DATABASE … TO the role",
    Problem.LOGIN: "correct name and password in BRIDGE_DATABASE_URL, or let the "
    "server's pg_hba.conf admit them",
    Problem.TLS: "correct sslmode and sslrootcert in BRIDGE_DATABASE_URL, or the "
    "server's certificate",
    Problem.MISSING: "correct the database's name in BRIDGE_DATABASE_URL, or make it: "
    "createdb",
    Problem.UNREACHABLE: "start the database server, check host and port in "
    "BRIDGE_DATABASE_URL, and the network",
    Problem.OTHER: "correct what it says: BRIDGE_DATABASE_URL, the server or the disk",
}
_REASONS = {
    Problem.DAMAGED: "it is damaged",
    Problem.FULL: "its disk is full",
    Problem.DISK: "its disk refused a write",
}


def explain(error: SQLAlchemyError | sqlite3.Error) -> str:
    """Return the driver's reason for an error, without any value that was sent."""
    reason = _first_line(error)
    named = _REASONS.get(classify(error))
    return f"{named} ({reason})" if named else reason


def cure(cause: BaseException | None, file: Path | None = None) -> str:
    """Return what an operator can do about an error; completes a sentence.

    Args:
        cause: the driver's exception.
        file: the SQLite file, if the database is one.
    """
    problem = classify(cause)
    if file is not None and problem in {
        Problem.FORBIDDEN,
        Problem.READ_ONLY,
    }:
        for path in (file, file.parent):
            if not os.access(path, os.R_OK | os.W_OK):
                return cure_ownership(path)
        return "make its file, directory and file system writable for this user"
    return _CURES[problem]


def _origin(cause: BaseException | None) -> BaseException | None:
    return cause.orig if isinstance(cause, DBAPIError) else cause


def _first_line(error: SQLAlchemyError | sqlite3.Error) -> str:
    # The lines after the first quote the values that were sent.
    cause = _origin(error)
    return str(cause).partition("\n")[0].rstrip(".") or type(cause).__name__


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Return whether the database is unavailable now.

    False when it rejected the statement itself.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or classify(error) is not Problem.OTHER
    )


def classify(cause: BaseException | None) -> Problem:
    """Return the kind of a database error, be it the driver's, SQLAlchemy's or ours."""
    if isinstance(cause, StoreError):
        cause = cause.__cause__
    origin = _origin(cause)
    if isinstance(origin, sqlite3.Error):
        # sqlite3 raises this base class only for "not a database" and "malformed".
        if type(origin) is sqlite3.DatabaseError:
            return Problem.DAMAGED
        code = getattr(origin, "sqlite_errorcode", 0)
        problem = _SQLITE.get(code & _PRIMARY, Problem.OTHER)
        return _SQLITE_EXTENDED.get(code, problem)
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state, Problem.OTHER)
    said = str(origin)
    for part, problem in _MESSAGES.items():
        if part in said:
            return problem
    return Problem.OTHER
