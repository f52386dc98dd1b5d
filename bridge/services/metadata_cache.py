"""The short memory of one process for metadata, compiled. Pure but for a lock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

_LOOK_AGAIN_S = 10.0


class CachedEntry(Protocol):
    """What a row of metadata was compiled to."""

    @property
    def content_hash(self) -> str:
        """The row's content hash."""

    @property
    def fetched_at(self) -> datetime:
        """When the vendor was asked for the row."""


T = TypeVar("T", bound=CachedEntry)


class MetadataCache(Generic[T]):
    """Compiled metadata of this process, looked up in the database now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: dict[tuple[int, str], tuple[datetime, T]] = {}

    def find(self, key: tuple[int, str], now: datetime) -> T | None:
        """Return what was compiled if it was checked a moment ago."""
        with self._lock:
            checked_at, compiled = self._compiled.get(key, (None, None))
        if checked_at and now - checked_at < timedelta(seconds=_LOOK_AGAIN_S):
            return compiled
        return None

    def keep(self, key: tuple[int, str], now: datetime, compiled: T) -> None:
        """Remember what was compiled, as checked now."""
        with self._lock:
            self._compiled[key] = (now, compiled)

    def peek(self, key: tuple[int, str]) -> T | None:
        """Return what was compiled last, however long ago."""
        with self._lock:
            return self._compiled.get(key, (None, None))[1]
