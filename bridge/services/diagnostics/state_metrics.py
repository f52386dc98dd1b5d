"""Metrics from the database: budgets, slots, circuit breakers, workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.errors import StoreError
from bridge.interfaces import Priority
from bridge.services.timed_reading import TimedReader
from bridge.store.database.engine import Database
from bridge.store.rate_limit.state import BudgetState, LimiterState, read_state
from bridge.store.workers import list_living
from bridge.telemetry.metrics import StateMetric, state_metric

_PRIORITIES = (Priority.INTERACTIVE, Priority.BULK)


def read_state_metrics(database: Database, reader: TimedReader) -> list[StateMetric]:
    """Return the shared state as metrics; five statements at most, no vendor call.

    If the database cannot be used or does not respond in time, that is the only metric.
    """
    try:
        # With a timeout: a scrape must not hang with the database.
        state, workers = reader.read(
            lambda: (read_state(database), len(list_living(database)))
        )
    except StoreError:
        return [_available(usable=False)]
    return [
        _available(usable=True),
        state_metric(
            "bridge_workers_alive",
            "Workers of all machines whose heartbeat is not overdue.",
            [({}, workers)],
        ),
        *_budgets(state.budgets),
        _breakers(state),
    ]


def _available(*, usable: bool) -> StateMetric:
    return state_metric(
        "bridge_database_available",
        "1 when Bridge's database answered just now, else 0.",
        [({}, usable)],
    )


def _budgets(budgets: Sequence[BudgetState]) -> Iterator[StateMetric]:
    yield state_metric(
        "bridge_call_budget_threshold",
        "Calls an hour that Autotask allows to a tenant database.",
        [({"database": each.database}, each.threshold) for each in budgets],
    )
    yield state_metric(
        "bridge_call_budget_used",
        "Calls of the last hour by Bridge and, where known, by others.",
        [
            ({"database": each.database, "source": source}, count)
            for each in budgets
            for source, count in (
                ("bridge", each.used_by_bridge),
                ("others", each.used_by_others),
            )
            if count is not None
        ],
    )
    yield state_metric(
        "bridge_call_budget_refusing",
        "1 while the budget refuses calls of a priority, else 0.",
        [
            (
                {"database": each.database, "priority": priority.name.lower()},
                priority in each.refuses,
            )
            for each in budgets
            for priority in _PRIORITIES
        ],
    )
    yield state_metric(
        "bridge_call_budget_reading_age_seconds",
        "Age of the last reading of Autotask's own counter, where there is one.",
        [
            ({"database": each.database}, each.reading_age_s)
            for each in budgets
            if each.reading_age_s is not None
        ],
    )
    yield state_metric(
        "bridge_rate_limit_slots_in_use",
        "Calls to Autotask in flight, of all processes.",
        [({"database": each.database}, each.slots_in_use) for each in budgets],
    )
    yield state_metric(
        "bridge_rate_limit_waiting_processes",
        "Processes in which a call waits for a slot, counted for each entity.",
        [({"database": each.database}, each.waiting_processes) for each in budgets],
    )


def _breakers(state: LimiterState) -> StateMetric:
    return state_metric(
        "bridge_circuit_breaker_open",
        "1 while no call is sent to a host that failed too often, else 0.",
        [({"host": host}, is_open) for host, is_open in state.breakers.items()],
    )
