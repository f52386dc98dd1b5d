"""What was noted while a clock was ahead does not hold until that time comes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from bridge import composition
from bridge.interfaces import Caller, Outcome, Priority, Usage
from bridge.settings import Settings
from bridge.store.models import vendor_hosts
from bridge.store.rate_limit import breaker_rows
from bridge.store.rate_limit.breaker_rows import (
    FIRST_PAUSE_S,
    MAX_FAILURES,
    BreakerState,
)
from bridge.store.rate_limit.ledger import Ledger, LimiterSettings, SlotRequest

NOW = 1_800_000_000.0
DAY = 86_400.0
AHEAD = NOW + DAY
QUEUE = "digest/Account"
RULES = LimiterSettings(slots=3)


def request(instance=1, now=NOW) -> SlotRequest:
    return SlotRequest.of(
        Caller(instance, Priority.INTERACTIVE), now, usage_reading=False
    )


def at(ledger, now=NOW) -> Ledger:
    """Return the ledger as another process reads it at a time."""
    again = Ledger.from_json(ledger.to_json())
    again.expire(now)
    return again


def test_refusal_for_quota_ends_with_the_clock():
    ledger = Ledger()
    ledger.apply_outcome(QUEUE, Outcome.QUOTA, AHEAD)
    assert at(ledger, AHEAD).budget_free_at(request(), AHEAD) is not None

    assert at(ledger).quota_refused_at(NOW) is None
    assert at(ledger).budget_free_at(request(), NOW) is None


def test_reduced_slots_are_restored():
    ledger = Ledger()
    ledger.apply_outcome(QUEUE, Outcome.THREAD_LIMIT, AHEAD)

    assert at(ledger).count_slots(QUEUE, NOW, RULES) == 3


def test_count_is_read_again_in_time():
    ledger = Ledger(threshold=10)
    ledger.report_usage(Usage(10, 60, 10), AHEAD)
    again = at(ledger)

    assert again.others(NOW) is None
    assert again.read_again_at(NOW) == NOW
    assert not again.is_being_read(NOW)
    assert again.claim_reading(request(), NOW, refused=True)


def test_slots_and_waiting_calls_of_a_dead_process_are_released():
    ledger = Ledger(alive={"dead": AHEAD + RULES.lease_s})
    for _ in range(3):
        ledger.acquire(QUEUE, request(), "dead", AHEAD)
    ledger.waiting[QUEUE] = {"dead": (-1, NOW, "2", AHEAD + 2)}

    again = at(ledger)

    assert again.slots_short(QUEUE, request(2), "us", NOW, RULES) == 0
    assert (again.alive, again.lanes, again.waiting) == ({}, {}, {})


def test_calls_count_for_an_hour_from_now_on():
    ledger = Ledger(threshold=100)
    for _ in range(5):
        ledger.acquire(QUEUE, request(1), "us", AHEAD)
    ledger.acquire(QUEUE, request(2), "us", AHEAD + 60)
    ledger.acquire(QUEUE, request(2), "us", NOW)

    again = at(ledger)

    assert again.calls == {str(int(NOW // 60)): {"1": 5, "2": 2}}
    assert at(again, NOW + 3600 + 60).ours() == 0


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_clocks_that_differ_a_little_lose_nothing(ahead):
    then = NOW + ahead
    ledger = Ledger(alive={"us": then + 3600})
    ledger.acquire(QUEUE, request(now=then), "us", then)
    ledger.waiting[QUEUE] = {"us": (0, then, "1", then + 2)}
    ledger.report_usage(Usage(500, 60, 40), then)
    ledger.apply_outcome(QUEUE, Outcome.QUOTA, then)
    ledger.apply_outcome(QUEUE, Outcome.THREAD_LIMIT, then)

    assert at(ledger).to_json() == ledger.to_json()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, postgresql_schema):
    settings = Settings(data_dir=tmp_path)
    if request.param == "sqlite":
        with closing(composition.open_database(settings)) as opened:
            opened.upgrade()
            yield opened
        return
    with postgresql_schema() as url:
        settings = Settings(data_dir=tmp_path, database_url=url)
        with closing(composition.open_database(settings)) as opened:
            opened.upgrade()
            yield opened


def test_a_host_whose_breaker_opened_ahead_is_tried_once(database):
    ahead = datetime.now(UTC) + timedelta(days=1)
    state = BreakerState.healthy(ahead)
    for _ in range(MAX_FAILURES):
        state = state.failed(ahead, None)
    with database.begin() as connection:
        connection.execute(
            insert(vendor_hosts), {"host": "h", **breaker_rows._row(state)}
        )

    found, now = breaker_rows.read_breaker(database, "h")
    assert not found.is_paused(now)
    assert breaker_rows.claim_probe(database, "h", found.pause_s)
    assert not breaker_rows.claim_probe(database, "h", found.pause_s)
    probing, now = breaker_rows.read_breaker(database, "h")
    assert probing.is_paused(now)


def test_a_failure_after_the_clock_was_set_back_opens_the_breaker_from_then_on():
    now = datetime.now(UTC)
    ahead = now + timedelta(days=1)
    state = replace(
        BreakerState.healthy(ahead), failures=MAX_FAILURES, pause_s=0, open_until=ahead
    )

    assert state.failed(now, None).open_until == now + timedelta(seconds=FIRST_PAUSE_S)
