"""A breaker opens after failures in a row, and tries again by itself."""

from __future__ import annotations

import pytest

from bridge.interfaces import Outcome
from bridge.store.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breakers

HOST = "webservices3.example"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breakers(clock):
    return Breakers(clock)


def fail(breakers, times=1):
    for _ in range(times):
        breakers.note(HOST, Outcome.UNREACHABLE)


def test_few_failures_change_nothing(breakers):
    fail(breakers, FAILURES - 1)

    assert breakers.admit(HOST) is None
    assert breakers.open_for(HOST) is None


@pytest.mark.parametrize(
    "outcome", [each for each in Outcome if each is not Outcome.UNREACHABLE]
)
def test_any_answer_of_the_host_begins_the_count_anew(breakers, outcome):
    fail(breakers, FAILURES - 1)
    breakers.note(HOST, outcome)
    fail(breakers, FAILURES - 1)

    assert breakers.admit(HOST) is None


def test_failures_in_a_row_open_it_for_one_host_only(breakers):
    fail(breakers, FAILURES)

    assert breakers.admit(HOST) == FIRST_PAUSE_S
    assert breakers.admit("another.example") is None


def test_one_probe_passes_when_the_pause_is_over(breakers, clock):
    fail(breakers, FAILURES)
    clock.now += FIRST_PAUSE_S

    assert breakers.admit(HOST) is None
    assert breakers.admit(HOST) == FIRST_PAUSE_S


def test_probe_that_succeeds_closes_it(breakers, clock):
    fail(breakers, FAILURES)
    clock.now += FIRST_PAUSE_S
    breakers.admit(HOST)
    breakers.note(HOST, Outcome.ANSWERED)

    assert breakers.admit(HOST) is None
    assert breakers.open_for(HOST) is None


def test_probe_that_fails_doubles_the_pause_up_to_a_minute(breakers, clock):
    fail(breakers, FAILURES)
    pauses = []
    for _ in range(6):
        pauses.append(breakers.open_for(HOST))
        clock.now += pauses[-1]
        assert breakers.admit(HOST) is None
        fail(breakers)

    assert pauses == [5, 10, 20, 40, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_late_failures_of_calls_under_way_do_not_lengthen_the_pause(breakers):
    fail(breakers, FAILURES + 5)

    assert breakers.open_for(HOST) == FIRST_PAUSE_S
