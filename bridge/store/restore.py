"""A backup of the embedded database, put in the place of the database.

A restore is decided when `MARKER` is written: from then on nothing opens the database
until a restore has finished, so that no process ever works with the database of one
time and the durable work of another. Before it, a killed restore has changed nothing.
After it, every file is either in its place or in the directory of the former ones, and
the same command finishes the restore.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import ConfigurationError, StoreError
from bridge.store.crypto import KeyRing
from bridge.store.database_file import MARKER
from bridge.store.database_url import database_url
from bridge.store.engine import Database
from bridge.store.jobhome import JOBS_FILE
from bridge.store.paths import (
    cure_os_error,
    make_private_directory,
    make_private_file,
)
from bridge.store.troubles import Trouble, classify, explain

_STAGING = "restore.partial"
_SIDE_FILES = ("-wal", "-shm", "-journal", "")
# Where SQLite locks a database file: any open connection in WAL mode holds a part.
# Source: SQLite, os.h, PENDING_BYTE, RESERVED_BYTE and SHARED_FIRST with SHARED_SIZE.
_LOCK_START, _LOCK_LENGTH = 0x40000000, 512


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the files now in place, their schema, and the former ones.

    `former` is the directory of the replaced files, None when there were none.
    """

    files: list[Path]
    schema: str
    needed: str
    former: Path | None


def jobs_copy(backup: Path) -> Path:
    """Return where the durable work of a backup is, whether or not it exists."""
    return backup.with_suffix(f".jobs{backup.suffix}")


def restore(backup: Path, file: Path, keys: KeyRing, *, replace: bool) -> Restored:
    """Put a backup, and the durable work beside it, in the place of a database.

    The copies are read through before anything changes: they must be whole, of a
    schema that this program knows, and sealed with this key ring. The former files
    move into a directory beside the database.

    Raises:
        ConfigurationError: there is a database and `replace` is not given, Bridge
            runs, the backup is none, or another key ring has sealed it.
        StoreError: the backup is damaged, or of a newer schema.
    """
    _check_source(backup, file)
    make_private_directory(file.parent)
    # One finishes what another began: then the files in place are not the former ones.
    unfinished = file.with_name(MARKER).exists()
    if file.exists() and not replace and not unfinished:
        raise ConfigurationError(
            f"{file} exists",
            cure="give --replace to put the backup in its place; the former database "
            "is kept in a directory beside it",
        )
    jobs = file.with_name(JOBS_FILE)
    with _exclusive(file, jobs):
        staging = file.with_name(_STAGING)
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.mkdir(mode=0o700)
            versions = _stage(backup, staging / file.name, keys)
            if jobs_copy(backup).exists():
                _copy(jobs_copy(backup), staging / JOBS_FILE)
            former = _swap(staging, file)
        except OSError as error:
            raise ConfigurationError(
                f"{file.parent} cannot be written: {error.strerror}",
                cure=cure_os_error(file.parent, error),
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    in_place = [each for each in (file, jobs) if each.exists()]
    return Restored(in_place, *versions, former)


def _check_source(backup: Path, file: Path) -> None:
    if not backup.is_file():
        raise ConfigurationError(f"There is no file {backup}.")
    if file.exists() and backup.samefile(file):
        raise ConfigurationError(f"{backup} is the database itself; name a backup.")


@contextlib.contextmanager
def _exclusive(*files: Path) -> Iterator[None]:
    """Keep every process from using these files, and refuse when one does.

    Also keeps a second restore out. The locks end with this process, however it ends.

    Raises:
        ConfigurationError: a process has one of them open.
    """
    with contextlib.ExitStack() as stack:
        directory = os.open(files[0].parent, os.O_RDONLY)
        stack.callback(os.close, directory)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError("Another restore is under way.") from None
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                handle = os.open(file, os.O_RDWR)
                stack.callback(os.close, handle)
                _lock(handle, file)
        yield


def _lock(handle: int, file: Path) -> None:
    mode = fcntl.LOCK_EX | fcntl.LOCK_NB
    try:
        fcntl.lockf(handle, mode, _LOCK_LENGTH, _LOCK_START)
    except OSError:
        raise ConfigurationError(
            f"{file} is in use; nothing was changed",
            cure="stop `bridge serve`, `bridge worker` and every other program that "
            "has it open, then restore",
        ) from None


def _stage(backup: Path, draft: Path, keys: KeyRing) -> tuple[str, str]:
    """Copy and check the database of a backup; return its schema and this program's."""
    _copy(backup, draft)
    url = database_url(draft.parent, f"sqlite:///{draft}")
    with contextlib.closing(Database.open(url, keys=keys)) as database:
        found, needed = database.versions()
    if found is None:
        raise ConfigurationError(f"{backup} is a database, but not one of Bridge.")
    # Opening it has made a write-ahead log beside it; the file must stand alone.
    _set_journal(draft)
    return found, needed


def _copy(source: Path, draft: Path) -> None:
    """Copy a backup into a new file that stands alone, and read the copy through."""
    make_private_file(draft)
    address = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with (
            contextlib.closing(sqlite3.connect(address, uri=True)) as backup,
            contextlib.closing(sqlite3.connect(draft)) as copy,
        ):
            backup.backup(copy)
            [(verdict,)] = copy.execute("PRAGMA integrity_check(1)").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict.splitlines()[-1])
        _set_journal(draft)
    except sqlite3.Error as error:
        if classify(error) is Trouble.FULL:
            raise ConfigurationError(
                f"There is no room in {draft.parent.parent} for the copy of {source}; "
                "nothing was changed",
                cure="make room on its disk",
            ) from error
        raise StoreError(
            f"{source} cannot be restored: {explain(error)}; nothing was changed",
            cure="use another backup",
        ) from error


def _set_journal(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _swap(staging: Path, file: Path) -> Path | None:
    """Move the former files away and the staged ones in; return where the former are.

    Raises:
        OSError: the directory cannot be written; the marker stays if it was written.
    """
    for staged in staging.iterdir():
        _flush(staged)
    marker = file.with_name(MARKER)
    make_private_file(marker)
    _flush(file.parent)
    former = _move_away(file)
    for name in (file.name, JOBS_FILE):
        with contextlib.suppress(FileNotFoundError):
            (staging / name).replace(file.with_name(name))
    _flush(file.parent)
    marker.unlink()
    _flush(file.parent)
    return former


def _move_away(file: Path) -> Path | None:
    """Move a database and its durable work into a new directory beside them."""
    found = [
        each
        for name in (file.name, JOBS_FILE)
        for suffix in _SIDE_FILES
        if (each := file.with_name(f"{name}{suffix}")).exists()
    ]
    if not found:
        return None
    former = _new_directory(file.parent)
    for each in found:
        each.replace(former / each.name)
    _flush(former)
    return former


def _new_directory(parent: Path) -> Path:
    stamp = f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in range(1, 1000):
        with contextlib.suppress(FileExistsError):
            path = parent / (stamp if number == 1 else f"{stamp}-{number}")
            path.mkdir(mode=0o700)
            return path
    raise FileExistsError(0, "too many restores at once", stamp)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
