"""One tenant database as one process uses it: who waits here, and what is held.

Threads of this process line up before they ask the database, so that at most one of
them at a time asks on behalf of a queue; the others sleep until it is their turn.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.errors import ProviderThresholdError
from bridge.interfaces import Caller, Outcome, Usage
from bridge.store.database.engine import Database
from bridge.store.process_identity import find_dead
from bridge.store.rate_limit.budget_messages import explain_refusal
from bridge.store.rate_limit.ledger import (
    WAITER_S,
    Ledger,
    LimiterSettings,
    SlotRequest,
)
from bridge.store.rate_limit.ledger_rows import LedgerRow

_TURN_S = 0.02
_SLOWEST = 5
_LOOK_S = 0.25
_TELL_AT_ONCE = (Outcome.THREAD_LIMIT, Outcome.QUOTA)


@dataclass(slots=True)
class HeldSlot:
    """A lane that is held; implements `interfaces.Lease`."""

    queue: str
    instance: str
    outcome: Outcome = Outcome.ANSWERED
    provider_message: str | None = None


@dataclass(slots=True, eq=False)
class _Waiter:
    queue: str
    claim: SlotRequest
    turn: threading.Condition
    free_at: float | None = None


@dataclass(slots=True)
class _Done:
    """What one look at the ledger came to; see `ledger_rows.Change`.

    `free_at` is when the budget will allow the call, as far as that is known, and None
    when it does now. While the vendor's count is being read it may be any moment.
    """

    changed: bool
    settled: bool = True
    free_at: float | None = None
    look_again_s: float = _TURN_S
    wants_reading: bool = False


@dataclass(slots=True)
class _Unwritten:
    """What the ledger is still to be told: lanes given back, queues not waited for."""

    returned: list[HeldSlot] = field(default_factory=list)
    left: set[str] = field(default_factory=set)


class TenantSlots:
    """The lanes and the budget of one tenant database; safe to use from many threads.

    Args:
        holder: names this process among all that share the database.
    """

    def __init__(
        self, db: Database, database: str, holder: str, rules: LimiterSettings
    ) -> None:
        self._row = LedgerRow(db, database)
        self.database = database
        self._holder = holder
        self._rules = rules
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Waiter]] = {}
        self._unwritten = _Unwritten()
        self._held: dict[str, dict[str, int]] = {}
        self._renewed_at = time.monotonic()

    @property
    def troubled(self) -> bool:
        """Whether the host failed lately, as of the last change of the ledger."""
        return self._row.troubled

    def acquire(
        self,
        queue: str,
        caller: Caller,
        *,
        usage_reading: bool,
        give_up: float,
        start_reading: Callable[[], None],
    ) -> HeldSlot:
        """Wait for a lane of a queue until `give_up` by the monotonic clock.

        `start_reading` is called when this process is the one to ask the vendor for
        its count; it must not wait for anything.

        Raises:
            ProviderThresholdError: no budget before then, or no lane.
        """
        with self._lock:
            claim = SlotRequest.of(caller, self._row.now(), usage_reading=usage_reading)
            waiter = _Waiter(queue, claim, threading.Condition(self._lock))
            line = self._waiting.setdefault(queue, [])
            insort(line, waiter, key=lambda each: each.claim)
            granted = False
            try:
                granted = self._wait(waiter, give_up, start_reading)
            finally:
                line.remove(waiter)
                if not granted:
                    self._unwritten.left.add(queue)
                self._call_next()
            instances = self._held.setdefault(queue, {})
            instances[claim.instance] = instances.get(claim.instance, 0) + 1
        return HeldSlot(queue, claim.instance)

    def release(self, held: HeldSlot) -> bool:
        """Free a lane; tell whether the ledger is still to be told, by `tidy`.

        It is told at once when another process waits for the lane or should know how
        the call ended, and by whichever thread of this process is granted one next.
        """
        with self._lock:
            self._let_go(held)
            self._unwritten.returned.append(held)
            awaited = self._row.ledger.waiting.get(held.queue, {}).keys()
            if held.outcome in _TELL_AT_ONCE or awaited - {self._holder}:
                self._flush()
            self._call_next()
            return bool(self._unwritten.returned)

    def flush(self) -> bool:
        """Write what is unwritten; renew what is held, when its time is a third over.

        Tells whether there was anything to write.

        Raises:
            StoreError: the database cannot be used; nothing is forgotten.
        """
        with self._lock:
            waited_s = time.monotonic() - self._renewed_at
            due = bool(self._held) and waited_s > self._rules.lease_s / 3
            if not (due or self._unwritten.returned or self._unwritten.left):
                return False
            return self._flush(renew=due)

    def close(self) -> None:
        """Free whatever is held here: the process ends, and its calls with it.

        Raises:
            StoreError: the database cannot be used; the lease will end.
        """

        def apply(ledger: Ledger, now: float) -> _Done:
            self._settle(ledger, now)
            ledger.expire_holder(self._holder, now)
            return _Done(changed=True)

        with self._lock:
            if self._held or self._unwritten.returned or self._unwritten.left:
                self._change(apply, patience_s=0)

    def report_usage(self, usage: Usage) -> None:
        """Take the vendor's own count; who waits here for it looks at once."""
        self._learn(lambda ledger, now: ledger.report_usage(usage, now))

    def report_refusal(self) -> None:
        """Take note that the vendor just refused a call for quota."""
        self._learn(lambda ledger, now: ledger.apply_outcome("", Outcome.QUOTA, now))

    def _learn(self, tell: Callable[[Ledger, float], None]) -> None:
        def apply(ledger: Ledger, now: float) -> _Done:
            ledger.expire(now)
            tell(ledger, now)
            return _Done(changed=True)

        with self._lock:
            self._row.change(apply, patience_s=0)
            self._call_next()

    def _wait(
        self, waiter: _Waiter, give_up: float, start_reading: Callable[[], None]
    ) -> bool:
        while True:
            look_again_s = _LOOK_S
            if self._has_turn(waiter):
                done = self._ask(waiter)
                if done.wants_reading:
                    start_reading()
                if done.settled:
                    return True
                waiter.free_at, look_again_s = done.free_at, done.look_again_s
            left_s = give_up - time.monotonic()
            now = self._row.now()
            if waiter.free_at is not None and waiter.free_at - now > left_s:
                raise self._exhausted(waiter, now)
            if left_s <= 0:
                raise self._late(waiter, now)
            waiter.turn.wait(min(left_s, look_again_s))

    def _has_turn(self, waiter: _Waiter) -> bool:
        """Tell whether no other thread here goes first and could go."""
        for other in self._waiting[waiter.queue]:
            if other is waiter:
                return True
            if not self._is_capped(other):
                return False
        return False

    def _is_capped(self, waiter: _Waiter) -> bool:
        claim = waiter.claim
        return self._row.ledger.is_capped(
            waiter.queue, claim.instance, claim.priority, self._rules
        )

    def _ask(self, waiter: _Waiter) -> _Done:
        queue, claim = waiter.queue, waiter.claim

        def apply(ledger: Ledger, now: float) -> _Done:
            changed = self._settle(ledger, now)
            free_at = ledger.budget_free_at(claim, now)
            reading = ledger.claim_reading(claim, now, refused=free_at is not None)
            if free_at is not None:
                free_at = ledger.calls_left_at(claim, now) or math.inf
                free_at = now if ledger.is_being_read(now) else free_at
            short = ledger.lanes_short(queue, claim, self._holder, now, self._rules)
            if short and (dead := find_dead(ledger.alive)):
                for holder in dead:
                    ledger.expire_holder(holder, now)
                changed = True
                short = ledger.lanes_short(queue, claim, self._holder, now, self._rules)
            # What this row says may have uncapped a claim that goes first here.
            granted = free_at is None and not short and self._has_turn(waiter)
            if granted:
                ledger.acquire(queue, claim, self._holder, now)
            announced = free_at is None and self._announce(
                ledger, queue, now, without=waiter if granted else None
            )
            return _Done(
                changed=changed or reading or granted or announced,
                settled=granted,
                free_at=free_at,
                look_again_s=_LOOK_S
                if free_at is not None
                else _TURN_S * min(max(1, short), _SLOWEST),
                wants_reading=reading,
            )

        done = self._change(apply, patience_s=_TURN_S)
        if done.free_at is not None and not done.changed:
            # What was not written may rest on a row that another process has changed:
            # no call is refused for a budget that is free again.
            self._row.refresh()
            done = self._change(apply, patience_s=_TURN_S)
        return done

    def _flush(self, *, renew: bool = False) -> bool:
        def apply(ledger: Ledger, now: float) -> _Done:
            return _Done(changed=self._settle(ledger, now) or renew)

        return self._change(apply, patience_s=0).changed

    def _change(
        self, apply: Callable[[Ledger, float], _Done], *, patience_s: float
    ) -> _Done:
        done = self._row.change(apply, patience_s=patience_s)
        self._unwritten = _Unwritten()
        if done.changed:
            self._renewed_at = time.monotonic()
        return done

    def _settle(self, ledger: Ledger, now: float) -> bool:
        """Tell the ledger the truth about this process; tell if any of it was news.

        What is held is set, not counted up and down: a change that was written though
        its writer only heard of a failure is put right by the next.
        """
        # Before anything expires: a process that was only slow keeps what it holds.
        ledger.alive[self._holder] = now + self._rules.lease_s
        ledger.expire(now)
        corrected = ledger.set_held(self._holder, self._held)
        for held in self._unwritten.returned:
            ledger.apply_outcome(held.queue, held.outcome, now)
        withdrawn = [
            self._announce(ledger, queue, now, without=None)
            for queue in self._unwritten.left
        ]
        return corrected or bool(self._unwritten.returned) or any(withdrawn)

    def _let_go(self, held: HeldSlot) -> None:
        instances = self._held[held.queue]
        instances[held.instance] -= 1
        if not instances[held.instance]:
            del instances[held.instance]
        if not instances:
            del self._held[held.queue]

    def _announce(
        self, ledger: Ledger, queue: str, now: float, *, without: _Waiter | None
    ) -> bool:
        """Put the claim that goes first here into the ledger; tell if that was news."""
        claims = ledger.waiting.get(queue, {})
        line = (each for each in self._waiting.get(queue, ()) if each is not without)
        first = next(line, None)
        known = claims.get(self._holder)
        if first is None:
            return claims.pop(self._holder, None) is not None
        entry = (first.claim.priority, first.claim.since, first.claim.instance)
        if known and tuple(known[:3]) == entry and known[3] - now > WAITER_S / 2:
            return False
        ledger.waiting.setdefault(queue, {})[self._holder] = (*entry, now + WAITER_S)
        return True

    def _call_next(self) -> None:
        for line in self._waiting.values():
            for waiter in line:
                waiter.turn.notify()
                if not self._is_capped(waiter):
                    break

    def _exhausted(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        ledger = self._row.ledger
        return ProviderThresholdError(explain_refusal(ledger, waiter.claim, now))

    def _late(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        if self._row.ledger.budget_free_at(waiter.claim, now) is not None:
            return self._exhausted(waiter, now)
        return self._busy(waiter, now)

    def _busy(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        ledger, queue = self._row.ledger, waiter.queue
        lanes = ledger.count_lanes(queue, now, self._rules)
        waited_s = now - waiter.claim.since
        entity = queue.partition("/")[2] or "this operation"
        return ProviderThresholdError(
            f"All {lanes} calls at a time that Autotask allows for {entity} were in "
            f"use for {waited_s:.0f} s. Nothing was sent; try again.",
            all_busy=True,
        )
