"""The process's cache of compiled metadata. Pure but for a lock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from cachetools import LRUCache

_FRESH_S = 10.0
"""How long an entry is used without a look at the database for a newer row."""
_MAX_ENTRIES = 2_000


class CachedEntry(Protocol):
    """A compiled row of metadata."""

    @property
    def content_hash(self) -> str:
        """The row's content hash."""

    @property
    def fetched_at(self) -> datetime:
        """When the vendor was called for the row."""


T = TypeVar("T", bound=CachedEntry)


class MetadataCache(Generic[T]):
    """Compiled metadata by instance and name; the least recently used is evicted.

    Safe to use from many threads.
    """

    def __init__(self) -> None:
        # cachetools leaves locking to its users: even a read reorders the entries.
        self._lock = threading.Lock()
        self._entries: LRUCache[tuple[int, str], tuple[datetime, T]] = LRUCache(
            _MAX_ENTRIES
        )

    def get(self, key: tuple[int, str], now: datetime) -> T | None:
        """Return an entry that was compared with the database a moment ago."""
        with self._lock:
            checked_at, compiled = self._entries.get(key, (None, None))
        if checked_at and now - checked_at < timedelta(seconds=_FRESH_S):
            return compiled
        return None

    def put(self, key: tuple[int, str], now: datetime, compiled: T) -> None:
        """Store an entry, compared with the database at `now`."""
        with self._lock:
            self._entries[key] = (now, compiled)

    def get_any_age(self, key: tuple[int, str]) -> T | None:
        """Return an entry however long ago it was compared with the database."""
        with self._lock:
            return self._entries.get(key, (None, None))[1]
