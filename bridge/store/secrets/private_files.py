"""Files and directories that only their owner may read."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.errors import ConfigurationError

_OUR_FILES = ("bridge.db*", "jobs.db*", "sandbox.db*", "demo.json*", "*keys.json*")
_OUR_DIRECTORIES = ("metrics", "wsdl")
_OTHERS = 0o077
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def make_private_directory(path: Path) -> None:
    """Create a directory, mode 0700; an existing one keeps its mode.

    Raises:
        ConfigurationError: it cannot be created, or this user may not use it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        cure = "set BRIDGE_DATA_DIR to one that this user can make or write"
        if error.errno == errno.EROFS:
            cure = f"{cure_ownership(path)}, or set BRIDGE_DATA_DIR to another"
        raise ConfigurationError(
            f"The data directory {path} cannot be made: {error.strerror}.", cure=cure
        ) from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"The data directory {path} cannot be read and written by this user.",
            cure=cure_ownership(path),
        )


def make_private_file(path: Path) -> None:
    """Create an empty file, mode 0600; an existing one is not changed.

    Raises:
        ConfigurationError: it cannot be created or written.
    """
    with translate_os_errors(f"The file {path} cannot be written", path):
        # An existing file is not even opened: closing another descriptor of a SQLite
        # file that this process uses would release SQLite's locks on it.
        # Source: fcntl(2), record locks; SQLite, How To Corrupt An SQLite Database.
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def is_there(path: Path) -> bool:
    """Return whether a path exists; False for a name that cannot exist.

    Raises:
        OSError: it cannot be determined, as in a directory this user may not read.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise
    return True


def is_read_only(path: Path) -> bool:
    """Return whether the file system of an existing path is mounted read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


@contextlib.contextmanager
def translate_os_errors(what: str, path: Path, *, end: str = ".") -> Iterator[None]:
    """Translate an OSError into a ConfigurationError: `what`, the reason, `end`.

    The cure is that of `path`.
    """
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{what}: {error.strerror}{end}", cure=cure_os_error(path, error)
        ) from error


def fsync(path: Path) -> None:
    """Flush a file, or the names in a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cure_os_error(path: Path, error: OSError) -> str:
    """Return what an operator can do when a file cannot be used; "" when unknown."""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return cure_ownership(path)
    return "make room on its disk" if error.errno in _FULL else ""


def cure_ownership(path: Path) -> str:
    """Return how to let this process use a path, as a command if possible."""
    # Unlike `Path.exists` this returns False below a directory that we may not read.
    path = path.absolute()
    found = next(each for each in (path, *path.parents) if os.path.exists(each))  # noqa: PTH110
    if is_read_only(found):
        mount = next(each for each in (found, *found.parents) if each.is_mount())
        return f"its file system is read-only: mount {mount} writable"
    user, owner = os.geteuid(), found.stat().st_uid
    named = f"this process runs as {_user_name(user)}"
    if found not in (path, path.parent):
        # A directory further up may serve others too: do not suggest a chown.
        return (
            f"{found} belongs to {_user_name(owner)} and {named}: let it enter and "
            f"use {path}, or run as {_user_name(owner)}"
        )
    recursive = " -R" if found.is_dir() else ""
    if owner == user:
        return f"chmod{recursive} u+rwX {found}"
    return (
        f"it belongs to {_user_name(owner)} and {named}: "
        f"chown{recursive} {_user_name(user)} {found}, or run as {_user_name(owner)}"
    )


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def restrict_data(data_dir: Path, database: Path | None) -> None:
    """Make files private that older releases created readable for others.

    Changes only files in `data_dir` with names of ours, and those of a SQLite
    `database` elsewhere. Does not change files of another owner or symbolic links.
    """
    for path in _our_files(data_dir, database):
        with contextlib.suppress(OSError):
            mode = path.lstat().st_mode
            if mode & _OTHERS and not path.is_symlink():
                path.chmod(mode & ~_OTHERS & 0o7777)


def _our_files(data_dir: Path, database: Path | None) -> Iterator[Path]:
    if database is not None:
        yield from _matching(database.parent, [f"{glob.escape(database.name)}*"])
    yield from _matching(data_dir, _OUR_FILES)
    for name in _OUR_DIRECTORIES:
        yield data_dir / name
        yield from (data_dir / name).rglob("*")


def _matching(directory: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from directory.glob(pattern)
