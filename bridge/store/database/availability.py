"""Logs that the database went away and that it is back, not every failure between."""

from __future__ import annotations

import logging
import threading
import time

_INTERVAL_S = 10.0

_log = logging.getLogger(__name__)


class AvailabilityLog:
    """One line when a database that worked before fails, and one when it works again.

    Safe to use from many threads. Within `interval_s` of the last such pair nothing is
    logged, so that a database that fails now and then fills no log.
    """

    def __init__(self, interval_s: float = _INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._worked = False
        self._logged = False
        self._until_write = False
        self._logged_at = float("-inf")

    def record_success(self, *, wrote: bool = False) -> None:
        """Note that the database was used."""
        if self._worked and not self._logged:
            return
        with self._lock:
            if self._logged and self._until_write and not wrote:
                return
            if self._logged:
                seconds = time.monotonic() - self._logged_at
                _log.warning("the database can be used again, after %.0f s", seconds)
            self._worked, self._logged = True, False

    def record_failure(self, reason: str, *, until_write: bool = False) -> None:
        """Note that the database could not be used.

        `until_write` tells that only a write proves that it can be used again: what is
        on a full disk can still be read.
        """
        with self._lock:
            now = time.monotonic()
            is_recent = now - self._logged_at < self._interval_s
            if self._worked and not self._logged and not is_recent:
                self._logged, self._logged_at = True, now
                self._until_write = until_write
                _log.error("the database cannot be used: %s", reason)
