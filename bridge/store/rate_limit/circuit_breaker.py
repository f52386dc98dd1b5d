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
from bridge.store.rate_limit import hosts
from bridge.store.rate_limit.hosts import BreakerState

_FRESH_S = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a host will be tried again, and what it said last if it said anything."""

    until: datetime
    provider_message: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    trouble: BreakerState
    ahead: timedelta
    read_at: float

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        return datetime.now(UTC) + self.ahead

    def refusal(self) -> Refusal | None:
        """Return why no call may be sent just now."""
        if not self.trouble.is_open or not self.trouble.is_paused(self.now()):
            return None
        return Refusal(self.trouble.left_until, self.trouble.provider_message)


class CircuitBreakers:
    """One process's view of the hosts; safe to use from many threads.

    Closed, all calls pass. Open, none does until its pause has passed; then one call
    is let through, and by how that ends the breaker closes or opens for twice as long.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._answered_at: dict[str, float] = {}

    def state(self, host: str) -> Refusal | None:
        """Return why a host is left alone, as far as is known here; None if it is not.

        No statement for a host of which nothing bad is known here, one while it is
        left alone, at most every quarter of a second.

        Raises:
            StoreError: the database cannot be used.
        """
        seen = self._seen.get(host)
        if seen is None or seen.refusal() is None:
            return None
        if time.monotonic() - seen.read_at > _FRESH_S:
            seen = self._read(host)
        return seen.refusal() if seen else None

    def allow(self, host: str, *, troubled: bool) -> Refusal | None:
        """Let a call that could be sent now pass, or return why not.

        `troubled` says that the host has a row. No statement when it has none.

        Raises:
            StoreError: the database cannot be used.
        """
        if not troubled:
            self._clear(host)
            return None
        seen = self._read(host)
        if seen is None or not seen.trouble.is_open:
            return None
        if refusal := seen.refusal():
            return refusal
        if hosts.claim_probe(self._db, host, seen.trouble.pause_s):
            return None
        newer = self._read(host)
        return newer.refusal() if newer else None

    def record(self, host: str, outcome: Outcome, provider_message: str | None) -> None:
        """Learn how a call ended; any answer of the host closes its breaker.

        No statement for an answer of a host of which nothing bad is known here.
        """
        try:
            if outcome is Outcome.UNREACHABLE:
                self._keep(host, *hosts.add_failure(self._db, host, provider_message))
                return
            self._answered_at[host] = time.monotonic()
            if self._clear(host):
                hosts.delete_breaker(self._db, host)
        except StoreError as error:
            _log.warning("how %s does is not told: %s", host, error.message)

    def hear(self, host: str, *, troubled: bool) -> None:
        """Take what a ledger just said by the way; close what has answered here since.

        Raises:
            StoreError: the database cannot be used.
        """
        if not troubled:
            self._clear(host)
        elif host not in self._seen and host in self._answered_at:
            seen = self._read(host)
            if seen and self._has_answered_since(host, seen):
                self._clear(host)
                hosts.delete_breaker(self._db, host)

    def open_until(self, host: str) -> datetime | None:
        """Return until when a host is left alone, None when it is not. One statement.

        Raises:
            StoreError: the database cannot be used.
        """
        seen = self._read(host)
        return seen.trouble.left_until if seen and seen.trouble.is_open else None

    def _has_answered_since(self, host: str, seen: _Seen) -> bool:
        failed_s = (seen.now() - seen.trouble.failed_at).total_seconds()
        return time.monotonic() - self._answered_at[host] < failed_s

    def _read(self, host: str) -> _Seen | None:
        trouble, now = hosts.read_breaker(self._db, host)
        if trouble is None:
            self._clear(host)
            return None
        return self._keep(host, trouble, now)

    def _keep(self, host: str, trouble: BreakerState, now: datetime) -> _Seen:
        seen = _Seen(trouble, now - datetime.now(UTC), time.monotonic())
        with self._lock:
            self._seen[host] = seen
        return seen

    def _clear(self, host: str) -> bool:
        with self._lock:
            return self._seen.pop(host, None) is not None
