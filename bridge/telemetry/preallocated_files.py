"""Files of figures whose every byte is on the disk before it is mapped into memory.

prometheus-client maps files with holes. To write where a full disk has no room for a
hole ends the process with SIGBUS, which no `except` can catch.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

_FIRST_BYTES = 2**16
_ENTRY_BYTES = 28
"""The most that an entry takes beside its key: length, padding, value, time."""


class PreallocatedDict(MmapedDict):
    """A `MmapedDict` without holes.

    Raises:
        OSError: there is no room for a new file or a new entry, or no directory;
            nothing has changed, and it may be tried again.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - prometheus-client's
        path = Path(filename)
        if not read_mode and not path.exists():
            _make(path)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + _ENTRY_BYTES
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        _extend(self._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _make(path: Path) -> None:
    """Make a file that others see with its first bytes, or not at all."""
    draft = path.with_name(f"{path.name}.new")
    try:
        with draft.open("wb") as file:
            _extend(file.fileno(), _FIRST_BYTES)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _extend(handle: int, size: int) -> None:
    """Make a file as long as `size` with zeros, or leave it as it is."""
    former = os.fstat(handle).st_size
    if former >= size:
        return
    try:
        os.lseek(handle, former, os.SEEK_SET)
        left = size - former
        while left:
            left -= os.write(handle, bytes(left))
    except OSError:
        os.ftruncate(handle, former)
        raise
