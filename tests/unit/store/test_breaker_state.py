"""A circuit breaker opens after failures in a row, each time for longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.store.rate_limit.breaker_rows import (
    FIRST_PAUSE_S,
    MAX_FAILURES,
    MAX_PAUSE_S,
    BreakerState,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def fail(state, times=1, *, at=NOW, saying=None):
    for _ in range(times):
        state = state.failed(at, saying)
    return state


def pause(state):
    return (state.open_until - NOW).total_seconds()


def test_few_failures_open_nothing():
    state = fail(BreakerState.healthy(NOW), MAX_FAILURES - 1)

    assert not state.is_open
    assert pause(state) == 0


def test_failures_in_a_row_open_it():
    state = fail(BreakerState.healthy(NOW), MAX_FAILURES)

    assert state.is_open
    assert pause(state) == FIRST_PAUSE_S


def test_late_failures_of_calls_under_way_do_not_lengthen_the_pause():
    state = fail(BreakerState.healthy(NOW), MAX_FAILURES + 5)

    assert pause(state) == FIRST_PAUSE_S


def test_probe_that_fails_doubles_the_pause_up_to_a_minute():
    state, at, pauses = fail(BreakerState.healthy(NOW), MAX_FAILURES), NOW, []
    for _ in range(6):
        pauses.append((state.open_until - at).total_seconds())
        at = state.open_until
        state = state.failed(at, None)

    assert pauses == [5, 10, 20, 40, MAX_PAUSE_S, MAX_PAUSE_S]


def test_probe_that_fails_before_its_pause_is_over_opens_it_again():
    state = fail(BreakerState.healthy(NOW), MAX_FAILURES)
    probing = replace(
        state, probing=True, open_until=NOW + timedelta(seconds=FIRST_PAUSE_S * 2)
    )

    again = probing.failed(NOW + timedelta(seconds=6), None)

    assert not again.probing
    assert pause(again) == 6 + FIRST_PAUSE_S * 2


def test_last_words_of_a_host_are_kept_and_no_more_than_2000_characters():
    state = fail(BreakerState.healthy(NOW), saying="Down for maintenance")
    assert fail(state).provider_message == "Down for maintenance"

    assert fail(state, saying="x" * 9999).provider_message == "x" * 2000
