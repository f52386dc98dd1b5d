"""A host's breaker opens after failures in a row, and for longer each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.store.rate_limit.hosts import (
    FAILURES,
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    BreakerState,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def fail(trouble, times=1, *, at=NOW, saying=None):
    for _ in range(times):
        trouble = trouble.failed(at, saying)
    return trouble


def pause(trouble):
    return (trouble.left_until - NOW).total_seconds()


def test_few_failures_open_nothing():
    trouble = fail(BreakerState.none(NOW), FAILURES - 1)

    assert not trouble.is_open
    assert pause(trouble) == 0


def test_failures_in_a_row_open_it():
    trouble = fail(BreakerState.none(NOW), FAILURES)

    assert trouble.is_open
    assert pause(trouble) == FIRST_PAUSE_S


def test_late_failures_of_calls_under_way_do_not_lengthen_the_pause():
    trouble = fail(BreakerState.none(NOW), FAILURES + 5)

    assert pause(trouble) == FIRST_PAUSE_S


def test_probe_that_fails_doubles_the_pause_up_to_a_minute():
    trouble, at, pauses = fail(BreakerState.none(NOW), FAILURES), NOW, []
    for _ in range(6):
        pauses.append((trouble.left_until - at).total_seconds())
        at = trouble.left_until
        trouble = trouble.failed(at, None)

    assert pauses == [5, 10, 20, 40, MAX_PAUSE_S, MAX_PAUSE_S]


def test_probe_that_fails_before_its_pause_is_over_opens_it_again():
    trouble = fail(BreakerState.none(NOW), FAILURES)
    probing = replace(
        trouble, probing=True, left_until=NOW + timedelta(seconds=FIRST_PAUSE_S * 2)
    )

    again = probing.failed(NOW + timedelta(seconds=6), None)

    assert not again.probing
    assert pause(again) == 6 + FIRST_PAUSE_S * 2


def test_last_words_of_a_host_are_kept_and_no_more_than_2000_characters():
    trouble = fail(BreakerState.none(NOW), saying="Down for maintenance")
    assert fail(trouble).provider_message == "Down for maintenance"

    assert fail(trouble, saying="x" * 9999).provider_message == "x" * 2000
