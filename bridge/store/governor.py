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
- Granting each process a block of budget or a lane of its own would save the statement
  and was left out: with three lanes and eight processes the blocks would lie idle where
  they are, and an interactive call would wait for them.
"""

from __future__ import annotations

import atexit
import logging
import secrets
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.errors import BridgeError, ProviderUnavailableError, StoreError
from bridge.interfaces import Lease, Priority, ReadUsage, Ticket, Usage
from bridge.store.breaker import Breakers
from bridge.store.engine import Database
from bridge.store.lanes import Held, TenantLanes
from bridge.store.ledger import Ledger, Rules
from bridge.store.ledger_rows import LedgerRow

_LINGER_S = 0.02
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """The lanes of one entity under one tracking identifier.

    `waiting` counts the processes that wait, not their calls.
    """

    entity: str
    lanes: int
    in_flight: int
    waiting: int


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """Where a tenant database stands.

    `ours` and `theirs` are calls of the last hour by all our processes and by others;
    `theirs` is None without a reading of the last hour. `breaker_until` is when this
    process will try the host again, None when it is taken for up.
    """

    database: str
    threshold: int
    ours: int
    theirs: int | None
    read_at: datetime | None
    lanes: tuple[LaneFigures, ...]
    breaker_until: datetime | None


class Governor:
    """One process's way to the shared ledgers; safe to use from many threads.

    Made after a fork; no thread is started before the first call.
    """

    def __init__(self, db: Database, rules: Rules) -> None:
        self._db = db
        self._rules = rules
        self._holder = secrets.token_hex(6)
        self._breakers = Breakers(time.monotonic)
        self._tenants: dict[str, TenantLanes] = {}
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._returned = threading.Event()
        self._closed = False

    @contextmanager
    def enter(
        self, ticket: Ticket, *, deadline: float, read_usage: ReadUsage
    ) -> Iterator[Lease]:
        """Hold a lane and a piece of the budget during the block.

        An interactive call waits up to `wait_s` of the rules, any other up to its
        deadline. One statement, more only while it waits.

        Raises:
            ProviderThresholdError: the budget is used up, or no lane came free.
            ProviderUnavailableError: the host is down; says when it is tried again.
            StoreError: the database cannot be used.
        """
        host = ticket.database.partition("#")[0]
        self._admit(host)
        tenant = self._tenant(ticket.database)
        if ticket.caller.priority is Priority.INTERACTIVE:
            deadline = min(deadline, time.monotonic() + self._rules.wait_s)
        held = tenant.take(
            self._queue(ticket),
            ticket.caller,
            usage_reading=ticket.usage_reading,
            give_up=deadline,
            start_reading=lambda: self._start_reading(ticket.database, read_usage),
        )
        try:
            yield held
        finally:
            self._breakers.note(host, held.outcome)
            self._give_back(tenant, held)

    def learn(self, database: str, usage: Usage) -> None:
        """Take the vendor's own count of the calls to a database."""
        self._tenant(database).learn(usage)

    def figures(self, databases: Collection[str]) -> list[BudgetFigures]:
        """Return where databases stand, in the order given. One statement for each."""
        return [self._figures(database) for database in databases]

    def close(self) -> None:
        """Give back what is held, and stop; done by itself when the process ends."""
        atexit.unregister(self.close)
        self._closed = True
        self._returned.set()
        if self._keeper is not None:
            self._keeper.join()
        self._tidy()

    def _admit(self, host: str) -> None:
        wait_s = self._breakers.admit(host)
        if wait_s is not None:
            again = datetime.now(UTC) + timedelta(seconds=wait_s)
            raise ProviderUnavailableError(
                f"{host} has failed too often in a row and is left alone; it will be "
                f"tried again at {again:%H:%M:%S} UTC. Nothing was sent."
            )

    def _tenant(self, database: str) -> TenantLanes:
        with self._lock:
            tenant = self._tenants.get(database)
            if tenant is None:
                tenant = TenantLanes(self._db, database, self._holder, self._rules)
                self._tenants[database] = tenant
            if self._keeper is None:
                self._keeper = threading.Thread(
                    target=self._keep, name="governor", daemon=True
                )
                self._keeper.start()
                # Else what the last calls held would be missed for a whole lease.
                atexit.register(self.close)
            return tenant

    def _queue(self, ticket: Ticket) -> str:
        """Name the queue; the tracking identifier goes in as a keyed digest only."""
        digest = self._db.keys.digest(f"tracking identifier {ticket.identifier}")
        return f"{digest.hex()[:16]}/{ticket.entity}"

    def _give_back(self, tenant: TenantLanes, held: Held) -> None:
        try:
            untold = tenant.give_back(held)
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
            self._tidy()

    def _tidy(self) -> None:
        with self._lock:
            tenants = list(self._tenants.values())
        for tenant in tenants:
            try:
                tenant.tidy()
            except StoreError as error:
                _log.warning("vendor lanes are not renewed: %s", error.message)

    def _start_reading(self, database: str, read_usage: ReadUsage) -> None:
        def read() -> None:
            try:
                self.learn(database, read_usage())
            except BridgeError as error:
                _log.warning("no usage reading of %s: %s", database, error.message)

        threading.Thread(target=read, name="usage reading", daemon=True).start()

    def _figures(self, database: str) -> BudgetFigures:
        row = LedgerRow(self._db, database)
        row.refresh()
        ledger, now = row.ledger, row.now()
        ledger.expire(now)
        theirs = ledger.others(now)
        open_for_s = self._breakers.open_for(database.partition("#")[0])
        until = None
        if open_for_s is not None:
            until = datetime.now(UTC) + timedelta(seconds=open_for_s)
        return BudgetFigures(
            database=database,
            threshold=ledger.threshold,
            ours=ledger.ours(),
            theirs=theirs,
            read_at=None
            if theirs is None
            else datetime.fromtimestamp(ledger.read_at, UTC),
            lanes=_lane_figures(ledger, now, self._rules),
            breaker_until=until,
        )


def _lane_figures(ledger: Ledger, now: float, rules: Rules) -> tuple[LaneFigures, ...]:
    return tuple(
        LaneFigures(
            entity=queue.partition("/")[2],
            lanes=ledger.count_lanes(queue, now, rules),
            in_flight=ledger.in_flight(queue),
            waiting=len(ledger.waiting.get(queue, {})),
        )
        for queue in sorted(ledger.lanes.keys() | ledger.waiting.keys())
    )
