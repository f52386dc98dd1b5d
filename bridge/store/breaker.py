"""Stops calling a host that is down, and tries it again by itself.

Each process keeps its own: a host may be reachable from one machine and not from
another, a process notices within one call and a few retries, and asking the database
would cost every call what only a broken host needs.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from bridge.interfaces import Outcome

FAILURES = 10
"""Consecutive failures after which a host is taken for down."""

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


@dataclass(slots=True)
class _Host:
    failures: int = 0
    pause_s: float = 0.0
    until: float = -math.inf
    probing: bool = False


class Breakers:
    """One breaker for each host; safe to use from many threads.

    Closed, all calls pass. Open, none does until its pause has passed; then one call
    is let through, and by how that ends the breaker closes or opens for twice as long.

    Args:
        clock: seconds by a clock that never jumps.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def admit(self, host: str) -> float | None:
        """Return None when a call may be sent, else the seconds until one may.

        The call that is let through as a probe holds back the others for as long as
        the pause was, in case nobody ever hears how it ended.
        """
        with self._lock:
            known = self._hosts.get(host)
            if known is None or known.failures < FAILURES:
                return None
            now = self._clock()
            if now < known.until:
                return known.until - now
            known.until = now + known.pause_s
            known.probing = True
            return None

    def note(self, host: str, outcome: Outcome) -> None:
        """Learn how a call ended; any answer of the host closes its breaker."""
        with self._lock:
            if outcome is not Outcome.UNREACHABLE:
                self._hosts.pop(host, None)
                return
            known = self._hosts.setdefault(host, _Host())
            known.failures += 1
            over = known.probing or self._clock() >= known.until
            if known.failures >= FAILURES and over:
                self._open(known)

    def open_for(self, host: str) -> float | None:
        """Return for how many seconds a host is left alone; None when it is not."""
        with self._lock:
            known = self._hosts.get(host)
            if known is None or known.failures < FAILURES:
                return None
            return max(0.0, known.until - self._clock())

    def _open(self, known: _Host) -> None:
        doubled = known.pause_s * 2 or FIRST_PAUSE_S
        known.pause_s = min(doubled, LONGEST_PAUSE_S)
        known.until = self._clock() + known.pause_s
        known.probing = False
