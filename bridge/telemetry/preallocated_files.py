"""Metric files whose bytes are allocated on disk before they are mapped into memory.

prometheus-client maps sparse files. Writing to a hole while the disk is full ends the
process with SIGBUS, which no `except` can catch.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

_FIRST_BYTES = 2**16
_ENTRY_BYTES = 28
"""The maximum size of an entry beside its key: length, padding, value, time."""


class PreallocatedDict(MmapedDict):
    """A `MmapedDict` without holes.

    Raises:
        OSError: the disk is full or the directory is missing; nothing has changed, and
            the call may be retried.
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
        # Before the library maps more of the file than is on the disk.
        _extend(self._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _make(path: Path) -> None:
    """Create a file atomically: others see it with its first bytes, or not at all."""
    # prometheus-client reads the first bytes of any file that it finds.
    draft = path.with_name(f"{path.name}.new")
    try:
        with draft.open("wb") as file:
            _extend(file.fileno(), _FIRST_BYTES)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _extend(handle: int, size: int) -> None:
    """Extend a file to `size` with zeros, or leave it as it is."""
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
