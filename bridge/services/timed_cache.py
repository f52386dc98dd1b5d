"""A cache of one process, whose entries are fresh for a while. Pure but for a lock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K")
V = TypeVar("V")


class TimedCache(Generic[K, V]):
    """Up to `max_entries`, of which the least recently used is evicted.

    An entry is fresh for `fresh_s`. Safe to use from many threads.
    """

    def __init__(self, max_entries: int, *, fresh_s: float) -> None:
        # cachetools leaves locking to its users: even a read reorders the entries.
        self._lock = threading.Lock()
        self._entries: LRUCache[K, tuple[datetime, V]] = LRUCache(max_entries)
        self._fresh = timedelta(seconds=fresh_s)

    def get(self, key: K, now: datetime) -> V | None:
        """Return a fresh entry."""
        with self._lock:
            put_at, value = self._entries.get(key, (None, None))
        return value if put_at is not None and now - put_at < self._fresh else None

    def get_any_age(self, key: K) -> V | None:
        """Return an entry however long ago it was put."""
        with self._lock:
            return self._entries.get(key, (None, None))[1]

    def put(self, key: K, now: datetime, value: V) -> None:
        """Store an entry that is fresh from `now` on."""
        with self._lock:
            self._entries[key] = (now, value)
