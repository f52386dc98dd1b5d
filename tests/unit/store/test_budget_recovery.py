"""How long a budget that was used up is believed to be."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from bridge.interfaces import Caller, Outcome, Priority, Usage
from bridge.store.rate_limit.budget_messages import explain_refusal
from bridge.store.rate_limit.ledger import ASSUMED_S, Ledger, SlotRequest

NOW = 1_800_000_000.0  # 08:00:00 UTC
HOUR = 3600.0
QUEUE = "digest/Account"
RELEASE_0_1_0 = {
    "calls",
    "lanes",
    "waiting",
    "alive",
    "reduced",
    "threshold",
    "theirs",
    "read_at",
    "reading_claimed_at",
    "since_reading",
}
"""The members of a stored ledger that releases 0.1.0 and 0.2.0 can read."""


def request(priority=Priority.INTERACTIVE, *, usage_reading=False) -> SlotRequest:
    return SlotRequest.of(Caller(1, priority), NOW, usage_reading=usage_reading)


def spend(ledger, calls, now=NOW):
    ledger.alive["us"] = now + HOUR * 3
    for _ in range(calls):
        ledger.acquire(QUEUE, request(), "us", now)
        ledger.set_held("us", {})


def refused_by_vendor() -> Ledger:
    ledger = Ledger()
    spend(ledger, 3)
    ledger.apply_outcome(QUEUE, Outcome.QUOTA, NOW)
    return ledger


def test_refusal_for_quota_stops_all_calls_but_the_reading():
    ledger = refused_by_vendor()

    for priority in Priority:
        assert ledger.budget_free_at(request(priority), NOW) == NOW
    assert ledger.budget_free_at(request(usage_reading=True), NOW) is None


def test_refusal_for_quota_is_not_a_reading():
    ledger = refused_by_vendor()

    assert ledger.others(NOW) is None
    assert ledger.quota_refused_at(NOW) == NOW


def test_refusal_for_quota_counts_for_three_minutes_when_no_reading_succeeds():
    ledger = refused_by_vendor()

    assert ledger.budget_free_at(request(), NOW + ASSUMED_S - 1) is not None
    assert ledger.budget_free_at(request(), NOW + ASSUMED_S) is None


def test_reading_ends_what_a_refusal_made_assume():
    ledger = refused_by_vendor()
    ledger.report_usage(Usage(10_000, 60, 11), NOW + 5)

    assert ledger.quota_refused_at(NOW + 5) is None
    assert all(
        ledger.budget_free_at(request(each), NOW + 5) is None for each in Priority
    )


def test_refused_calls_have_the_count_read_once_in_a_minute():
    ledger = refused_by_vendor()

    assert ledger.claim_reading(request(), NOW, refused=True)
    assert not ledger.claim_reading(request(Priority.BULK), NOW + 59, refused=True)
    assert ledger.claim_reading(request(Priority.BULK), NOW + 60, refused=True)


def test_answer_of_a_reading_is_awaited_for_fifteen_seconds():
    ledger = refused_by_vendor()
    ledger.claim_reading(request(), NOW + 1, refused=True)

    assert ledger.is_being_read(NOW + 15)
    assert not ledger.is_being_read(NOW + 16)
    ledger.apply_outcome(QUEUE, Outcome.QUOTA, NOW + 2)
    assert not ledger.is_being_read(NOW + 3)


def test_old_reading_of_others_is_read_again_within_the_minute():
    ledger = Ledger()
    ledger.report_usage(Usage(10_000, 60, 9_900), NOW)

    assert ledger.budget_free_at(request(), NOW + 5) == NOW + 60
    assert ledger.budget_free_at(request(), NOW + 1800) == NOW + 1800
    assert ledger.claim_reading(request(), NOW + 1800, refused=True)


def test_our_calls_that_the_vendor_did_not_count_are_forgotten_the_oldest_first():
    ledger = Ledger(threshold=100)
    spend(ledger, 50, now=NOW - 120)
    spend(ledger, 45, now=NOW)
    assert ledger.budget_free_at(request(), NOW) is not None

    ledger.report_usage(Usage(100, 60, 11), NOW)

    assert (ledger.ours(), ledger.others(NOW)) == (11, 0)
    assert list(ledger.calls) == [str(int(NOW // 60))]
    assert ledger.budget_free_at(request(), NOW) is None


def test_row_has_no_member_that_an_older_release_refuses():
    assert json.loads(refused_by_vendor().to_json()).keys() == RELEASE_0_1_0


def test_member_of_a_later_release_is_left_out():
    row = json.loads(refused_by_vendor().to_json()) | {"of_a_later_release": 1}

    assert Ledger.from_json(json.dumps(row)).to_json() == refused_by_vendor().to_json()


def test_assumption_that_an_older_release_wrote_as_a_reading_is_read_again():
    ledger = Ledger(theirs=9_997, read_at=NOW, reading_claimed_at=NOW - 700)
    spend(ledger, 3)

    assert ledger.budget_free_at(request(), NOW + 1) is not None
    assert ledger.claim_reading(request(), NOW + 1, refused=True)


def test_message_promises_only_what_is_known():
    ours, mixed, others = (Ledger(threshold=100) for _ in range(3))
    spend(ours, 95)
    ours.report_usage(Usage(100, 60, 95), NOW)
    spend(mixed, 40)
    mixed.report_usage(Usage(100, 60, 99), NOW)
    others.report_usage(Usage(100, 60, 100), NOW)
    refused = refused_by_vendor()
    refused.reading_claimed_at = NOW - 0.5

    own = explain_refusal(ours, request(), NOW + 1)
    assert "free again at 09:01 UTC" in own
    assert "read again" not in own
    both = explain_refusal(mixed, request(), NOW + 1)
    assert "free again at 09:01 UTC" in both
    assert "count of 08:00:00 UTC; Autotask's count is read again" in both
    for ledger, again in ((others, "08:01:00"), (refused, "08:01:00")):
        text = explain_refusal(ledger, request(), NOW + 1)
        assert "free again at" not in text
        assert "not known" in text
        assert f"read again with the first call after {again} UTC" in text


USED = st.one_of(st.integers(0, 120), st.just(100), st.just(60), st.just(95))


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 90), USED, st.sampled_from(list(Priority)), st.booleans()
        ),
        max_size=60,
    )
)
def test_no_call_is_refused_longer_than_a_minute_after_the_vendor_is_free(steps):
    """Every refusal rests on an answer of the vendor that is less than a minute old.

    Steps: seconds that pass, the vendor's count, who calls, and whether that call was
    in flight long enough to be the one that the vendor refuses.
    """
    ledger, now, bad_at, promise = Ledger(threshold=100), NOW, -math.inf, None
    for pause_s, used, priority, in_flight in steps:
        now += pause_s
        ledger.expire(now)
        wanted = request(priority)
        limit = ledger.limit(wanted)
        if in_flight and used >= 100:
            ledger.apply_outcome(QUEUE, Outcome.QUOTA, now)
            bad_at, promise = now, None
        refused = ledger.budget_free_at(wanted, now) is not None
        if ledger.claim_reading(wanted, now, refused=refused):
            promise = None
            if used >= 100:
                ledger.apply_outcome("", Outcome.QUOTA, now)
            else:
                ledger.report_usage(Usage(100, 60, used), now)
            if used >= limit:
                bad_at = now
        if ledger.budget_free_at(wanted, now) is None:
            continue
        again_at = ledger.read_again_at(now)
        assert now < again_at <= now + 60
        assert promise in (None, again_at)
        promise = again_at
        if priority is Priority.INTERACTIVE:
            assert now - bad_at < 60 or used >= limit
