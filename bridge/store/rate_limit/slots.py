"""The slots of one tenant database in one process: waiting threads and held slots.

The threads of this process form a line for each queue, and only the first in line
queries the database; the others sleep until it is their turn.
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

_BACKOFF_S = 0.02
_MAX_BACKOFFS = 5
_POLL_S = 0.25
_URGENT_OUTCOMES = (Outcome.THREAD_LIMIT, Outcome.QUOTA)


@dataclass(slots=True)
class HeldSlot:
    """A held slot; implements `interfaces.Permit`."""

    queue: str
    instance: str
    outcome: Outcome = Outcome.ANSWERED
    provider_message: str | None = None


@dataclass(slots=True, eq=False)
class _Waiter:
    queue: str
    request: SlotRequest
    turn: threading.Condition
    free_at: float | None = None


@dataclass(slots=True)
class _ChangeResult:
    """The result of one change of the ledger; see `ledger_rows.Change`.

    `settled` is false while a request still waits: its result may change with a newer
    row. `free_at` is when the budget will allow the call, as far as known; None when it
    does now, and the present while the vendor's count is being read.
    """

    changed: bool
    settled: bool = True
    free_at: float | None = None
    retry_after_s: float = _BACKOFF_S
    wants_reading: bool = False


@dataclass(slots=True)
class _PendingChanges:
    """Changes not written to the ledger yet.

    `returned` are released slots, `left` the queues in which a thread stopped waiting.
    """

    returned: list[HeldSlot] = field(default_factory=list)
    left: set[str] = field(default_factory=set)


class TenantSlots:
    """The slots and the budget of one tenant database; thread-safe.

    Args:
        holder: the identity of this process among all that share the database.
    """

    def __init__(
        self, db: Database, database: str, holder: str, settings: LimiterSettings
    ) -> None:
        self._row = LedgerRow(db, database)
        self.database = database
        self._holder = holder
        self._settings = settings
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Waiter]] = {}
        self._pending = _PendingChanges()
        self._held: dict[str, dict[str, int]] = {}
        self._renewed_at = time.monotonic()

    @property
    def host_failing(self) -> bool:
        """Whether the host was failing at the last read of the ledger."""
        return self._row.host_failing

    def acquire(
        self,
        queue: str,
        caller: Caller,
        *,
        usage_reading: bool,
        deadline: float,
        start_reading: Callable[[], None],
    ) -> HeldSlot:
        """Wait for a slot of a queue until `deadline`, by the monotonic clock.

        `start_reading` is called when this process has claimed the next reading of the
        vendor's count; it must not block.

        Raises:
            ProviderThresholdError: no budget or no slot until then.
            StoreError: the database cannot be used.
        """
        with self._lock:
            request = SlotRequest.of(
                caller, self._row.now(), usage_reading=usage_reading
            )
            waiter = _Waiter(queue, request, threading.Condition(self._lock))
            line = self._waiting.setdefault(queue, [])
            insort(line, waiter, key=lambda each: each.request)
            granted = False
            try:
                granted = self._wait(waiter, deadline, start_reading)
            finally:
                line.remove(waiter)
                if not granted:
                    self._pending.left.add(queue)
                self._notify_next()
            # Before the lock is released: the next change writes exactly what is held.
            instances = self._held.setdefault(queue, {})
            instances[request.instance] = instances.get(request.instance, 0) + 1
        return HeldSlot(queue, request.instance)

    def release(self, held: HeldSlot) -> bool:
        """Release a slot; return whether `flush` must still write that to the ledger.

        Written at once when another process waits for the slot or needs the outcome,
        and otherwise also by the next thread of this process that acquires a slot.

        Raises:
            StoreError: the database cannot be used; the change stays pending.
        """
        with self._lock:
            self._remove_held(held)
            self._pending.returned.append(held)
            awaited = self._row.ledger.waiting.get(held.queue, {}).keys()
            if held.outcome in _URGENT_OUTCOMES or awaited - {self._holder}:
                self._flush()
            self._notify_next()
            return bool(self._pending.returned)

    def flush(self) -> bool:
        """Write pending changes; renew the lease when a third of it has passed.

        Returns whether anything was written.

        Raises:
            StoreError: the database cannot be used; the changes stay pending.
        """
        with self._lock:
            waited_s = time.monotonic() - self._renewed_at
            due = bool(self._held) and waited_s > self._settings.lease_s / 3
            if not (due or self._pending.returned or self._pending.left):
                return False
            return self._flush(renew=due)

    def close(self) -> None:
        """Release all slots of this process, which ends with its calls.

        Raises:
            StoreError: the database cannot be used; the slots are free when the lease
                ends.
        """

        def apply(ledger: Ledger, now: float) -> _ChangeResult:
            # Pending outcomes first: they concern the other processes too.
            self._reconcile(ledger, now)
            ledger.expire_holder(self._holder, now)
            return _ChangeResult(changed=True)

        with self._lock:
            if self._held or self._pending.returned or self._pending.left:
                self._change(apply, patience_s=0)

    def report_usage(self, usage: Usage) -> None:
        """Apply the vendor's own count, and wake the threads that wait for it."""
        self._update(lambda ledger, now: ledger.report_usage(usage, now))

    def report_refusal(self) -> None:
        """Record that the vendor just refused a call for quota."""
        self._update(lambda ledger, now: ledger.apply_outcome("", Outcome.QUOTA, now))

    def _update(self, update: Callable[[Ledger, float], None]) -> None:
        def apply(ledger: Ledger, now: float) -> _ChangeResult:
            ledger.expire(now)
            update(ledger, now)
            return _ChangeResult(changed=True)

        with self._lock:
            self._row.change(apply, patience_s=0)
            self._notify_next()

    def _wait(
        self, waiter: _Waiter, deadline: float, start_reading: Callable[[], None]
    ) -> bool:
        while True:
            retry_after_s = _POLL_S
            if self._is_next(waiter):
                done = self._try_acquire(waiter)
                if done.wants_reading:
                    start_reading()
                if done.settled:
                    return True
                waiter.free_at, retry_after_s = done.free_at, done.retry_after_s
            left_s = deadline - time.monotonic()
            now = self._row.now()
            # Refuse now what would still be refused at the deadline.
            if waiter.free_at is not None and waiter.free_at - now > left_s:
                raise self._budget_error(waiter, now)
            if left_s <= 0:
                raise self._timeout_error(waiter, now)
            waiter.turn.wait(min(left_s, retry_after_s))

    def _is_next(self, waiter: _Waiter) -> bool:
        """Return whether no other thread here goes first, capped ones apart."""
        for other in self._waiting[waiter.queue]:
            if other is waiter:
                return True
            if not self._is_capped(other):
                return False
        return False

    def _is_capped(self, waiter: _Waiter) -> bool:
        request = waiter.request
        return self._row.ledger.is_capped(
            waiter.queue, request.instance, request.priority, self._settings
        )

    def _try_acquire(self, waiter: _Waiter) -> _ChangeResult:
        queue, request = waiter.queue, waiter.request

        def apply(ledger: Ledger, now: float) -> _ChangeResult:
            changed = self._reconcile(ledger, now)
            free_at = ledger.budget_free_at(request, now)
            reading = ledger.claim_reading(request, now, refused=free_at is not None)
            if free_at is not None:
                free_at = ledger.calls_expire_at(request, now) or math.inf
                free_at = now if ledger.is_being_read(now) else free_at
            short = ledger.slots_short(
                queue, request, self._holder, now, self._settings
            )
            # Only when short, because each holder costs the read of a file.
            if short and (dead := find_dead(ledger.alive)):
                for holder in dead:
                    ledger.expire_holder(holder, now)
                changed = True
                short = ledger.slots_short(
                    queue, request, self._holder, now, self._settings
                )
            # In this version of the row a request that goes first may not be capped.
            granted = free_at is None and not short and self._is_next(waiter)
            if granted:
                ledger.acquire(queue, request, self._holder, now)
            announced = free_at is None and self._announce(
                ledger, queue, now, without=waiter if granted else None
            )
            return _ChangeResult(
                changed=changed or reading or granted or announced,
                settled=granted,
                free_at=free_at,
                retry_after_s=_POLL_S
                if free_at is not None
                else _BACKOFF_S * min(max(1, short), _MAX_BACKOFFS),
                wants_reading=reading,
            )

        done = self._change(apply, patience_s=_BACKOFF_S)
        if done.free_at is not None and not done.changed:
            # Without a write the row's version was not checked, and another process
            # may have changed it: do not refuse a call that is allowed by now.
            self._row.refresh()
            done = self._change(apply, patience_s=_BACKOFF_S)
        return done

    def _flush(self, *, renew: bool = False) -> bool:
        def apply(ledger: Ledger, now: float) -> _ChangeResult:
            return _ChangeResult(changed=self._reconcile(ledger, now) or renew)

        return self._change(apply, patience_s=0).changed

    def _change(
        self, apply: Callable[[Ledger, float], _ChangeResult], *, patience_s: float
    ) -> _ChangeResult:
        done = self._row.change(apply, patience_s=patience_s)
        # Only now: if the change fails, they stay pending.
        self._pending = _PendingChanges()
        if done.changed:
            self._renewed_at = time.monotonic()
        return done

    def _reconcile(self, ledger: Ledger, now: float) -> bool:
        """Write the state of this process into the ledger; return if it changed any.

        The held slots are set, not counted up and down, so that the next change
        corrects a write that was applied although this process got an error.
        """
        # Before anything expires: a process that was only slow keeps its slots.
        ledger.alive[self._holder] = now + self._settings.lease_s
        ledger.expire(now)
        corrected = ledger.set_held(self._holder, self._held)
        for held in self._pending.returned:
            ledger.apply_outcome(held.queue, held.outcome, now)
        withdrawn = [
            self._announce(ledger, queue, now, without=None)
            for queue in self._pending.left
        ]
        return corrected or bool(self._pending.returned) or any(withdrawn)

    def _remove_held(self, held: HeldSlot) -> None:
        instances = self._held[held.queue]
        instances[held.instance] -= 1
        if not instances[held.instance]:
            del instances[held.instance]
        if not instances:
            del self._held[held.queue]

    def _announce(
        self, ledger: Ledger, queue: str, now: float, *, without: _Waiter | None
    ) -> bool:
        """Write the request that goes first here into the ledger, if it changed."""
        waiters = ledger.waiting.get(queue, {})
        line = (each for each in self._waiting.get(queue, ()) if each is not without)
        first = next(line, None)
        known = waiters.get(self._holder)
        if first is None:
            return waiters.pop(self._holder, None) is not None
        entry = (first.request.priority, first.request.since, first.request.instance)
        # Renewed at half-time only, to save writes.
        if known and tuple(known[:3]) == entry and known[3] - now > WAITER_S / 2:
            return False
        ledger.waiting.setdefault(queue, {})[self._holder] = (*entry, now + WAITER_S)
        return True

    def _notify_next(self) -> None:
        for line in self._waiting.values():
            for waiter in line:
                waiter.turn.notify()
                # A capped request cannot go now: the thread behind it is woken too.
                if not self._is_capped(waiter):
                    break

    def _budget_error(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        ledger = self._row.ledger
        return ProviderThresholdError(explain_refusal(ledger, waiter.request, now))

    def _timeout_error(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        if self._row.ledger.budget_free_at(waiter.request, now) is not None:
            return self._budget_error(waiter, now)
        return self._slots_error(waiter, now)

    def _slots_error(self, waiter: _Waiter, now: float) -> ProviderThresholdError:
        ledger, queue = self._row.ledger, waiter.queue
        slots = ledger.count_slots(queue, now, self._settings)
        waited_s = now - waiter.request.since
        entity = queue.partition("/")[2] or "this operation"
        return ProviderThresholdError(
            f"All {slots} calls at a time that Autotask allows for {entity} were in "
            f"use for {waited_s:.0f} s. Nothing was sent; try again.",
            all_busy=True,
        )
