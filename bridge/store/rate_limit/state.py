"""The state of all call budgets and circuit breakers, for monitoring."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bridge.interfaces import Priority
from bridge.store.database.engine import Database
from bridge.store.database.sql import read_clock
from bridge.store.models import vendor_hosts, vendor_ledgers
from bridge.store.rate_limit.breaker_rows import MAX_FAILURES
from bridge.store.rate_limit.ledger import Ledger, SlotRequest

MAX_DATABASES = 200
"""How many tenant databases a report lists at most."""

_LEDGERS = (
    select(vendor_ledgers.c.database, vendor_ledgers.c.payload)
    .order_by(vendor_ledgers.c.database)
    .limit(MAX_DATABASES)
)
_OPEN_HOSTS = select(vendor_hosts.c.host).where(
    vendor_hosts.c.failures >= MAX_FAILURES,
    vendor_hosts.c.expires_at > bindparam("now"),
)


@dataclass(frozen=True, slots=True)
class BudgetState:
    """One tenant database: its budget, and its calls in flight and waiting.

    `used_by_others` and `reading_age_s` are None without a reading of the vendor's
    counter within the hour. `refuses` holds the priorities whose calls are refused now.
    """

    database: str
    threshold: int
    used_by_bridge: int
    used_by_others: int | None
    reading_age_s: float | None
    refuses: frozenset[Priority]
    slots_in_use: int
    waiting_processes: int


@dataclass(frozen=True, slots=True)
class LimiterState:
    """All budgets, and whether the circuit breaker of each host is open."""

    budgets: tuple[BudgetState, ...]
    breakers: dict[str, bool]


def read_state(db: Database) -> LimiterState:
    """Return the shared state of all processes. Two or three statements.

    Raises:
        StoreError: the database cannot be used.
    """
    with db.read() as connection:
        now = read_clock(connection)
        budgets = _read_budgets(connection, now.timestamp())
        opened = set(connection.execute(_OPEN_HOSTS, {"now": now}).scalars())
    hosts = {budget.database.partition("#")[0] for budget in budgets} | opened
    return LimiterState(budgets, {host: host in opened for host in sorted(hosts)})


def _read_budgets(connection: Connection, now: float) -> tuple[BudgetState, ...]:
    return tuple(
        _describe(database, Ledger.from_json(payload), now)
        for database, payload in connection.execute(_LEDGERS)
    )


def _describe(database: str, ledger: Ledger, now: float) -> BudgetState:
    ledger.expire(now)
    others = ledger.others(now)
    requests = {each: SlotRequest(int(each), now, instance="") for each in Priority}
    return BudgetState(
        database=database,
        threshold=ledger.threshold,
        used_by_bridge=ledger.ours(),
        used_by_others=others,
        reading_age_s=None if others is None else max(0.0, now - ledger.read_at),
        refuses=frozenset(
            each
            for each, request in requests.items()
            if ledger.budget_free_at(request, now) is not None
        ),
        slots_in_use=sum(map(ledger.in_flight, ledger.lanes)),
        waiting_processes=sum(map(len, ledger.waiting.values())),
    )
