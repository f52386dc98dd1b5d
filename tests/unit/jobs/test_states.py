"""The last piece of a job is found by few reads, however often the job has waited."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from dbos import PortableWorkflowError
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, ProviderTimeoutError
from bridge.interfaces import JobStatus
from bridge.jobs.pieces import CONTINUED, MAX_PIECES
from bridge.jobs.states import find_job, find_last_piece
from bridge.jobs.stored_errors import StoredError, restore
from bridge.jobs.tasks import Task, workflow_id

TASK = Task("walk")


class Rows:
    """The rows of one job with so many pieces, the last of which has this result."""

    def __init__(self, key, count, result=None):
        ids = [workflow_id(TASK, key, number) for number in range(1, count + 1)]
        self.outputs = {one: {CONTINUED: n} for n, one in enumerate(ids, 2)}
        if ids:
            self.outputs[ids[-1]] = result
        self.reads = 0

    def __call__(self, *, workflow_ids, load_input, load_output):
        assert not load_input
        self.reads += 1
        return [
            SimpleNamespace(
                workflow_id=one,
                status="SUCCESS",
                output=self.outputs[one] if load_output else None,
            )
            for one in workflow_ids
            if one in self.outputs
        ]


@given(st.integers(0, MAX_PIECES), st.text())
def test_last_piece_is_found_in_two_reads(count, key):
    rows = Rows(key, count)

    assert find_last_piece(rows, TASK, key) == count
    assert rows.reads <= 2


@given(st.integers(1, 100), st.text())
def test_result_is_that_of_the_last_piece(count, key):
    state = find_job(Rows(key, count, {"rows": count}), TASK, key)

    assert state.status is JobStatus.SUCCEEDED
    assert state.result == {"rows": count}


def test_piece_that_begins_after_the_search_is_found():
    rows = Rows("key", 3, "done")
    started = rows.outputs.pop("walk 3:key")

    def late_rows(*, load_output, **query):
        if load_output:
            rows.outputs["walk 3:key"] = started
        return rows(load_output=load_output, **query)

    assert find_job(late_rows, TASK, "key").result == "done"


def test_unknown_job_has_no_state():
    assert find_job(Rows("other", 3), TASK, "key") is None


@given(st.text(), st.text(), st.integers(1, 9), st.integers(1, 9))
def test_pieces_of_different_jobs_have_different_ids(key, other, piece, number):
    same = (key, piece) == (other, number)

    assert (workflow_id(TASK, key, piece) == workflow_id(TASK, other, number)) is same


def test_error_stored_by_an_older_release_keeps_its_class():
    error = restore(PortableWorkflowError("It timed out.", "ProviderTimeoutError"))

    assert type(error) is ProviderTimeoutError
    assert error.message == "It timed out."


@pytest.mark.parametrize("name", ["ValueError", "object", "re", "StoredErrors"])
def test_other_error_is_not_ours(name):
    assert restore(PortableWorkflowError("Something", name, data={"error": 1})) is None
    assert restore(ValueError("Something")) is None


def test_error_of_this_run_and_of_a_stored_one_are_alike():
    raised = StoredError(ProviderTimeoutError("Late.", provider_message="Zzz"))
    stored = PortableWorkflowError(str(raised), "StoredError", data=raised.data)

    for error in (restore(raised), restore(stored)):
        assert isinstance(error, BridgeError)
        assert (type(error), error.message, error.provider_message) == (
            ProviderTimeoutError,
            "Late.",
            "Zzz",
        )
