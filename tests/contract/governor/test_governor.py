"""Lanes, budget and priorities, as two processes on one database see them."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text
from waiting import wait_until

from bridge.errors import (
    ProviderThresholdError,
    StoreError,
)
from bridge.interfaces import Outcome, Priority, Usage
from bridge.store.rate_limit.ledger_rows import LedgerRow


def waiting(process, count):
    """Wait until so many processes are seen waiting."""

    def seen():
        [figures] = process.rate_limiter.get_budgets([process.tenant])
        return sum(lane.waiting for lane in figures.lanes)

    wait_until(lambda: seen() == count)


def wait_for_interactive(db, tenant):
    """Wait until some process is known to wait with an interactive call."""
    row = LedgerRow(db, tenant)

    def seen():
        row.refresh()
        claims = [one for each in row.ledger.waiting.values() for one in each.values()]
        return Priority.INTERACTIVE in [priority for priority, *_ in claims]

    wait_until(seen)


def in_thread(process, order, name, **options):
    def call():
        with process.acquire(wait_s=60, **options):
            order.append(name)
            time.sleep(0.01)

    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_lanes_are_shared_by_all_processes(start):
    one, other = start(lanes=3), start(lanes=3)

    with one.acquire(), one.acquire(), other.acquire():
        with pytest.raises(ProviderThresholdError, match="All 3 calls"):
            other.acquire().__enter__()
        with pytest.raises(ProviderThresholdError):
            one.acquire().__enter__()


def test_other_entities_and_identifiers_have_lanes_of_their_own(start):
    process = start(lanes=1)

    with (
        process.acquire("Account"),
        process.acquire("Contact"),
        process.acquire("Account", identifier="another"),
    ):
        pass


def test_lane_given_back_is_free_for_other_processes_shortly_after(start):
    one, other = start(lanes=1), start(lanes=1)
    with one.acquire():
        pass

    with other.acquire(wait_s=60):
        pass


def test_waiting_call_gets_the_lane_as_soon_as_it_is_given_back(start):
    one, other = start(lanes=1), start(lanes=1)
    order = []
    with one.acquire():
        thread = in_thread(other, order, "other")
        waiting(one, 1)
        given_back = time.monotonic()
    thread.join()

    assert order == ["other"]
    assert time.monotonic() - given_back < 60


def test_interactive_call_overtakes_bulk_calls_of_its_own_and_other_processes(
    start, db, tenant
):
    holder, bulk, person = (start(lanes=1) for _ in range(3))
    order = []
    with holder.acquire():
        threads = [
            in_thread(bulk, order, "bulk", priority=Priority.BULK),
            in_thread(person, order, "bulk here", priority=Priority.BULK),
        ]
        waiting(holder, 2)
        threads.append(in_thread(person, order, "person"))
        wait_for_interactive(db, tenant)
    for thread in threads:
        thread.join()

    assert order[0] == "person"
    assert len(order) == 3


def test_who_came_first_goes_first_among_equals(start):
    holder, first, second = (start(lanes=1) for _ in range(3))
    order = []
    with holder.acquire():
        threads = [in_thread(first, order, "first")]
        waiting(holder, 1)
        threads.append(in_thread(second, order, "second"))
        waiting(holder, 2)
    for thread in threads:
        thread.join()

    assert order == ["first", "second"]


def test_call_longer_than_the_lease_keeps_its_lane(start):
    one, other = start(lanes=1, lease_s=4), start(lanes=1, lease_s=4)

    with one.acquire(), pytest.raises(ProviderThresholdError):
        other.acquire(wait_s=9).__enter__()


def test_lane_taken_without_hearing_of_it_is_free_again(start, deaf_db):
    deaf, other = start(deaf_db, lanes=3), start(lanes=3)
    with deaf.acquire(wait_s=60):
        pass
    for _ in range(4):
        deaf_db.lost = 1
        with pytest.raises(StoreError):
            deaf.acquire(wait_s=60).__enter__()

    with deaf.acquire(wait_s=60), deaf.acquire(wait_s=60), other.acquire(wait_s=60):
        [figures] = other.rate_limiter.get_budgets([other.tenant])
        assert figures.lanes[0].in_flight == 3


def test_lane_given_back_without_hearing_of_it_is_not_given_back_twice(start, deaf_db):
    deaf, other = start(deaf_db, lanes=2), start(lanes=2)
    with deaf.acquire(wait_s=60):
        with deaf.acquire(wait_s=60) as lease:
            lease.outcome = Outcome.THREAD_LIMIT
            deaf_db.lost = 1
        time.sleep(0.1)

        with pytest.raises(ProviderThresholdError):
            other.acquire().__enter__()
    with other.acquire(wait_s=60):
        pass


def test_process_that_ends_frees_what_it_still_holds(start):
    ending, other = start(lanes=1), start(lanes=1)
    held = ending.acquire()
    held.__enter__()

    ending.rate_limiter.close()

    with other.acquire(wait_s=60):
        pass


def test_last_lane_is_kept_from_an_instance_that_has_the_others(start):
    one, other = start(lanes=2), start(lanes=2)
    order = []
    with one.acquire(instance=1):
        with one.acquire(instance=1):
            threads = [in_thread(one, order, "greedy", instance=1)]
            waiting(one, 1)
            threads.append(in_thread(other, order, "modest", instance=2))
            waiting(one, 2)
        threads[1].join()
        assert order[0] == "modest"
    for thread in threads:
        thread.join()


def test_one_instance_has_only_so_many_calls_over_all_entities(start):
    process = start(lanes=3, instance_lanes=2)

    with process.acquire("A", instance=1), process.acquire("B", instance=1):
        with pytest.raises(ProviderThresholdError):
            process.acquire("C", instance=1).__enter__()
        with process.acquire("C", instance=2):
            pass


def test_thread_limit_error_takes_a_lane_away(start):
    one, other = start(lanes=3), start(lanes=3)
    with one.acquire() as lease:
        lease.outcome = Outcome.THREAD_LIMIT

    with (
        other.acquire(),
        other.acquire(),
        pytest.raises(ProviderThresholdError, match="All 2"),
    ):
        other.acquire().__enter__()


def test_bulk_stops_at_60_percent_and_interactive_calls_at_95(start):
    process = start()
    process.rate_limiter.report_usage(process.tenant, Usage(100, 60, 59))

    with process.acquire(priority=Priority.BULK):
        pass
    for priority in (Priority.BULK, Priority.POLLING):
        with pytest.raises(ProviderThresholdError, match="budget exhausted"):
            process.acquire(priority=priority, wait_s=1).__enter__()
    for _ in range(35):
        with process.acquire():
            pass
    with pytest.raises(ProviderThresholdError) as refusal:
        process.acquire(wait_s=60).__enter__()

    assert "free again at" in refusal.value.message
    assert "of 100 calls an hour 36 were made by Bridge and 59 by others" in str(
        refusal.value
    )


def test_refusal_that_waiting_cannot_cure_does_not_wait(start):
    process = start()
    process.rate_limiter.report_usage(process.tenant, Usage(100, 60, 100))

    started = time.monotonic()
    with pytest.raises(ProviderThresholdError):
        process.acquire(wait_s=60).__enter__()

    assert time.monotonic() - started < 20


def test_quota_error_of_the_vendor_stops_all_processes(start):
    one, other = start(), start()
    with one.acquire() as lease:
        lease.outcome = Outcome.QUOTA

    with pytest.raises(ProviderThresholdError, match="budget exhausted"):
        other.acquire().__enter__()


def test_vendor_is_asked_for_its_count_once_by_whichever_process(start):
    one, other = start(), start()
    for process in (one, other, one, other):
        with process.acquire(priority=Priority.BULK, wait_s=60):
            pass
    for _ in range(40):
        with one.acquire(), other.acquire():
            pass
    wait_until(lambda: one.readings + other.readings)

    assert len(one.readings + other.readings) == 1


def test_quiet_tenant_pays_no_call_for_readings(start):
    process = start()
    for _ in range(20):
        with process.acquire():
            pass

    assert process.readings == []


def test_figures_show_budget_lanes_and_who_waits(start):
    one, other = start(lanes=1), start(lanes=1)
    one.rate_limiter.report_usage(one.tenant, Usage(5_000, 60, 30))
    with one.acquire("Ticket"):
        thread = in_thread(other, [], "other", entity="Ticket")
        waiting(one, 1)
        [figures] = one.rate_limiter.get_budgets([one.tenant])
    thread.join()

    assert (figures.threshold, figures.ours, figures.theirs) == (5_000, 1, 30)
    [lane] = figures.lanes
    assert (lane.entity, lane.lanes, lane.in_flight, lane.waiting) == (
        "Ticket",
        1,
        1,
        1,
    )


def test_tracking_identifier_is_nowhere_in_the_database(start, db):
    process = start()
    with process.acquire(identifier="ABCDEFGH-IDENTIFIER"), db.read() as connection:
        rows = connection.execute(text("SELECT * FROM vendor_ledgers")).all()

    assert rows
    assert "ABCDEFGH" not in repr(rows)
