"""Logs that the database went away and that it is back, not every failure between."""

from __future__ import annotations

import logging
import threading
import time

_MIN_INTERVAL_S = 10.0

_log = logging.getLogger(__name__)


class AvailabilityLog:
    """One line for each outage of a database that worked before.

    Safe to use from many threads. An outage that begins within 10 s of the one logged
    last is not logged, so that a database that fails now and then fills no log.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worked = False
        self._failing = False
        self._logged = False
        self._logged_at = float("-inf")

    def record_success(self) -> None:
        """Note that the database was used."""
        if self._worked and not self._failing:
            return
        with self._lock:
            if self._logged:
                seconds = time.monotonic() - self._logged_at
                _log.warning("the database can be used again, after %.0f s", seconds)
            self._worked = True
            self._failing = self._logged = False

    def record_failure(self, reason: str) -> None:
        """Note that the database could not be used."""
        with self._lock:
            if self._failing or not self._worked:
                return
            self._failing = True
            now = time.monotonic()
            if now - self._logged_at >= _MIN_INTERVAL_S:
                self._logged, self._logged_at = True, now
                _log.error("the database cannot be used: %s", reason)
