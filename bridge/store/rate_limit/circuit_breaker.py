"""Stops all processes from calling a host that is down, and tries it again.

What is known of a host is a row (`hosts`), and only a host that fails has one: ten
failures in a row open its breaker for everybody, whichever processes they met, and one
answer to anybody closes it. So that a host that is well costs nothing, no process asks
for the row before a call: each change of a ledger, which every call makes anyway, tells
by the way whether its host has one. Only then is it read, at most every quarter of a
second while the breaker is open.

A host that one machine cannot reach and another can is closed by each answer to the
other, and is then called by both: better than a tenant without service.
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
    """When a host will be tried again, and what it said last if it said anything."""

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
        """Return why no call may be sent just now."""
        if not self.state.is_open or not self.state.is_paused(self.now()):
            return None
        return Refusal(self.state.open_until, self.state.provider_message)


class CircuitBreakers:
    """One process's view of the hosts; safe to use from many threads.

    Closed, all calls pass. Open, none does until its pause has passed; then one call
    is let through, and by how that ends the breaker closes or opens for twice as long.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._cached: dict[str, _CachedState] = {}
        self._responded_at: dict[str, float] = {}

    def state(self, host: str) -> Refusal | None:
        """Return why a host is left alone, as far as is known here; None if it is not.

        No statement for a host of which nothing bad is known here, one while it is
        left alone, at most every quarter of a second.

        Raises:
            StoreError: the database cannot be used.
        """
        cached = self._cached.get(host)
        if cached is None or cached.refusal() is None:
            return None
        if time.monotonic() - cached.read_at > _CACHE_TTL_S:
            cached = self._read(host)
        return cached.refusal() if cached else None

    def allow(self, host: str, *, host_failing: bool) -> Refusal | None:
        """Let a call that could be sent now pass, or return why not.

        `troubled` says that the host has a row. No statement when it has none.

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
        newer = self._read(host)
        return newer.refusal() if newer else None

    def record(self, host: str, outcome: Outcome, provider_message: str | None) -> None:
        """Learn how a call ended; any answer of the host closes its breaker.

        No statement for an answer of a host of which nothing bad is known here.
        """
        try:
            if outcome is Outcome.UNREACHABLE:
                self._store(
                    host, *breaker_rows.add_failure(self._db, host, provider_message)
                )
                return
            self._responded_at[host] = time.monotonic()
            if self._clear(host):
                breaker_rows.delete_breaker(self._db, host)
        except StoreError as error:
            _log.warning("how %s does is not told: %s", host, error.message)

    def observe(self, host: str, *, host_failing: bool) -> None:
        """Take what a ledger just said by the way; close what has answered here since.

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
        """Return until when a host is left alone, None when it is not. One statement.

        Raises:
            StoreError: the database cannot be used.
        """
        cached = self._read(host)
        return cached.state.open_until if cached and cached.state.is_open else None

    def _has_responded_since(self, host: str, cached: _CachedState) -> bool:
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
