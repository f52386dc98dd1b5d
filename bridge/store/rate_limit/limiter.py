"""The rate limiter that all processes share: concurrency slots, call budget, breakers.

Implements `interfaces.RateLimiter`. How the state is shared, and why:

- The state of one tenant database is one row (`ledger`): slots in use, waiting
  processes, calls by minute. Acquiring a slot depends on all of it, so one row is one
  thing to lock and one thing to write. Separate tables would need four statements in a
  transaction, and SQLite would hold its lock while the interpreter runs other threads.
- The row is changed by compare and swap (`ledger_rows`), one statement. Of several
  concurrent processes the slower ones read the row and compute again. None can exceed a
  limit, because a change computed from an old version is never written.
- A call costs that one statement, when it acquires its slot. The slot is released with
  the next call that acquires one, or 20 ms later by a background thread, or at once
  when another process waits. The vendor too frees its slot a little after it responds.
- A process is one holder with one lease, which each change renews, and a background
  thread while calls are in flight. When the lease ends, all its slots are free. Other
  processes on the same host need not wait for that: they detect that the holder is dead
  (`process_identity`) and free its slots.
- With each change a process writes all slots that it holds, rather than the difference,
  so that a lost acknowledgement cannot leave a slot in use.
- Assigning each process a block of budget or a slot of its own would save the statement
  but waste capacity: with three slots and eight processes the blocks would be idle in
  some processes while an interactive call waits in another.
"""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from bridge.errors import (
    BridgeError,
    ProviderUnavailableError,
    StoreError,
    StoreUnavailableError,
)
from bridge.interfaces import (
    NO_CALLER,
    BudgetUsage,
    Caller,
    CallRequest,
    Permit,
    Priority,
    ReadUsage,
    SlotUsage,
    Usage,
)
from bridge.store.database.engine import Database
from bridge.store.process_identity import new_holder_name
from bridge.store.rate_limit.circuit_breaker import CircuitBreakers, Refusal
from bridge.store.rate_limit.ledger import Ledger, LimiterSettings, SlotRequest
from bridge.store.rate_limit.ledger_rows import LedgerRow
from bridge.store.rate_limit.slots import HeldSlot, TenantSlots

_FLUSH_DELAY_S = 0.02
_log = logging.getLogger(__name__)


