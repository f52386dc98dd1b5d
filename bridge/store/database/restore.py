"""Restores a backup of the SQLite database; safe to kill at any point.

The files beside the database show how far a restore came:

1. No `MARKER`: the former database is complete and unchanged. `restore.partial`, if it
   exists, was left by a killed restore: copies of the backup and hard links to the
   former files. The next restore deletes it.
2. `MARKER`: the restore is committed. The former files are all in the directory that
   the marker names, or still in `restore.partial/.former`, which gets that name first.
   Each file in place is a former one, a restored one or missing, and none is needed any
   more. No process opens the database, so that none ever combines the database of one
   time with the jobs of another. The next restore replaces all files in place, and does
   not touch the directory of the former ones.
3. No `MARKER` again: the restored database is in place.

The former files are linked before the commit and never moved one by one: a database
without its write-ahead log has lost its last commits.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import ConfigurationError, StoreError
from bridge.store.database.database_file import MARKER
from bridge.store.database.jobs_database import JOBS_FILE
from bridge.store.database.restore_staging import (
    READ_CURE,
    give_to_owner,
    make_directory,
    stage_database,
    stage_file,
)
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.secrets.private_files import (
    cure_os_error,
    fsync,
    is_there,
    make_private_directory,
    translate_os_errors,
)

_STAGING = "restore.partial"
_FORMER = ".former"
_DRAFT = ".marker"
_FORMER_NAME = re.compile(r"before-restore-[0-9A-Za-z-]+")
_NO_FORMER = "nothing"
_UNCHANGED = "; nothing was changed"
_SIDE_FILES = ("-wal", "-shm", "-journal")
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""The errors of a file system without hard links, or with too many of one file."""
# The bytes that SQLite locks in a database file: any open connection in WAL mode holds
# a lock on some of them.
# Source: SQLite, os.h, PENDING_BYTE, RESERVED_BYTE and SHARED_FIRST with SHARED_SIZE.
_LOCK_START, _LOCK_LENGTH = 0x40000000, 512


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """The files now in place, their schema, and the schema that this program needs.

    `former` is the directory with the replaced files, None when there were none.
    """

    files: list[Path]
    schema: str
    needed: str
    former: Path | None


def jobs_copy(backup: Path) -> Path:
    """Return the path of a backup's jobs database, which need not exist."""
    return backup.with_suffix(f".jobs{backup.suffix}")


def restore(backup: Path, file: Path, keys: KeyRing, *, replace: bool) -> RestoreResult:
    """Replace a database by a backup and by the jobs database beside that.

    Copies of the backup are checked before anything changes: they must be undamaged, of
    a schema that this program knows, and sealed with this key ring. The former files
    move into a directory beside the database.

    Raises:
        ConfigurationError: the database exists and `replace` is not given, Bridge is
            running, or the backup is not Bridge's or was sealed with another key ring.
        StoreError: the backup is damaged or has a newer schema.
    """
    _check_source(backup, file)
    make_private_directory(file.parent)
    _refuse_links(file)
    staging = file.with_name(_STAGING)
    with _exclusive(file, file.with_name(JOBS_FILE)) as handles:
        # After an interrupted restore the files in place are not a usable database.
        unfinished = is_there(file.with_name(MARKER))
        if is_there(file) and not replace and not unfinished:
            raise ConfigurationError(
                f"{file} exists",
                cure="give --replace to put the backup in its place; the former "
                "database is kept in a directory beside it",
            )
        try:
            unwritable = f"{file.parent} cannot be written"
            with translate_os_errors(unwritable, file.parent, end=_UNCHANGED):
                known, former = _read_marker(file)
                shutil.rmtree(staging, ignore_errors=True)
                make_directory(staging, file.parent)
                versions = stage_database(backup, staging / file.name, keys)
                if is_there(jobs_copy(backup)):
                    stage_file(jobs_copy(backup), staging / JOBS_FILE)
                if not known:
                    former = _link_former(file, staging / _FORMER, handles)
                _fsync_all(staging)
            with _explaining_unfinished(file):
                if not known:
                    _decide(file, former)
                _put_in_place(staging, file)
        finally:
            _clear(file, staging)
    in_place = [each for each in (file, file.with_name(JOBS_FILE)) if each.exists()]
    return RestoreResult(in_place, *versions, _existing(file, former))


def _clear(file: Path, staging: Path) -> None:
    """Delete the staging directory, unless the former files are still in it."""
    if not (is_there(file.with_name(MARKER)) and is_there(staging / _FORMER)):
        shutil.rmtree(staging, ignore_errors=True)


def _existing(file: Path, former: str | None) -> Path | None:
    path = None if former is None else file.with_name(former)
    return path if path is not None and path.exists() else None


