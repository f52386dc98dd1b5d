"""Reading of configuration files that other users must not be able to change.

A file that others may write, or that belongs to another user, is refused; the error
contains the command that fixes it.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from pathlib import Path

from bridge.errors import ConfigurationError

_MAX_BYTES = 1_000_000
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_trusted(path: Path, name: str) -> str:
    """Return the text of a file; `name` is its name in errors.

    Raises:
        ConfigurationError: it is missing, not a regular file, unreadable, too large,
            not UTF-8, or writable by other users.
    """
    try:
        data = _read(path, name)
    except FileNotFoundError:
        text = f"{name} does not exist; create it, or correct its path."
        raise ConfigurationError(text) from None
    except PermissionError as error:
        raise ConfigurationError(
            f"{name} cannot be read: {error.strerror}; run as its owner, or run "
            f"`chown {_this_user()} {shlex.quote(str(path))}`."
        ) from error
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror}; correct its path."
        raise ConfigurationError(text) from error
    if len(data) > _MAX_BYTES:
        text = f"{name} is larger than {_MAX_BYTES} bytes; correct its path."
        raise ConfigurationError(text)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"{name}, line {line}: not UTF-8 text; save it as UTF-8."
        raise ConfigurationError(text) from None


def is_readable_by_others(path: Path) -> bool:
    """Return whether every user may read a file, not just its owner and its group."""
    return bool(path.stat().st_mode & stat.S_IROTH)


def describe_fix(path: Path, data_dir: Path) -> str:
    """Return the command that closes a file to all users but the one who runs Bridge.

    For root, that user is the owner of the data directory.
    """
    quoted = shlex.quote(str(path))
    runner = os.geteuid() or _owner(data_dir)
    if path.stat().st_uid == runner:
        return f"chmod go= {quoted}"
    if runner is None:
        return (
            f"chgrp GROUP {quoted} && chmod 0640 {quoted}, where GROUP is that of the "
            "user who runs Bridge"
        )
    return f"chgrp {_group(runner)} {quoted} && chmod 0640 {quoted}"


def _read(path: Path, name: str) -> bytes:
    """Return the content of a file, at most one byte more than is allowed."""
    # The open file is checked, not its path, which could be replaced in between.
    # O_NONBLOCK: a FIFO must not block the start.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(number)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            text = f"{name} is not a regular file; correct its path."
            raise ConfigurationError(text)
        _check_owner(status, path, name)
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES + 1)
    finally:
        os.close(number)


def _check_owner(status: os.stat_result, path: Path, name: str) -> None:
    quoted = shlex.quote(str(path))
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(
            f"{name} belongs to {_user(status.st_uid)}, who could change it; run "
            f"`chown {_this_user()} {quoted}`."
        )
    if status.st_mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"{name} may be written by other users; run `chmod go-w {quoted}`."
        )


def _this_user() -> str:
    return _user(os.geteuid())


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _group(user: int) -> str:
    """Return the name of a user's own group, its number when it has no name."""
    try:
        number = pwd.getpwuid(user).pw_gid
    except KeyError:
        number = os.getegid() if user == os.geteuid() else user
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
