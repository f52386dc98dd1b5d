"""The SQLite file that a process opened, distinguished from any other at its path.

SQLite creates a missing file when it opens a database, and keeps using a file that was
deleted or whose directory was unmounted. Both would lose state without an error, so
each transaction checks first that the file at the path is the one that was opened.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from bridge.errors import StoreError, StoreUnavailableError
from bridge.store.secrets.private_files import (
    cure_ownership,
    is_there,
    make_private_file,
)

MARKER = "restore.unfinished"
"""A file beside a database that is being restored: it must not be opened."""

_BUSY_TIMEOUT_S = 30
_ABSENT = "absent"


class DatabaseFile:
    """One SQLite file, identified by its device and inode.

    Args:
        path: its path. A missing file is created, mode 0600, unless `opened` is given.
        opened: the identity of the file that another process opened at this path.
        make: whether a missing file may be created.

    Raises:
        ConfigurationError: it cannot be created.
        StoreError: a restore of it was interrupted.
        StoreUnavailableError: it is not the file that was opened; nothing was created.
    """

    def __init__(
        self, path: Path, *, opened: str | None = None, make: bool = True
    ) -> None:
        if opened is None:
            refuse_unfinished(path)
        self.path = path
        if opened is None and make:
            make_private_file(path)
        self.identity = opened or _identify(path) or _ABSENT
        self.check()

    def check(self) -> None:
        """Require that the file is still at its path. One system call.

        Raises:
            StoreUnavailableError: it is missing, or another file is there; with the
                cure.
        """
        found = _identify(self.path)
        if found == self.identity:
            return
        if not found:
            raise StoreUnavailableError(
                f"The database file {self.path.name} is not there any more: it was "
                "removed, or its directory moved or unmounted, while Bridge ran. "
                "Nothing is made in its place. Put it back or mount it again; if "
                "Bridge does not go on by itself then, restart it."
            )
        raise StoreUnavailableError(
            f"The database file {self.path.name} is not the one that was opened: it "
            "was replaced, or another directory is mounted in its place. Put the "
            "former one back; or restart Bridge to use this one."
        )


def connect_existing(path: Path) -> sqlite3.Connection:
    """Open a SQLite file for reading and writing; a missing one is not created.

    Different threads may use the connection, one at a time.

    Raises:
        sqlite3.OperationalError: it is missing or cannot be opened.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        check_same_thread=False,
    )


def refuse_unfinished(path: Path) -> None:
    """Refuse a database whose restore has started and not finished.

    Raises:
        StoreError: a restore is running or was interrupted, or this user may not read
            the directory; with the cure.
    """
    try:
        unfinished = is_there(path.with_name(MARKER))
    except OSError as error:
        raise StoreError(
            f"The directory {path.parent} cannot be read: {error.strerror}",
            cure=cure_ownership(path),
        ) from error
    if unfinished:
        raise StoreError(
            f"A restore of {path} is under way or was interrupted; nothing is opened "
            "until it has finished.",
            cure="run the same `bridge db restore` again; it keeps the former database "
            "in a directory before-restore-… beside it",
        )


def _identify(path: Path) -> str:
    """Return an identifier that is unique on this machine; "" for a missing file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - runs for each transaction; the faster one
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"