def _check_source(backup: Path, file: Path) -> None:
    try:
        found = is_there(backup) and backup.is_file()
        is_there(jobs_copy(backup))
    except OSError as error:
        raise ConfigurationError(
            f"{backup} cannot be read: {error.strerror}; nothing was changed",
            cure=READ_CURE,
        ) from error
    if not found:
        raise ConfigurationError(f"There is no file {backup}.")
    if os.path.exists(file) and backup.samefile(file):  # noqa: PTH110 - also when closed
        raise ConfigurationError(f"{backup} is the database itself; name a backup.")


def _refuse_links(file: Path) -> None:
    for each in (file, file.with_name(JOBS_FILE)):
        if each.is_symlink():
            raise ConfigurationError(
                f"{each} is a symbolic link to {each.readlink()}, and a restore "
                "replaces files where they are; nothing was changed",
                cure=f"move the file itself to {each.parent}, or all files of that "
                "directory to the other disk and name their directory in "
                "BRIDGE_DATA_DIR",
            )


@contextlib.contextmanager
def _explaining_unfinished(file: Path) -> Iterator[None]:
    """Translate an OSError after the commit: the message says how to finish."""
    try:
        yield
    except OSError as error:
        cure = cure_os_error(file.parent, error)
        raise StoreError(
            f"The restore of {file} is not finished: {error.strerror}",
            cure=f"{cure or 'have the disk examined'}, then run the same command again",
        ) from error


@contextlib.contextmanager
def _exclusive(*files: Path) -> Iterator[dict[Path, int]]:
    """Lock these files against all processes, and against a second restore.

    The locks end with this process, and also when it closes any descriptor of a locked
    file. So code that reads one of the files must use the descriptor yielded here.

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
        handles: dict[Path, int] = {}
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                handles[file] = _open(file)
                stack.callback(os.close, handles[file])
                _lock(handles[file], file)
        yield handles


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be used: {error.strerror}; nothing was changed",
            cure=cure_os_error(file, error),
        ) from error


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


def _link_former(file: Path, former: Path, handles: dict[Path, int]) -> str | None:
    """Link the files in place into a new directory; return its final name."""
    found = [each for each in _all_paths(file) if is_there(each)]
    if not found:
        return None
    make_directory(former, file.parent)
    for each in found:
        kept = former / each.name
        try:
            kept.hardlink_to(each)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            handle = handles.get(each)
            with contextlib.ExitStack() as stack:
                if handle is None:
                    source = stack.enter_context(each.open("rb"))
                else:
                    source = os.fdopen(handle, "rb", closefd=False)
                shutil.copyfileobj(source, stack.enter_context(kept.open("xb")))
            give_to_owner(kept, file.parent)
    return _new_name(file.parent)


def _all_paths(file: Path) -> list[Path]:
    """Return every path at which the two databases may have a file."""
    return [
        file.with_name(f"{name}{suffix}")
        for name in (file.name, JOBS_FILE)
        for suffix in ("", *_SIDE_FILES)
    ]


def _new_name(parent: Path) -> str:
    stamp = f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = (stamp, *(f"{stamp}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not is_there(parent / name))


def _decide(file: Path, former: str | None) -> None:
    """Commit: write the marker atomically, then move the directory of former files."""
    draft = file.with_name(_STAGING) / _DRAFT
    with draft.open("x", encoding="utf-8") as marker:
        marker.write(former or _NO_FORMER)
    give_to_owner(draft, file.parent)
    fsync(draft)
    draft.replace(file.with_name(MARKER))
    # The marker must reach the disk before any file in place is replaced.
    fsync(file.parent)
    _move_former(file, former)


def _move_former(file: Path, former: str | None) -> None:
    linked = file.with_name(_STAGING) / _FORMER
    if former is not None and not is_there(file.with_name(former)) and is_there(linked):
        linked.replace(file.with_name(former))
        fsync(file.parent)


def _read_marker(file: Path) -> tuple[bool, str | None]:
    """Return whether a restore was committed, and the directory of its former files.

    False if the marker names a missing directory: then the files in place are kept.
    """
    try:
        text = file.with_name(MARKER).read_text("utf-8", "replace")
    except FileNotFoundError:
        return False, None
    if text == _NO_FORMER:
        return True, None
    if not _FORMER_NAME.fullmatch(text):
        return False, None
    _move_former(file, text)
    return is_there(file.with_name(text)), text


def _put_in_place(staging: Path, file: Path) -> None:
    """Replace the files in place by the staged ones, then delete the marker."""
    for place in _all_paths(file):
        if is_there(staging / place.name):
            (staging / place.name).replace(place)
        else:
            place.unlink(missing_ok=True)
    # All replacements must be on the disk before the marker goes.
    fsync(file.parent)
    file.with_name(MARKER).unlink()
    fsync(file.parent)


def _fsync_all(directory: Path) -> None:
    for path in directory.iterdir():
        fsync(path)
    fsync(directory)
