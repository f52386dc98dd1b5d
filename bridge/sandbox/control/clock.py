"""The simulator's clock: real time, or a time that was set.

Stamps on records and the rolling hour of the threshold follow it; latencies do not.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

# What is computed from a moment, such as the next day, must stay in the calendar too.
YEARS = range(1800, 9001)


class Clock:
    """A clock that can be set and stopped; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ahead = timedelta()
        self._frozen: datetime | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether the clock is stopped."""
        return self._frozen is not None

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        with self._lock:
            return self._frozen or datetime.now(UTC) + self._ahead

    def set(
        self,
        *,
        at: datetime | None = None,
        by: timedelta = timedelta(),
        frozen: bool | None = None,
    ) -> None:
        """Move to an aware moment and then ahead or back; stop or run, None as before.

        Raises:
            ValueError: the moment is not in `YEARS`; nothing was changed.
        """
        with self._lock:
            try:
                moment = (at or self.now()).astimezone(UTC) + by
            except OverflowError:
                moment = None
            if moment is None or moment.year not in YEARS:
                raise ValueError(
                    "at and advance_s must stay in the years "
                    f"{YEARS[0]} to {YEARS[-1]}."
                )
            if self.is_frozen if frozen is None else frozen:
                self._frozen = moment
            else:
                self._ahead, self._frozen = moment - datetime.now(UTC), None

    def reset(self) -> None:
        """Return to real time."""
        with self._lock:
            self._ahead, self._frozen = timedelta(), None
