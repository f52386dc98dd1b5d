"""What kind of trouble a database is in, told by what its driver said."""

from __future__ import annotations

import sqlite3
from enum import StrEnum, auto

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bridge.errors import StoreError


class Trouble(StrEnum):
    """Kinds of trouble that are cured differently."""

    DAMAGED = auto()
    READ_ONLY = auto()
    FULL = auto()
    HELD = auto()
    FORBIDDEN = auto()
    LOGIN = auto()
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
    'role "': Trouble.LOGIN,
    'database "': Trouble.MISSING,
    "connection": Trouble.UNREACHABLE,
    "resolve host": Trouble.UNREACHABLE,
}


def judge(error: StoreError) -> Trouble:
    """Return what kind of trouble the store was in when it raised."""
    return _classify(error.__cause__)


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Return whether a database cannot be used just now.

    False when it refused a statement for what the statement says.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or _classify(error) is not Trouble.OTHER
    )


def _classify(cause: BaseException | None) -> Trouble:
    origin = cause.orig if isinstance(cause, DBAPIError) else cause
    if isinstance(origin, sqlite3.Error):
        # The library's own class stands for "no database" and "malformed" alone.
        if type(origin) is sqlite3.DatabaseError:
            return Trouble.DAMAGED
        code = getattr(origin, "sqlite_errorcode", 0)
        return _SQLITE.get(code & _PRIMARY, Trouble.OTHER)
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state, Trouble.OTHER)
    said = str(origin)
    for part, trouble in _SENTENCES.items():
        if part in said:
            return trouble
    return Trouble.OTHER
