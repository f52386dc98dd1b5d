"""The vendor's limits: calls per hour, calls at once, bytes of attachments.

`VENDOR` has the vendor's own numbers, `GENEROUS` hardly any limit. Windows follow the
simulator's clock, threads follow real time.
Source: SOAP help, query and thresholds; SOAP contract notes, section 15.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bridge.sandbox.declarations import rule

MAX_RECORDS = 500
TIMEFRAME_MINUTES = 60
_TIMEFRAME_S = TIMEFRAME_MINUTES * 60
_UPLOAD_WINDOW_S = 300
_IN_PROGRESS = float("inf")  # a busy slot is stored as the time at which it is free

Now = Callable[[], datetime]  # the simulator's clock


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one tenant; `threads` None is as many as the server has."""

    calls_per_hour: int
    threads: int | None
    slow_downs: bool
    attachment_bytes: int
    upload_bytes: int


# Source: SOAP help. Unverified: the edge of 6 to 7 MB for one attachment.
VENDOR = Limits(
    calls_per_hour=10_000,
    threads=3,
    slow_downs=True,
    attachment_bytes=7_000_000,
    upload_bytes=10_000_000,
)

GENEROUS = Limits(
    calls_per_hour=100_000_000,
    threads=None,
    slow_downs=False,
    attachment_bytes=7_000_000,
    upload_bytes=1_000_000_000,
)

LIMITS: Mapping[str, Limits] = MappingProxyType(
    {"vendor": VENDOR, "generous": GENEROUS}
)


class UsageCounter:
    """Counts the calls to one tenant during the last hour; safe to share."""

    def __init__(self, limits: Limits, now: Now) -> None:
        self._limits = limits
        self._now = now
        self._lock = threading.RLock()
        self._seconds: deque[list[int]] = deque()  # [second, calls], oldest first
        self._total = 0

    def count(self, calls: int = 1) -> None:
        """Count calls."""
        second = int(self._now().timestamp())
        with self._lock:
            if not self._seconds or self._seconds[-1][0] != second:
                self._seconds.append([second, 0])
            self._seconds[-1][1] += calls
            self._total += calls

    @rule(
        "Limits",
        "10,000 calls in a rolling hour for a tenant, then refusal",
        source="help",
    )
    @rule(
        "Limits",
        "Half a second more from half of them, a whole one from three quarters",
        source="clients",
    )
    def admit(self) -> float | None:
        """Count one call and return the seconds that it is delayed; None refuses it.

        Source: SOAP contract notes, section 15. Unverified: that refused calls are not
        counted.
        """
        allowed = self._limits.calls_per_hour
        # One step: concurrent calls must not all see the last call as still allowed.
        with self._lock:
            used = self.used()
            if used >= allowed:
                return None
            self.count()
        if not self._limits.slow_downs or used * 2 < allowed:
            return 0.0
        return 0.5 if used * 4 < allowed * 3 else 1.0

    def used(self) -> int:
        """Return the number of calls within the timeframe."""
        now = self._now().timestamp()
        with self._lock:
            while self._seconds and self._seconds[0][0] < now - _TIMEFRAME_S:
                self._total -= self._seconds.popleft()[1]
            while (
                self._seconds and self._seconds[-1][0] > now
            ):  # the clock was set back
                self._total -= self._seconds.pop()[1]
            return self._total

    def reset(self) -> None:
        """Start counting at 0."""
        with self._lock:
            self._seconds.clear()
            self._total = 0

    def message(self) -> str:
        """Return the usage as getThresholdAndUsageInfo formats it.

        Source: captured response (soap-samples 14).
        """
        return (
            f"ThresholdOfExternalRequest: {self._limits.calls_per_hour}; "
            f"TimeframeOfLimitation: {TIMEFRAME_MINUTES}; "
            f"numberOfExternalRequest: {self.used()};"
        )


class Slots:
    """Concurrent calls by key, an integration code with an entity; safe to share.

    Source: the vendor's thread limits, per integration code and object endpoint.
    """

    def __init__(self, limits: Limits) -> None:
        self._max = limits.threads
        self._lock = threading.Lock()
        self._busy: dict[tuple[str, str], list[float]] = {}

    @rule(
        "Limits",
        "Three calls at once for an integration code and entity",
        source="help",
    )
    def acquire(self, key: tuple[str, str]) -> bool:
        """Occupy a slot until `release`; return whether there was one."""
        if self._max is None:
            return True
        now = time.monotonic()
        with self._lock:
            busy = [until for until in self._busy.get(key, ()) if until > now]
            self._busy[key] = busy
            if len(busy) >= self._max:
                return False
            busy.append(_IN_PROGRESS)
            return True

    def release(self, key: tuple[str, str], held_s: float = 0.0) -> None:
        """Free a slot, so many seconds from now."""
        if self._max is None:
            return
        with self._lock:
            busy = self._busy.get(key, [])
            if _IN_PROGRESS in busy:  # it is not after a reset
                busy.remove(_IN_PROGRESS)
                busy.append(time.monotonic() + held_s)

    def reset(self) -> None:
        """Free all slots."""
        with self._lock:
            self._busy.clear()


class UploadBudget:
    """The bytes that one tenant may upload in five minutes; safe to share.

    Source: SOAP help, attachments. Unverified: counted per tenant; an upload that
    exceeds it is refused, and so are all others for five minutes.
    """

    def __init__(self, limits: Limits, now: Now) -> None:
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._uploads: deque[tuple[float, int]] = deque()
        self._blocked_until = 0.0

    @rule(
        "Limits",
        "7,000,000 bytes in an attachment, 10,000,000 in five minutes",
        source="help",
    )
    def admit(self, size: int) -> bool:
        """Count an upload; return whether it is allowed."""
        now = self._now().timestamp()
        with self._lock:
            # More would mean that the clock was set back since the refusal.
            if 0 < self._blocked_until - now <= _UPLOAD_WINDOW_S:
                return False
            while self._uploads and self._uploads[0][0] <= now - _UPLOAD_WINDOW_S:
                self._uploads.popleft()
            used = sum(uploaded for _, uploaded in self._uploads)
            if used + size > self._limits.upload_bytes:
                self._blocked_until = now + _UPLOAD_WINDOW_S
                return False
            self._uploads.append((now, size))
            return True

    def reset(self) -> None:
        """Start counting at 0."""
        with self._lock:
            self._uploads.clear()
            self._blocked_until = 0.0
