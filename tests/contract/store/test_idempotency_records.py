"""An intent has one holder, and says what became of its write."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from bridge.errors import NotFoundError
from bridge.store.abandoned_creates import abandon
from bridge.store.database.sql import read_clock
from bridge.store.idempotency_records import (
    CreateRequest,
    Result,
    State,
    acquire,
    find_concurrent,
    finish,
    mark_unknown,
    read,
    resend,
)
from bridge.store.instances import remove_instance
from bridge.store.models import write_intents

WINDOW_S = 600

expires_at = write_intents.c.expires_at
leased_until = write_intents.c.leased_until


@pytest.fixture
def wanted(instance):
    return CreateRequest(
        instance_id=instance.id,
        tenant="tenant",
        entity="Contact",
        scope="a key",
        body="a body",
        keyed=True,
    )


@pytest.fixture
def unkeyed(wanted):
    return replace(wanted, scope=wanted.body, keyed=False)


@pytest.fixture
def take(db):
    def take(wanted, holder="first", *, lease_s=30.0, window_s=WINDOW_S):
        return acquire(db, wanted, holder=holder, lease_s=lease_s, window_s=window_s)

    return take


def shorten(db, by_s):
    """Let all leases end so much earlier."""
    with db.begin() as connection:
        held = connection.execute(select(write_intents.c.id, leased_until)).all()
        for intent_id, until in held:
            earlier = {"leased_until": until - timedelta(seconds=by_s)}
            row = update(write_intents).where(write_intents.c.id == intent_id)
            connection.execute(row.values(earlier))


def stored(db):
    with db.read() as connection:
        return connection.execute(text("SELECT * FROM write_intents")).all()


def test_first_caller_carries_out_and_the_second_waits(take, wanted):
    first, second = take(wanted), take(wanted, "second")

    assert (first.owned, first.state) == (True, State.RUNNING)
    assert (second.owned, second.state) == (False, State.RUNNING)
    assert second.id == first.id


def test_response_is_replayed_by_its_key(db, take, wanted):
    intent = take(wanted)
    assert finish(db, intent.id, "first", Result("said", 7, lifetime_s=60))

    again = take(wanted, "second")

    assert (again.state, again.answer, again.owned) == (State.DONE, "said", False)


def test_response_without_a_lifetime_frees_its_key(db, take, wanted):
    intent = take(wanted)
    finish(db, intent.id, "first", Result("said"))

    assert take(wanted, "second").owned


def test_response_is_replayed_no_longer_than_its_lifetime(db, take, wanted):
    intent = take(wanted)
    finish(db, intent.id, "first", Result("said", lifetime_s=0.05))
    time.sleep(0.06)

    again = take(wanted, "second")

    assert again.owned
    assert again.id != intent.id


def test_waiting_caller_gets_the_response_that_is_not_replayed(db, take, unkeyed):
    intent = take(unkeyed)
    waiting = take(unkeyed, "second")
    finish(db, intent.id, "first", Result("said", 7))

    assert read(db, waiting.id, unkeyed).answer == "said"
    assert take(unkeyed, "third").id != intent.id


def test_response_without_a_waiting_caller_is_not_stored(db, take, unkeyed):
    intent = take(unkeyed)
    finish(db, intent.id, "first", Result("said", 7))

    assert read(db, intent.id, unkeyed).answer is None


def test_another_body_of_the_same_key_is_detected(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")

    other = take(replace(wanted, body="another"), "second")

    assert not other.same_body
    assert not other.owned
    assert take(wanted, "third").owned


def test_an_unknown_outcome_is_one_callers_to_resolve(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")

    second, third = take(wanted, "second"), take(wanted, "third")

    assert (second.owned, second.state) == (True, State.UNKNOWN)
    assert second.answer == "lost"
    assert (third.owned, third.state) == (False, State.RUNNING)


def test_outcome_of_a_silent_holder_is_unknown_since_its_lease_ended(db, take, wanted):
    intent = take(wanted, lease_s=30)
    waiting = take(wanted, "second")
    shorten(db, 29.95)
    time.sleep(0.06)

    seen = read(db, waiting.id, wanted)
    again = take(wanted, "third")

    assert seen.state is again.state is State.UNKNOWN
    assert again.owned
    age_s = (again.unknown_since - intent.now).total_seconds()
    assert age_s == pytest.approx(0.05, abs=0.001)


def test_outcome_of_a_dead_holder_is_unknown_at_once(db, take, wanted, dead_holder):
    intent = take(wanted, dead_holder)

    assert read(db, intent.id, wanted).state is State.UNKNOWN
    second, third = take(wanted, "second"), take(wanted, "third")
    assert (second.owned, second.state) == (True, State.UNKNOWN)
    assert second.unknown_since == second.now
    assert (third.owned, third.state) == (False, State.RUNNING)


def test_a_silent_resolver_does_not_make_the_outcome_younger(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")
    since = take(wanted, "second", lease_s=0.05).unknown_since
    time.sleep(0.06)

    assert take(wanted, "third").unknown_since == since


def test_what_is_suspended_again_stays_unknown_since_the_first_time(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")
    since = take(wanted, "second").unknown_since
    mark_unknown(db, intent.id, "second", "still lost")

    assert take(wanted, "third").unknown_since == since


@pytest.mark.parametrize("dead", [True, False])
def test_unknown_outcome_without_a_key_is_dropped_after_the_window(
    db, take, unkeyed, dead
):
    intent = take(unkeyed, lease_s=0.01)
    if not dead:
        mark_unknown(db, intent.id, "first", "lost")
    time.sleep(0.08)

    again = take(unkeyed, "second", window_s=0.05)

    assert again.id != intent.id
    assert again.state is State.RUNNING
    assert len(stored(db)) == 2


def test_unknown_outcome_with_a_key_is_found_after_the_window(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")
    time.sleep(0.06)

    assert take(wanted, "second", window_s=0.05).id == intent.id


@pytest.mark.parametrize(("keyed", "days"), [(True, 30), (False, 1)])
@pytest.mark.parametrize("state", ["orphaned", "unknown", "resolving", "resent"])
def test_record_without_a_final_state_expires(
    db, take, wanted, unkeyed, keyed, days, state
):
    one = wanted if keyed else unkeyed
    intent = take(one)
    if state != "orphaned":
        mark_unknown(db, intent.id, "first", "lost")
    if state in {"resolving", "resent"}:
        take(one, "second")
    if state == "resent":
        resend(db, intent.id, "second", one, lease_s=30)

    with db.read() as connection:
        left = connection.execute(select(expires_at)).scalar_one() - read_clock(
            connection
        )
    assert timedelta(days=days) - timedelta(minutes=1) < left
    assert left < timedelta(days=days) + timedelta(minutes=1)


def test_a_key_whose_row_has_expired_is_a_new_create(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")
    with db.begin() as connection:
        long_ago = read_clock(connection) - timedelta(seconds=1)
        connection.execute(update(write_intents).values(expires_at=long_ago))

    again = take(wanted, "second")

    assert (again.owned, again.state) == (True, State.RUNNING)
    assert [row.id for row in stored(db)] == [again.id]


def test_create_that_was_not_applied_runs_again(db, take, wanted):
    intent = take(wanted)
    mark_unknown(db, intent.id, "first", "lost")
    take(wanted, "second")

    assert not resend(db, intent.id, "first", wanted, lease_s=30)
    assert resend(db, intent.id, "second", wanted, lease_s=30)

    running = read(db, intent.id, wanted)
    assert running.state is State.RUNNING
    assert running.sent_at > intent.sent_at


def test_former_holder_does_not_finish_a_record(db, take, wanted):
    intent = take(wanted, lease_s=0.01)
    time.sleep(0.02)
    take(wanted, "second")
    finish(db, intent.id, "first", Result("late", 7, lifetime_s=60))
    mark_unknown(db, intent.id, "first", "late")

    assert read(db, intent.id, wanted).state is State.RUNNING


def test_vendor_record_belongs_to_one_create(db, take, wanted):
    first, second = take(wanted), take(replace(wanted, scope="another"), "second")

    assert finish(db, first.id, "first", Result("said", 7, lifetime_s=60))
    assert not finish(db, second.id, "second", Result("said", 7, lifetime_s=60))

    assert read(db, second.id, wanted).state is State.RUNNING
    others = find_concurrent(db, second.id, wanted, [6, 7, 8])
    assert others.record_ids == {7}
    assert find_concurrent(db, first.id, wanted, [7]).record_ids == set()
    assert find_concurrent(db, second.id, wanted, []).record_ids == set()


def test_the_highest_record_known_is_the_floor_of_the_next(db, take, wanted):
    for scope, record_id in (("a", 2**40), ("b", 5)):
        intent = take(replace(wanted, scope=scope))
        finish(db, intent.id, "first", Result("said", record_id))

    assert intent.floor_id == 2**40
    assert take(wanted).floor_id == 2**40
    other = replace(wanted, scope="c", entity="Account")
    assert take(other).floor_id is None


def test_holder_that_resolves_is_not_sending(db, take, wanted):
    other = take(replace(wanted, scope="another"))
    intent = take(wanted, "second")

    assert find_concurrent(db, intent.id, wanted, []).sending
    mark_unknown(db, other.id, "first", "lost")
    take(replace(wanted, scope="another"), "third")
    assert not find_concurrent(db, intent.id, wanted, []).sending


def test_dead_holder_is_not_sending(db, take, wanted, dead_holder):
    intent = take(wanted)
    take(replace(wanted, scope="another"), dead_holder)
    take(replace(wanted, scope="a third", entity="Account"), "second")

    assert not find_concurrent(db, intent.id, wanted, []).sending
    take(replace(wanted, scope="a fourth"), "second")
    assert find_concurrent(db, intent.id, wanted, []).sending


def test_one_of_many_threads_owns_a_record(take, wanted):
    with ThreadPoolExecutor(16) as threads:
        seen = list(threads.map(lambda n: take(wanted, str(n)), range(16)))

    assert sum(intent.owned for intent in seen) == 1
    assert len({intent.id for intent in seen}) == 1


def test_expired_records_are_deleted(db, take, wanted):
    intent = take(wanted)
    finish(db, intent.id, "first", Result("said", lifetime_s=0.01))
    time.sleep(0.02)

    take(replace(wanted, scope="another"))

    assert len(stored(db)) == 1


def test_bodies_and_responses_are_not_stored_in_clear_text(db, take, wanted):
    secret = replace(wanted, scope="hush-scope", body="hush-body")
    intent = take(secret)
    finish(db, intent.id, "first", Result("hush-answer", lifetime_s=60))

    assert "hush" not in str(stored(db))
    assert "hush" not in repr(secret) + repr(take(secret)) + repr(Result("hush"))


def test_records_are_deleted_with_their_instance(db, take, wanted):
    intent = take(wanted)
    remove_instance(db, wanted.instance_id)

    assert stored(db) == []
    with pytest.raises(NotFoundError):
        read(db, intent.id, wanted)
    with pytest.raises(NotFoundError):
        take(wanted)


def test_abandoned_record_leaves_a_new_create(db, wanted, take):
    first = take(wanted)
    take(wanted, "waits")

    abandon(db, "first", "not sent")

    seen = read(db, first.id, wanted)
    assert (seen.state, seen.answer) == (State.DONE, "not sent")
    second = take(wanted, "second")
    assert (second.state, second.owned) == (State.RUNNING, True)
    assert second.id != first.id


def test_abandoned_record_with_an_unknown_outcome_stays_unknown(db, wanted, take):
    first = take(wanted)
    mark_unknown(db, first.id, "first", "unknown")
    since = take(wanted, "second").unknown_since

    abandon(db, "second", "not sent")

    third = take(wanted, "third")
    assert (third.id, third.state, third.owned) == (first.id, State.UNKNOWN, True)
    assert third.unknown_since == since


def test_record_of_another_holder_is_not_abandoned(db, wanted, take):
    first = take(wanted)

    abandon(db, "second", "not sent")

    assert read(db, first.id, wanted).state is State.RUNNING
