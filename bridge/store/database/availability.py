"""Logs when the database becomes unavailable and when it is available again."""

from __future__ import annotations

import logging
import threading
import time

_INTERVAL_S = 10.0

_log = logging.getLogger(__name__)


class AvailabilityLog:
    """Logs one line when a working database fails and one when it works again.

    Thread-safe. Logs nothing within `interval_s` of the last outage, so that a database
    that fails often does not fill the log.
    """

    def __init__(self, interval_s: float = _INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._worked = False
        self._logged = False
        self._until_write = False
        self._logged_at = float("-inf")

    def record_success(self, *, wrote: bool = False) -> None:
        """Record a successful use of the database."""
        # No lock here: every statement comes this way, and a late log line is harmless.
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
        """Record a failed use of the database.

        With `until_write` only a successful write ends the outage: a database on a full
        disk can still be read.
        """
        with self._lock:
            now = time.monotonic()
            is_recent = now - self._logged_at < self._interval_s
            if self._worked and not self._logged and not is_recent:
                self._logged, self._logged_at = True, now
                self._until_write = until_write
                _log.error("the database cannot be used: %s", reason)
