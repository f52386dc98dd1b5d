"""What a ledger allows, by minute and by request."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.interfaces import Caller, Outcome, Priority, Usage
from bridge.store.rate_limit.ledger import Ledger, LimiterSettings, SlotRequest

NOW = 1_800_000_000.0  # a full minute
HOUR = 3600.0
RULES = LimiterSettings(slots=3)
QUEUE = "digest/Account"


def request(
    instance=1, priority=Priority.INTERACTIVE, since=NOW, *, usage_reading=False
) -> SlotRequest:
    caller = Caller(instance, priority)
    return SlotRequest.of(caller, since, usage_reading=usage_reading)


def spend(ledger, calls, now=NOW, instance=1):
    """Make calls that are over at once."""
    ledger.alive["us"] = now + HOUR * 3
    for _ in range(calls):
        ledger.acquire(QUEUE, request(instance), "us", now)
        ledger.set_held("us", {})


def test_ledger_reads_back_what_it_wrote():
    ledger = Ledger()
    spend(ledger, 3)
    ledger.acquire(QUEUE, request(), "us", NOW)
    ledger.waiting[QUEUE] = {"them": (0, NOW, "1", NOW + 2)}
    ledger.report_usage(Usage(500, 60, 40), NOW)

    again = Ledger.from_json(ledger.to_json())

    assert again.to_json() == ledger.to_json()
    assert not again.slots_short(QUEUE, request(), "us", NOW, RULES)


def test_call_counts_for_the_hour_and_the_rest_of_its_minute():
    ledger = Ledger()
    spend(ledger, 7, now=NOW + 20)

    ledger.expire(NOW + 60 + HOUR - 1)
    assert ledger.ours() == 7
    ledger.expire(NOW + 60 + HOUR)
    assert ledger.ours() == 0


@pytest.mark.parametrize(
    ("priority", "limit"),
    [(Priority.INTERACTIVE, 95), (Priority.POLLING, 60), (Priority.BULK, 60)],
)
def test_each_priority_has_its_share_of_the_threshold(priority, limit):
    ledger = Ledger(threshold=100)
    spend(ledger, limit - 1)
    assert ledger.budget_free_at(request(priority=priority), NOW) is None

    spend(ledger, 1)
    assert ledger.budget_free_at(request(priority=priority), NOW) is not None


def test_usage_reading_may_use_the_last_of_the_budget():
    ledger = Ledger(threshold=100)
    spend(ledger, 99)

    assert ledger.budget_free_at(request(usage_reading=True), NOW) is None


def test_budget_is_free_again_when_enough_minutes_have_left_the_hour():
    ledger = Ledger(threshold=100)
    spend(ledger, 10, now=NOW - 120)
    spend(ledger, 20, now=NOW - 60)
    spend(ledger, 80, now=NOW)

    free_at = ledger.budget_free_at(request(), NOW)

    assert free_at == NOW - 60 + 60 + HOUR  # 16 must go: 10 and then 20
    ledger.expire(free_at)
    assert ledger.budget_free_at(request(), free_at) is None


def test_budget_that_others_used_up_is_looked_at_again_with_the_next_reading():
    ledger = Ledger()
    ledger.report_usage(Usage(100, 60, 99), NOW)

    assert ledger.budget_free_at(request(), NOW + 5) == NOW + 60


def test_reading_counts_as_others_only_what_we_have_not_counted():
    ledger = Ledger()
    spend(ledger, 30)
    ledger.report_usage(Usage(10_000, 60, 100), NOW)

    assert ledger.others(NOW) == 70
    assert ledger.others(NOW + HOUR) is None


def test_reading_is_claimed_by_one_and_not_again_for_ten_minutes():
    ledger = Ledger()
    bulk = request(priority=Priority.BULK)

    assert ledger.claim_reading(bulk, NOW, refused=False)
    assert not ledger.claim_reading(bulk, NOW + 599, refused=False)
    assert ledger.claim_reading(bulk, NOW + 600, refused=False)


def test_interactive_calls_are_worth_a_reading_when_there_are_twenty():
    ledger = Ledger()
    spend(ledger, 19)
    assert not ledger.claim_reading(request(), NOW, refused=False)

    spend(ledger, 1)
    assert ledger.claim_reading(request(), NOW, refused=False)


def test_refused_call_is_worth_a_reading():
    assert Ledger().claim_reading(request(), NOW, refused=True)


def test_thread_limit_removes_a_slot_for_ten_minutes():
    ledger = Ledger(alive={"us": NOW + HOUR})
    ledger.acquire(QUEUE, request(), "us", NOW)
    ledger.apply_outcome(QUEUE, Outcome.THREAD_LIMIT, NOW)

    assert ledger.count_slots(QUEUE, NOW + 599, RULES) == 2
    assert ledger.count_slots("digest/Contact", NOW, RULES) == 3
    assert ledger.count_slots(QUEUE, NOW + 600, RULES) == 3


def test_only_slot_is_never_removed():
    ledger = Ledger(reduced={QUEUE: NOW + 600})

    assert ledger.count_slots(QUEUE, NOW, LimiterSettings(slots=1)) == 1


def test_dead_holder_loses_its_slots_and_a_late_release_changes_nothing():
    ledger = Ledger(alive={"dead": NOW + 30, "us": NOW + HOUR})
    ledger.acquire(QUEUE, request(), "dead", NOW)
    ledger.acquire(QUEUE, request(), "us", NOW)

    ledger.expire(NOW + 30)

    assert not ledger.set_held("dead", {})
    assert ledger.in_flight(QUEUE) == 1


def test_what_a_holder_says_it_has_counts():
    ledger = Ledger(alive={"us": NOW + 30, "them": NOW + 30})
    for holder in ("us", "us", "them"):
        ledger.acquire(QUEUE, request(), holder, NOW)

    assert ledger.set_held("us", {QUEUE: {"1": 1}, "digest/Contact": {"2": 1}})
    assert not ledger.set_held("us", {QUEUE: {"1": 1}, "digest/Contact": {"2": 1}})
    assert ledger.in_flight(QUEUE) == 2
    assert ledger.in_flight("digest/Contact", "2") == 1

    assert ledger.set_held("us", {})
    assert ledger.lanes == {QUEUE: {"them": {"1": 1}}}


def test_buried_holder_holds_nothing_and_waits_for_nothing():
    ledger = Ledger(alive={"us": NOW + 30, "dead": NOW + 30})
    ledger.acquire(QUEUE, request(), "dead", NOW)
    ledger.waiting[QUEUE] = {"dead": (0, NOW, "1", NOW + 2)}

    ledger.expire_holder("dead", NOW)

    assert (ledger.alive, ledger.lanes, ledger.waiting) == ({"us": NOW + 30}, {}, {})


def test_queue_that_nobody_uses_is_forgotten():
    ledger = Ledger()
    spend(ledger, 2)
    ledger.expire(NOW)

    assert ledger.lanes == {}


def test_slot_is_reserved_for_a_process_that_goes_first():
    ledger = Ledger(alive={"us": NOW + HOUR})
    for _ in range(2):
        ledger.acquire(QUEUE, request(), "us", NOW)
    ledger.waiting[QUEUE] = {"them": (0, NOW, "2", NOW + 2)}

    assert ledger.slots_short(QUEUE, request(since=NOW + 1), "us", NOW, RULES)
    assert ledger.slots_short(
        QUEUE, request(priority=Priority.BULK, since=NOW - 1), "us", NOW, RULES
    )
    ledger.expire(NOW + 2)
    assert not ledger.slots_short(QUEUE, request(since=NOW + 1), "us", NOW, RULES)


def test_bulk_that_waits_elsewhere_holds_up_no_interactive_call():
    ledger = Ledger(alive={"us": NOW + HOUR})
    for _ in range(2):
        ledger.acquire(QUEUE, request(), "us", NOW)
    ledger.waiting[QUEUE] = {"them": (2, NOW - 60, "2", NOW + 2)}

    assert not ledger.slots_short(QUEUE, request(), "us", NOW, RULES)


def test_instance_alone_may_use_all_of_the_budget():
    ledger = Ledger(threshold=100)
    spend(ledger, 94)

    assert ledger.budget_free_at(request(), NOW) is None


def test_instance_beside_others_leaves_them_a_fifth():
    ledger = Ledger(threshold=100)
    spend(ledger, 76, instance=1)
    spend(ledger, 1, instance=2)

    assert ledger.budget_free_at(request(1), NOW) is not None
    assert ledger.budget_free_at(request(2), NOW) is None


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.sampled_from(list(Priority)),
            st.sampled_from(["take", "give", "minute"]),
        ),
        max_size=120,
    )
)
def test_no_order_of_calls_passes_a_limit(steps):
    ledger, now, held = Ledger(threshold=20, alive={"us": NOW + HOUR}), NOW, []
    for instance, priority, step in steps:
        wanted = request(instance, priority, now)
        if step == "minute":
            now += 60
            ledger.alive["us"] = now + HOUR
            ledger.expire(now)
        elif step == "give" and held:
            held.pop()
            ledger.set_held("us", {QUEUE: dict(Counter(held))} if held else {})
        elif ledger.budget_free_at(wanted, now) is None and not ledger.slots_short(
            QUEUE, wanted, "us", now, RULES
        ):
            ledger.acquire(QUEUE, wanted, "us", now)
            held.append(wanted.instance)
            assert ledger.ours() <= (12 if priority > 0 else 19)
        assert ledger.in_flight(QUEUE) == len(held) <= 3
