"""Circuit breakers: stop all processes from calling a host that is down, and retry it.

Only a failing host has a row (`breaker_rows`). Ten failures in a row, of any processes,
open its breaker for all of them, and one response to any process closes it. A healthy
host costs no statement: each call changes a ledger anyway, and that statement also
returns whether the host has a row. Only then is the row read, at most every quarter of
a second while the breaker is open.

When one machine can reach a host and another cannot, the responses to the first close
the breaker for both: better than a tenant without service.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.errors import StoreError
from bridge.interfaces import Outcome
from bridge.store.database.engine import Database
from bridge.store.rate_limit import breaker_rows
from bridge.store.rate_limit.breaker_rows import BreakerState

_CACHE_TTL_S = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a host will be called again, and its last error message if it sent one."""

    until: datetime
    provider_message: str | None


@dataclass(frozen=True, slots=True)
class _CachedState:
    state: BreakerState
    ahead: timedelta
    read_at: float

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        return datetime.now(UTC) + self.ahead

    def refusal(self) -> Refusal | None:
        """Return why no call may be sent now, or None."""
        if not self.state.is_open or not self.state.is_paused(self.now()):
            return None
        return Refusal(self.state.open_until, self.state.provider_message)


class CircuitBreakers:
    """One process's view of the circuit breakers; thread-safe.

    While a breaker is closed, all calls pass. While it is open, none passes until its
    pause is over; then one call passes as a probe, whose outcome closes the breaker or
    opens it for twice as long.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._cached: dict[str, _CachedState] = {}
        self._responded_at: dict[str, float] = {}

    def state(self, host: str) -> Refusal | None:
        """Return why a host may not be called, as far as this process knows, or None.

        No statement for a host that is not known to fail; one while its breaker is
        open, at most every quarter of a second.

        Raises:
            StoreError: the database cannot be used.
        """
        cached = self._cached.get(host)
        # A pause that is over is left to `allow`, which lets one probe pass.
        if cached is None or cached.refusal() is None:
            return None
        if time.monotonic() - cached.read_at > _CACHE_TTL_S:
            cached = self._read(host)
        return cached.refusal() if cached else None

    def allow(self, host: str, *, host_failing: bool) -> Refusal | None:
        """Allow a call that would be sent now, or return why not.

        `host_failing` is whether the host has a row. No statement when it has none.

        Raises:
            StoreError: the database cannot be used.
        """
        if not host_failing:
            self._clear(host)
            return None
        cached = self._read(host)
        if cached is None or not cached.state.is_open:
            return None
        if refusal := cached.refusal():
            return refusal
        if breaker_rows.claim_probe(self._db, host, cached.state.pause_s):
            return None
        # Another caller claimed the probe, which also extended the pause.
        newer = self._read(host)
        return newer.refusal() if newer else None

    def record(self, host: str, outcome: Outcome, provider_message: str | None) -> None:
        """Record the outcome of a call; any response of the host closes its breaker.

        No statement for a response of a host that is not known to fail.
        """
        try:
            if outcome is Outcome.UNREACHABLE:
                self._store(
                    host, *breaker_rows.add_failure(self._db, host, provider_message)
                )
                return
            # Before the row is deleted: should that fail, `observe` deletes it later.
            self._responded_at[host] = time.monotonic()
            if self._clear(host):
                breaker_rows.delete_breaker(self._db, host)
        except StoreError as error:
            _log.warning("the state of %s is not saved: %s", host, error.message)

    def observe(self, host: str, *, host_failing: bool) -> None:
        """Update from a change of a ledger; close the breaker if the host responded.

        A response to this process may be newer than the failure in the row.

        Raises:
            StoreError: the database cannot be used.
        """
        if not host_failing:
            self._clear(host)
        elif host not in self._cached and host in self._responded_at:
            cached = self._read(host)
            if cached and self._has_responded_since(host, cached):
                self._clear(host)
                breaker_rows.delete_breaker(self._db, host)

    def open_until(self, host: str) -> datetime | None:
        """Return until when a breaker is open, None when it is closed. One statement.

        Raises:
            StoreError: the database cannot be used.
        """
        cached = self._read(host)
        return cached.state.open_until if cached and cached.state.is_open else None

    def _has_responded_since(self, host: str, cached: _CachedState) -> bool:
        # Ages are compared, because the two times are by different clocks.
        failed_s = (cached.now() - cached.state.failed_at).total_seconds()
        return time.monotonic() - self._responded_at[host] < failed_s

    def _read(self, host: str) -> _CachedState | None:
        state, now = breaker_rows.read_breaker(self._db, host)
        if state is None:
            self._clear(host)
            return None
        return self._store(host, state, now)

    def _store(self, host: str, state: BreakerState, now: datetime) -> _CachedState:
        cached = _CachedState(state, now - datetime.now(UTC), time.monotonic())
        with self._lock:
            self._cached[host] = cached
        return cached

    def _clear(self, host: str) -> bool:
        with self._lock:
            return self._cached.pop(host, None) is not None
