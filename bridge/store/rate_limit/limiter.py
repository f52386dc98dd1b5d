"""The governor: what all processes together may send to a tenant's database.

Implements `interfaces.Gate`. How it is shared, and why so:

- All that is known of one tenant database is one row (`ledger`): lanes in flight, who
  waits, calls by minute. Entering a call is one decision over all of it, so one row is
  one thing to lock and one thing to write; tables of lanes, waiters and minutes would
  be four statements in a transaction, whose lock SQLite holds for as long as the
  interpreter lets another thread run.
- The row is changed by compare and swap (`ledger_rows`), one statement. Of eight
  processes the slower ones read and compute again; none can pass a limit, because what
  was computed from an old row is never written.
- A call costs that one statement, when it enters. Its lane is given back with the next
  call that enters, or 20 ms later by a thread of our own; at once when somebody waits.
  The vendor frees its own slot a little after the answer too.
- A process is one holder. It is heard of with every change, and every third of the
  lease while calls are in flight; when it is not, everything it held is free again.
  Whoever waits on the same machine need not wait for that: he sees that a holder is
  dead (`holders`) and frees what it held.
- With every change a process says what it holds, rather than what it took or gave
  back, so that no lost acknowledgement leaves a lane taken.
- Granting each process a block of budget or a lane of its own would save the statement
  and was left out: with three lanes and eight processes the blocks would lie idle where
  they are, and an interactive call would wait for them.
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
from bridge.store.process_identity import current_process
from bridge.store.rate_limit.circuit_breaker import CircuitBreakers, Refusal
from bridge.store.rate_limit.ledger import Ledger, LimiterSettings, SlotRequest
from bridge.store.rate_limit.ledger_rows import LedgerRow
from bridge.store.rate_limit.slots import HeldSlot, TenantSlots

_LINGER_S = 0.02
_log = logging.getLogger(__name__)


class SharedRateLimiter:
    """One process's way to the shared ledgers; safe to use from many threads.

    Made after a fork; no thread is started before the first call.
    """

    def __init__(self, db: Database, rules: LimiterSettings) -> None:
        self._db = db
        self._rules = rules
        self._holder = current_process()
        self._breakers = CircuitBreakers(db)
        self._tenants: dict[str, TenantSlots] = {}
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._returned = threading.Event()
        self._closed = False

    @contextmanager
    def acquire(
        self, request: CallRequest, *, deadline: float, read_usage: ReadUsage
    ) -> Iterator[Permit]:
        """Hold a lane and a piece of the budget during the block.

        An interactive call waits up to `wait_s` of the rules, any other up to its
        deadline. One statement, more only while it waits.

        Raises:
            ProviderThresholdError: the budget is used up, or no lane came free.
            ProviderUnavailableError: the host is down; says when it is tried again.
            StoreError: the database cannot be used.
        """
        host = _host(request.database)
        _refuse(host, self._breakers.state(host))
        tenant = self._tenant(request.database)
        held = self._take(tenant, request, deadline, read_usage)
        try:
            # What the ledger said by the way is news of all processes.
            with self._passed(held, host, troubled=tenant.troubled):
                yield held
        finally:
            self._give_back(tenant, held)

    @contextmanager
    def check_host(self, host: str) -> Iterator[Permit]:
        """Pass the breaker of a host during the block. One statement.

        Raises:
            ProviderUnavailableError: the host is down; says when it is tried again.
            StoreError: the database cannot be used.
        """
        held = HeldSlot(queue="", instance="")
        with self._passed(held, host, troubled=True):
            yield held

    def report_usage(self, database: str, usage: Usage) -> None:
        """Take the vendor's own count of the calls to a database."""
        self._tenant(database).report_usage(usage)

    def report_refusal(self, database: str) -> None:
        """Take note that the vendor just refused a call to a database for quota."""
        self._tenant(database).report_refusal()

    def get_budgets(
        self, databases: Collection[str], caller: Caller = NO_CALLER
    ) -> list[BudgetUsage]:
        """Return where databases stand, in the order given; a few statements each.

        `refused_until` is for the calls of the caller's instance.
        """
        return [self._figures(database, caller) for database in databases]

    def close(self) -> None:
        """Give back what is held, and stop; done by itself when the process ends."""
        atexit.unregister(self.close)
        self._closed = True
        self._returned.set()
        if self._keeper is not None:
            self._keeper.join()
        self._each_tenant("given back", TenantSlots.close)

    @contextmanager
    def _passed(self, held: HeldSlot, host: str, *, troubled: bool) -> Iterator[None]:
        _refuse(host, self._breakers.allow(host, troubled=troubled))
        try:
            yield
        finally:
            self._breakers.record(host, held.outcome, held.provider_message)

    def _take(
        self,
        tenant: TenantSlots,
        request: CallRequest,
        deadline: float,
        read_usage: ReadUsage,
    ) -> HeldSlot:
        if request.caller.priority is Priority.INTERACTIVE:
            deadline = min(deadline, time.monotonic() + self._rules.wait_s)
        try:
            return tenant.acquire(
                self._queue(request),
                request.caller,
                usage_reading=request.usage_reading,
                give_up=deadline,
                start_reading=lambda: self._start_reading(request.database, read_usage),
            )
        except BridgeError:
            # Others are to hear soon that nobody waits, or holds, here any more.
            self._returned.set()
            raise

    def _tenant(self, database: str) -> TenantSlots:
        with self._lock:
            tenant = self._tenants.get(database)
            if tenant is None:
                tenant = TenantSlots(self._db, database, self._holder, self._rules)
                self._tenants[database] = tenant
            if self._keeper is None:
                self._keeper = threading.Thread(
                    target=self._keep, name="governor", daemon=True
                )
                self._keeper.start()
                # Else what the last calls held would be missed for a whole lease.
                atexit.register(self.close)
            return tenant

    def _queue(self, request: CallRequest) -> str:
        """Name the queue; the tracking identifier goes in as a keyed digest only."""
        digest = self._db.keys.digest(f"tracking identifier {request.identifier}")
        return f"{digest.hex()[:16]}/{request.entity}"

    def _give_back(self, tenant: TenantSlots, held: HeldSlot) -> None:
        try:
            untold = tenant.release(held)
        except StoreError as error:
            _log.warning("a vendor lane is given back later: %s", error.message)
            untold = True
        if untold:
            self._returned.set()

    def _keep(self) -> None:
        """Write what was given back, a moment later; renew what is held."""
        while not self._closed:
            if self._returned.wait(self._rules.lease_s / 4):
                self._returned.clear()
                time.sleep(_LINGER_S)
            self._each_tenant("renewed", self._tidy)

    def _tidy(self, tenant: TenantSlots) -> None:
        if tenant.flush():
            self._breakers.hear(_host(tenant.database), troubled=tenant.troubled)

    def _each_tenant(self, aim: str, act: Callable[[TenantSlots], None]) -> None:
        with self._lock:
            tenants = list(self._tenants.values())
        for tenant in tenants:
            try:
                act(tenant)
            except StoreUnavailableError:
                # It was logged when it began, and is tried again.
                continue
            except StoreError as error:
                _log.warning("vendor lanes are not %s: %s", aim, error.message)

    def _start_reading(self, database: str, read_usage: ReadUsage) -> None:
        def read() -> None:
            try:
                self.report_usage(database, read_usage())
            except BridgeError as error:
                _log.warning("no usage reading of %s: %s", database, error.message)

        threading.Thread(target=read, name="usage reading", daemon=True).start()

    def _figures(self, database: str, caller: Caller) -> BudgetUsage:
        row = LedgerRow(self._db, database)
        row.refresh()
        ledger, now = row.ledger, row.now()
        ledger.expire(now)
        theirs = ledger.others(now)
        claims = {
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
                each: _promised(ledger.budget_free_at(claim, now))
                for each, claim in claims.items()
            },
            lanes=_lane_figures(ledger, now, self._rules),
            breaker_until=self._breakers.open_until(_host(database)),
        )


def _time(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def _promised(moment: float | None) -> datetime | None:
    # Times are shown in whole seconds, and none of them may be too early.
    return None if moment is None else _time(math.ceil(moment))


def _host(database: str) -> str:
    return database.partition("#")[0]


def _refuse(host: str, refusal: Refusal | None) -> None:
    if refusal is not None:
        raise ProviderUnavailableError(
            f"{host} has failed too often in a row and is left alone; it will be "
            f"tried again at {refusal.until:%H:%M:%S} UTC. Nothing was sent.",
            provider_message=refusal.provider_message,
        )


def _lane_figures(
    ledger: Ledger, now: float, rules: LimiterSettings
) -> tuple[SlotUsage, ...]:
    return tuple(
        SlotUsage(
            entity=queue.partition("/")[2],
            lanes=ledger.count_lanes(queue, now, rules),
            in_flight=ledger.in_flight(queue),
            waiting=len(ledger.waiting.get(queue, {})),
        )
        for queue in sorted(ledger.lanes.keys() | ledger.waiting.keys())
    )
