"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import fcntl
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = ".new"
_LOGS = ("-wal", "-shm", "-journal")


@contextmanager
def replacing(path: Path, *, durable: bool, if_free: bool = False) -> Iterator[Path]:
    """Yield the path of an empty file that is renamed to `path` once it is written.

    It replaces a file of that name; with `if_free` it does not and is removed. After an
    error nothing has changed. Unfinished files of killed processes are removed.
    """
    _remove_unfinished(path)
    handle, name = _locked_file(path)
    fresh = Path(name)
    try:
        yield fresh
        if durable:
            os.fsync(handle)
        if if_free:
            _rename_if_free(fresh, path)
        else:
            fresh.replace(path)
    finally:
        os.close(handle)
        fresh.unlink(missing_ok=True)


def _locked_file(path: Path) -> tuple[int, str]:
    """Create a file next to a path, locked as long as its descriptor is open."""
    while True:
        handle, name = tempfile.mkstemp(_UNFINISHED, f"{path.name}.", path.parent)
        with suppress(OSError):  # without locks unfinished files are not removed either
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another process may have removed it before it was locked.
        if Path(name).exists():
            return handle, name
        os.close(handle)


def _remove_unfinished(path: Path) -> None:
    """Remove the unfinished files of a path that no process has locked."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{_UNFINISHED}"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _rename_if_free(fresh: Path, path: Path) -> None:
    """Rename a file unless another one has the name by now."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no directories
            fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            # SQLite would apply the log of a deleted database to the new one.
            for suffix in _LOGS:
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            fresh.replace(path)
    finally:
        os.close(folder)
