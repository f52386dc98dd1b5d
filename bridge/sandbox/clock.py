"""The simulator's clock: real time, moved or stopped on demand.

Stamps on records and the rolling hour of the threshold follow it; latencies do not.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = timedelta()
        self._frozen: datetime | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen is not None

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        with self._lock:
            return self._now()

    def freeze(self) -> None:
        """Stop at the present moment."""
        with self._lock:
            self._frozen = self._now()

    def go_on(self) -> None:
        """Run again, from the moment it stands at."""
        with self._lock:
            self._ahead, self._frozen = self._now() - datetime.now(UTC), None

    def set(self, moment: datetime) -> None:
        """Jump to an aware moment; a frozen clock stays frozen there."""
        with self._lock:
            self._jump(moment)

    def advance(self, by: timedelta) -> None:
        """Jump ahead, or back when negative.

        Raises:
            OverflowError: that would leave the calendar.
        """
        with self._lock:
            self._jump(self._now() + by)

    def reset(self) -> None:
        """Go with real time again."""
        with self._lock:
            self._ahead, self._frozen = timedelta(), None

    def _jump(self, moment: datetime) -> None:
        if self._frozen is None:
            self._ahead = moment - datetime.now(UTC)
        else:
            self._frozen = moment

    def _now(self) -> datetime:
        return self._frozen or datetime.now(UTC) + self._ahead
