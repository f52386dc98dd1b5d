"""Every way in which a call fails has its class, and no write happens unnoticed."""

from __future__ import annotations

import time

import pytest
from backend_harness import Failure
from backend_records import (
    ACCOUNT,
    CITY,
    START_TIME,
    TODO,
    account,
    mark,
    todo,
    value_of,
    with_id,
)

from bridge.errors import (
    ProviderCredentialsError,
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderThresholdError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from bridge.interfaces import Caller, RowUnknown, UpdateRow

REFUSALS = {
    Failure.CREDENTIALS: ProviderCredentialsError,
    Failure.THRESHOLD: ProviderThresholdError,
    Failure.UNREACHABLE: ProviderUnavailableError,
}
SILENCES = {
    Failure.CUT: ProviderUnavailableError,
    Failure.TIMEOUT: ProviderTimeoutError,
    Failure.NONSENSE: ProviderProtocolError,
}
LATE = (Failure.CUT_LATE, Failure.TIMEOUT_LATE)


def check_error(error, harness):
    """Check what every error must be: of one class, and without a secret."""
    assert error.message
    assert harness.password not in f"{error} {error.provider_message}"


@pytest.mark.parametrize("failure", [*REFUSALS, *SILENCES])
def test_a_read_that_fails_has_the_class_of_its_failure(harness, failure):
    expected = {**REFUSALS, **SILENCES}[failure]

    with harness.failing(failure) as failing, pytest.raises(expected) as caught:
        failing.query(ACCOUNT, None)

    assert type(caught.value) is expected
    check_error(caught.value, harness)
    assert harness.open().query(ACCOUNT, None, limit=1).entities


@pytest.mark.parametrize("failure", [*REFUSALS, *SILENCES, *LATE])
def test_a_create_that_fails_is_refused_or_unknown(harness, records, failure):
    marked = mark()
    values = records.placed(ACCOUNT, account(marked))
    expected = REFUSALS.get(failure, ProviderOutcomeUnknownError)

    with harness.failing(failure) as failing, pytest.raises(expected) as caught:
        failing.create(ACCOUNT, values)

    assert type(caught.value) is expected
    check_error(caught.value, harness)
    assert len(records.found(marked)) == (1 if failure in LATE else 0)


@pytest.mark.parametrize("failure", [*REFUSALS, *SILENCES, *LATE])
def test_an_update_that_fails_is_refused_or_unknown(harness, records, failure):
    _, (entity_id,) = records.accounts({CITY: "Albany"})
    stored = records.read(ACCOUNT, entity_id)
    changes = records.placed(ACCOUNT, {CITY: "Troy"})
    rest = records.unchanged(ACCOUNT, stored, changes)
    expected = REFUSALS.get(failure, ProviderOutcomeUnknownError)

    with harness.failing(failure) as failing, pytest.raises(expected):
        failing.update(ACCOUNT, entity_id, changes, rest)

    city = value_of(records.read(ACCOUNT, entity_id), CITY)
    assert city == ("Troy" if failure in LATE else "Albany")


@pytest.mark.parametrize("failure", [*REFUSALS, *SILENCES, *LATE])
def test_a_delete_that_fails_is_refused_or_unknown(harness, records, failure):
    entity_id = records.create(TODO, todo(mark(), START_TIME, START_TIME))
    expected = REFUSALS.get(failure, ProviderOutcomeUnknownError)

    with harness.failing(failure) as failing, pytest.raises(expected):
        failing.delete(TODO, entity_id)

    left = records.backend.query(TODO, with_id(entity_id)).entities
    assert len(left) == (0 if failure in LATE else 1)


@pytest.mark.parametrize("failure", REFUSALS)
def test_a_batch_that_fails_as_a_whole_is_an_error_and_applies_nothing(
    harness, records, failure
):
    marked, (entity_id,) = records.accounts({CITY: "Albany"})
    rows = [records.placed(ACCOUNT, account(marked)) for _ in range(3)]
    update = UpdateRow(entity_id, records.placed(ACCOUNT, {CITY: "Troy"}), {})

    with harness.failing(failure) as failing, pytest.raises(REFUSALS[failure]):
        failing.create_many(ACCOUNT, rows)
    with harness.failing(failure) as failing, pytest.raises(REFUSALS[failure]):
        failing.update_many(ACCOUNT, [update])

    assert records.found(marked) == [entity_id]
    assert value_of(records.read(ACCOUNT, entity_id), CITY) == "Albany"


@pytest.mark.parametrize("failure", [*SILENCES, *LATE])
def test_the_rows_of_a_batch_without_a_response_are_unknown(harness, records, failure):
    marked = mark()
    rows = [records.placed(ACCOUNT, account(marked)) for _ in range(3)]

    with harness.failing(failure) as failing:
        results = failing.create_many(ACCOUNT, rows)

    assert [type(result) for result in results] == [RowUnknown] * 3
    assert type(results[0].error) is ProviderOutcomeUnknownError
    check_error(results[0].error, harness)
    assert len(records.found(marked)) == (3 if failure in LATE else 0)


def test_no_call_is_made_when_the_callers_time_is_over(harness, records):
    late = harness.open(caller=Caller(deadline=time.monotonic() - 1))
    marked = mark()
    values = records.placed(ACCOUNT, account(marked))
    before = harness.calls()

    for call in (
        lambda: late.query(ACCOUNT, None),
        lambda: late.count(ACCOUNT, None, max_calls=3),
        lambda: late.create(ACCOUNT, values),
        lambda: late.create_many(ACCOUNT, [values]),
        lambda: late.update(ACCOUNT, 0, values, {}),
        lambda: late.delete(TODO, 10**8),
    ):
        with pytest.raises(ProviderTimeoutError):
            call()

    assert harness.calls() == before
    assert records.found(marked) == []


def test_a_read_ends_soon_after_the_callers_deadline(harness):
    began = time.monotonic()
    caller = Caller(deadline=began + 2)

    with (
        harness.failing(Failure.TIMEOUT, caller) as failing,
        pytest.raises(ProviderTimeoutError),
    ):
        failing.query(ACCOUNT, None)

    assert time.monotonic() - began < 20
