"""Backups of the SQLite database, made while processes write to it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import ConfigurationError, StoreError
from bridge.store.database.database_errors import Problem, classify, explain
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import JOBS_FILE
from bridge.store.database.restore import NO_LINKS, jobs_copy
from bridge.store.secrets.private_files import cure_os_error

_BUSY_TIMEOUT_S = 30
_PREFIX, _SUFFIX = ".bridge-backup.", ".part"
_CURES = {Problem.FULL: "make room on its disk"}


def back_up(db: Database, target: Path) -> list[Path]:
    """Copy the database into a new file, and the jobs database into one beside it.

    Returns the files, mode 0600: `copy.db`, and `copy.jobs.db` if there are durable
    jobs. Each is a consistent snapshot. Writers are not blocked, because the databases
    use a write-ahead log.

    Raises:
        ConfigurationError: the database is not SQLite, or a target file exists or
            cannot be written.
        StoreError: a copy failed or is damaged.
    """
    if db.file is None:
        raise ConfigurationError(
            "This database is PostgreSQL's: back it up with its own tool, "
            "`pg_dump --format=custom --file=FILE DATABASE`, which needs no pause "
            "either, and restore it with `pg_restore`."
        )
    copies = [(db.file, target)]
    work = db.file.with_name(JOBS_FILE)
    if work.exists():
        # Jobs first: a step that is repeated after a restore is harmless, but a step
        # that is finished in one copy and missing in the other is lost.
        copies.insert(0, (work, jobs_copy(target)))
    for _, file in copies:
        _refuse_existing(file)
    written: list[Path] = []
    with contextlib.ExitStack() as stack:
        drafts = [stack.enter_context(_copied(*each)) for each in copies]
        try:
            for draft, (_, file) in zip(drafts, copies, strict=True):
                _publish(draft, file)
                written.append(file)
        except BaseException:
            # One of the two files alone is not a usable backup.
            for file in written:
                file.unlink()
            raise
    return written


def _refuse_existing(file: Path) -> None:
    # Unlike `Path.exists`, `lstat` also finds a dangling link.
    with _naming(file), contextlib.suppress(FileNotFoundError):
        file.lstat()
        raise FileExistsError


@contextlib.contextmanager
def _copied(source: Path, target: Path) -> Iterator[Path]:
    """Yield a copy of a database in a temporary file beside `target`."""
    with _naming(target):
        _remove_abandoned(target.parent)
        handle, draft = _new_draft(target.parent)
    try:
        _copy(source, draft)
        yield draft
    except sqlite3.Error as error:
        text = f"The database could not be copied to {target}: {explain(error)}"
        advice = _CURES.get(classify(error), "")
        raise StoreError(text, cure=advice) from error
    finally:
        draft.unlink(missing_ok=True)
        os.close(handle)


def _new_draft(directory: Path) -> tuple[int, Path]:
    """Create a draft file and hold a lock on it until its handle is closed."""
    while True:
        handle, name = tempfile.mkstemp(_SUFFIX, _PREFIX, directory)
        # A network file system may not support locks: then no draft is ever removed.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another backup may have removed the draft before it was locked.
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def _remove_abandoned(directory: Path) -> None:
    """Delete the drafts of killed backups: those that no process has locked."""
    for path in directory.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError), path.open("rb") as draft:
            fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


@contextlib.contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Translate an OSError into a ConfigurationError that names `target`."""
    try:
        yield
    except FileExistsError:
        raise ConfigurationError(f"{target} exists; name a new file.") from None
    except OSError as error:
        cure = "name one in a directory that exists and that this user can write"
        if error.errno == errno.ENAMETOOLONG:
            cure = "name a shorter one"
        elif error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            cure = cure_os_error(target, error)
        raise ConfigurationError(
            f"{target} cannot be written: {error.strerror}", cure=cure
        ) from error


def _publish(draft: Path, target: Path) -> None:
    """Give a copy its final name; refuse if that file exists by now."""
    with _naming(target):
        # A hard link never replaces an existing file, a rename would.
        try:
            target.hardlink_to(draft)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            draft.replace(target)


def _copy(source: Path, draft: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source, timeout=_BUSY_TIMEOUT_S)) as live,
        contextlib.closing(sqlite3.connect(draft)) as copy,
    ):
        live.backup(copy)
        # Without a write-ahead log the copy is one file, which can be moved.
        copy.execute("PRAGMA journal_mode = DELETE")
        [(verdict,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged, {verdict}")
