"""The simulator's clock: real time, moved or stopped on demand.

Stamps on records and the rolling hour of the threshold follow it; latencies do not.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

YEARS = range(1800, 9001)
"""The years that it can be moved to: all that follows from a moment has room."""


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
        self.set(frozen=True)

    def advance(self, by: timedelta) -> None:
        """Jump ahead, or back when negative; as `turn`."""
        self.set(by=by)

    def set(
        self,
        *,
        at: datetime | None = None,
        by: timedelta = timedelta(),
        frozen: bool | None = None,
    ) -> None:
        """Jump to an aware moment and then ahead, and stop or run; or do nothing.

        Raises:
            ValueError: that would leave `YEARS`.
        """
        with self._lock:
            try:
                moment = (at or self._now()).astimezone(UTC) + by
            except OverflowError:
                raise _too_far() from None
            if moment.year not in YEARS:
                raise _too_far()
            if self.is_frozen if frozen is None else frozen:
                self._frozen = moment
            else:
                self._ahead, self._frozen = moment - datetime.now(UTC), None

    def reset(self) -> None:
        """Go with real time again."""
        with self._lock:
            self._ahead, self._frozen = timedelta(), None

    def _now(self) -> datetime:
        return self._frozen or datetime.now(UTC) + self._ahead


def _too_far() -> ValueError:
    first, last = YEARS[0], YEARS[-1]
    return ValueError(f"at and advance_s must stay in the years {first} to {last}.")
