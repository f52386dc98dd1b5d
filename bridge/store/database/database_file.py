"""A SQLite file that a process has opened, told from another one in its place.

SQLite makes a missing file when it opens one, and goes on with a file that was removed
or whose directory was unmounted. Neither must happen to state: a program that went on
with an empty database would know none of its callers.
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
    """One SQLite file, known by its device and inode.

    Args:
        path: where it is. A missing file is made, with mode 0600, unless `opened`.
        opened: the identity of the file that another process opened there.
        make: whether a missing file may be made.

    Raises:
        ConfigurationError: it cannot be made.
        StoreError: a restore of it was interrupted.
        StoreUnavailableError: it is not the file that was opened; nothing was made.
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
        """Require that the file is still where it was opened; one look at the disk.

        Raises:
            StoreUnavailableError: it is gone, or another file is there; with the cure.
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

    def connect(self) -> sqlite3.Connection:
        """Return a new connection; nothing is made."""
        return connect_existing(self.path)


def connect_existing(path: Path) -> sqlite3.Connection:
    """Open a SQLite file for reading and writing; a missing one is not made.

    For use by one thread at a time, not always the same.

    Raises:
        sqlite3.OperationalError: there is none, or it cannot be opened.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        check_same_thread=False,
    )


def refuse_unfinished(path: Path) -> None:
    """Refuse a database whose restore has begun and not finished.

    Raises:
        StoreError: a restore is under way, or was interrupted; or this user may not
            use the directory; with the cure.
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
    """Return what tells a file from others of this machine; "" when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - it is done for each transaction
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"
