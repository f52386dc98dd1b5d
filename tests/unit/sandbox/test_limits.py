"""Usage, faults and journal as plain objects."""

import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.sandbox.control import fault_queue
from bridge.sandbox.control.clock import Clock
from bridge.sandbox.control.fault_queue import FaultKind, FaultQueue
from bridge.sandbox.control.limits import VENDOR, Slots, UploadBudget, UsageCounter


def test_usage_counts_from_many_threads():
    counter = UsageCounter(VENDOR, Clock().now)

    threads = [
        threading.Thread(target=lambda: [counter.count() for _ in range(500)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counter.used() == 4000
    assert counter.message().endswith("numberOfExternalRequest: 4000;")


@pytest.fixture
def _hurried_threads():
    """Let threads take turns as often as can be."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_hurried_threads")
def test_calls_at_once_get_no_more_than_the_hour_has():
    for _ in range(10):
        counter = UsageCounter(replace(VENDOR, calls_per_hour=300), Clock().now)
        admitted = []

        threads = [
            threading.Thread(
                target=lambda seen=admitted, of=counter: seen.extend(
                    of.admit() for _ in range(100)
                )
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(held_up is not None for held_up in admitted) == 300


def test_calls_after_a_time_that_was_set_back_are_not_counted():
    clock = Clock()
    clock.set(frozen=True)
    counter = UsageCounter(VENDOR, clock.now)
    counter.count(3)
    clock.set(by=timedelta(minutes=30))
    counter.count(5)

    clock.set(by=timedelta(minutes=-30))

    assert counter.used() == 3


def test_a_full_budget_refuses_uploads_for_five_minutes_of_the_clock():
    clock = Clock()
    clock.set(frozen=True)
    budget = UploadBudget(VENDOR, clock.now)
    assert budget.admit(10_000_000)
    clock.set(by=timedelta(seconds=299))
    assert not budget.admit(1)

    clock.set(by=timedelta(seconds=299))
    assert not budget.admit(1)
    clock.set(by=timedelta(seconds=1))
    assert budget.admit(10_000_000)


def test_slots_by_key_and_free_again():
    slots = Slots(VENDOR)
    key, other = ("code", "Account"), ("code", "Contact")

    assert [slots.acquire(key) for _ in range(4)] == [True, True, True, False]
    assert slots.acquire(other)
    slots.release(key)
    assert slots.acquire(key)
    slots.release(key, held_s=60)
    assert not slots.acquire(key)
    slots.reset()
    assert slots.acquire(key)


def test_faults_wait_for_their_operation_in_order():
    queue = FaultQueue()
    queue.add(fault_queue.read_fault({"kind": "reset", "operation": "create"}))
    queue.add(fault_queue.read_fault({"kind": "delay", "times": 2, "seconds": 0.5}))

    taken = [queue.pop(name) for name in ("query", "create", "create", "create")]

    assert [fault and fault.kind for fault in taken] == [
        FaultKind.DELAY,
        FaultKind.RESET,
        FaultKind.DELAY,
        None,
    ]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"kind": None},
        {"kind": "delay", "seconds": "1"},
        {"kind": "delay", "seconds": -1},
        {"kind": "delay", "times": True},
        {"kind": "delay", "after_commit": 1},
        {"kind": "delay", "operation": 5},
        {"kind": "delay", "colour": "red"},
    ],
)
def test_invalid_faults(document):
    with pytest.raises(ValueError, match=r"\."):
        fault_queue.read_fault(document)