class SharedRateLimiter:
    """One process's access to the shared rate limits; thread-safe.

    Create it after a fork. It starts no thread before the first call.
    """

    def __init__(self, db: Database, settings: LimiterSettings) -> None:
        self._db = db
        self._settings = settings
        self._holder = new_holder_name()
        self._breakers = CircuitBreakers(db)
        self._tenants: dict[str, TenantSlots] = {}
        self._lock = threading.Lock()
        self._flusher: threading.Thread | None = None
        self._flush_needed = threading.Event()
        self._closed = False

    @contextmanager
    def acquire(
        self, request: CallRequest, *, deadline: float, read_usage: ReadUsage
    ) -> Iterator[Permit]:
        """Hold a slot during the block; count the call against the budget.

        An interactive call waits up to the setting `wait_s`, any other up to its
        deadline. One statement, more only while it waits.

        Raises:
            ProviderThresholdError: the budget is used up, or no slot was released.
            ProviderUnavailableError: the host is down; says when it is called again.
            StoreError: the database cannot be used.
        """
        host = _host(request.database)
        # First: acquiring a slot counts the call against the budget.
        _raise_if_open(host, self._breakers.state(host))
        tenant = self._tenant(request.database)
        held = self._acquire_slot(tenant, request, deadline, read_usage)
        try:
            # The change of the ledger has just returned what all processes know.
            with self._guarded(held, host, host_failing=tenant.host_failing):
                yield held
        finally:
            self._release_slot(tenant, held)

    @contextmanager
    def check_host(self, host: str) -> Iterator[Permit]:
        """Check and update the breaker of a host around the block. One statement.

        Raises:
            ProviderUnavailableError: the host is down; says when it is called again.
            StoreError: the database cannot be used.
        """
        held = HeldSlot(queue="", instance="")
        with self._guarded(held, host, host_failing=True):
            yield held

    def report_usage(self, database: str, usage: Usage) -> None:
        """Apply the vendor's own count of the calls to a database."""
        self._tenant(database).report_usage(usage)

    def report_refusal(self, database: str) -> None:
        """Record that the vendor just refused a call to a database for quota."""
        self._tenant(database).report_refusal()

    def get_budgets(
        self, databases: Collection[str], caller: Caller = NO_CALLER
    ) -> list[BudgetUsage]:
        """Return the usage of databases, in the given order; a few statements each.

        `refused_until` is for the calls of the caller's instance.
        """
        return [self._read_budget(database, caller) for database in databases]

    def close(self) -> None:
        """Release all slots and stop; called automatically when the process exits."""
        atexit.unregister(self.close)
        self._closed = True
        self._flush_needed.set()
        if self._flusher is not None:
            self._flusher.join()
        self._each_tenant("released", TenantSlots.close)

    @contextmanager
    def _guarded(
        self, held: HeldSlot, host: str, *, host_failing: bool
    ) -> Iterator[None]:
        _raise_if_open(host, self._breakers.allow(host, host_failing=host_failing))
        try:
            yield
        finally:
            self._breakers.record(host, held.outcome, held.provider_message)

    def _acquire_slot(
        self,
        tenant: TenantSlots,
        request: CallRequest,
        deadline: float,
        read_usage: ReadUsage,
    ) -> HeldSlot:
        if request.caller.priority is Priority.INTERACTIVE:
            deadline = min(deadline, time.monotonic() + self._settings.wait_s)
        try:
            return tenant.acquire(
                self._queue(request),
                request.caller,
                usage_reading=request.usage_reading,
                deadline=deadline,
                start_reading=lambda: self._start_reading(request.database, read_usage),
            )
        except BridgeError:
            # Write soon that this process no longer waits for, or holds, the slot.
            self._flush_needed.set()
            raise

    def _tenant(self, database: str) -> TenantSlots:
        with self._lock:
            tenant = self._tenants.get(database)
            if tenant is None:
                tenant = TenantSlots(self._db, database, self._holder, self._settings)
                self._tenants[database] = tenant
            if self._flusher is None:
                self._flusher = threading.Thread(
                    target=self._flush_loop, name="rate limiter", daemon=True
                )
                self._flusher.start()
                # Otherwise the slots of the last calls would be lost for a whole lease.
                atexit.register(self.close)
            return tenant

    def _queue(self, request: CallRequest) -> str:
        """Return the queue's name, with the integration code as a keyed digest only."""
        # The label is part of stored names and of those of older releases.
        digest = self._db.keys.digest(f"tracking identifier {request.identifier}")
        return f"{digest.hex()[:16]}/{request.entity}"

    def _release_slot(self, tenant: TenantSlots, held: HeldSlot) -> None:
        try:
            needs_flush = tenant.release(held)
        except StoreError as error:
            _log.warning("a vendor slot is released later: %s", error.message)
            needs_flush = True
        if needs_flush:
            self._flush_needed.set()

    def _flush_loop(self) -> None:
        """Write pending changes and renew leases until closed."""
        while not self._closed:
            # `flush` renews after a third: with this, well before the lease ends.
            if self._flush_needed.wait(self._settings.lease_s / 4):
                self._flush_needed.clear()
                # The next call usually writes them first, which saves a statement.
                time.sleep(_FLUSH_DELAY_S)
            self._each_tenant("renewed", self._flush)

    def _flush(self, tenant: TenantSlots) -> None:
        if tenant.flush():
            self._breakers.observe(
                _host(tenant.database), host_failing=tenant.host_failing
            )

    def _each_tenant(self, aim: str, act: Callable[[TenantSlots], None]) -> None:
        with self._lock:
            tenants = list(self._tenants.values())
        for tenant in tenants:
            try:
                act(tenant)
            except StoreUnavailableError:
                # The store has logged the outage; the next round tries again.
                continue
            except StoreError as error:
                _log.warning("vendor slots are not %s: %s", aim, error.message)

    def _start_reading(self, database: str, read_usage: ReadUsage) -> None:
        def read() -> None:
            try:
                self.report_usage(database, read_usage())
            except BridgeError as error:
                _log.warning("no usage reading of %s: %s", database, error.message)

        # The caller holds the lock of the tenant, which the reading itself needs.
        threading.Thread(target=read, name="usage reading", daemon=True).start()

    def _read_budget(self, database: str, caller: Caller) -> BudgetUsage:
        # A separate object: that of the tenant is used under its lock only.
        row = LedgerRow(self._db, database)
        row.refresh()
        ledger, now = row.ledger, row.now()
        ledger.expire(now)
        theirs = ledger.others(now)
        requests = {
            each: SlotRequest.of(
                replace(caller, priority=each), now, usage_reading=False
            )
            for each in Priority
        }
        return BudgetUsage(
            database=database,
            threshold=ledger.threshold,
            ours=ledger.ours(),
            theirs=theirs,
            read_at=None if theirs is None else _time(ledger.read_at),
            age_s=None if theirs is None else max(0.0, now - ledger.read_at),
            quota_refused_at=_time(ledger.quota_refused_at(now)),
            refused_until={
                each: _round_up(ledger.budget_free_at(request, now))
                for each, request in requests.items()
            },
            slots=_slot_usage(ledger, now, self._settings),
            breaker_until=self._breakers.open_until(_host(database)),
        )


def _time(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def _round_up(moment: float | None) -> datetime | None:
    # Times are shown in whole seconds, and must not be too early.
    return None if moment is None else _time(math.ceil(moment))


def _host(database: str) -> str:
    return database.partition("#")[0]


def _raise_if_open(host: str, refusal: Refusal | None) -> None:
    if refusal is not None:
        raise ProviderUnavailableError(
            f"{host} has failed too often in a row and is left alone; it will be "
            f"tried again at {refusal.until:%H:%M:%S} UTC. Nothing was sent.",
            provider_message=refusal.provider_message,
        )


def _slot_usage(
    ledger: Ledger, now: float, settings: LimiterSettings
) -> tuple[SlotUsage, ...]:
    return tuple(
        SlotUsage(
            entity=queue.partition("/")[2],
            slots=ledger.count_slots(queue, now, settings),
            in_flight=ledger.in_flight(queue),
            waiting=len(ledger.waiting.get(queue, {})),
        )
        for queue in sorted(ledger.lanes.keys() | ledger.waiting.keys())
    )
