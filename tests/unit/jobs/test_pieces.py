"""A piece of a job gets the outcomes of the steps that earlier pieces have finished."""

from __future__ import annotations

import pytest

from bridge.errors import OperatorError
from bridge.jobs.pieces import (
    MAX_PIECES,
    Piece,
    SuspendedError,
    Workflow,
    current_piece,
    run_piece,
)
from bridge.jobs.stored_errors import StoredError
from bridge.jobs.tasks import Task


def piece(*names, attempts=0):
    outcomes = [{"step": name, "result": n} for n, name in enumerate(names)]
    return Piece(
        workflow=Workflow(Task("walk"), len),
        key="key",
        partition="-",
        number=2,
        attempts=attempts,
        outcomes=outcomes,
    )


def test_outcomes_are_returned_in_order_and_then_no_more():
    found = piece("one", "two")

    assert found.find_outcome("one")["result"] == 0
    assert found.find_outcome("two")["result"] == 1
    assert found.find_outcome("three") is None
    found.add_outcome({"step": "three", "result": 2})
    assert found.find_outcome("four") is None


def test_another_step_than_the_finished_one_ends_the_job():
    found = piece("one")

    with pytest.raises(OperatorError, match="'one' where this release has 'two'"):
        found.find_outcome("two")


def test_attempts_are_counted_for_one_step():
    found = piece("one", attempts=3)
    found.find_outcome("one")
    assert found.count_attempts() == 3

    found.add_outcome({"step": "two", "result": None})
    assert found.count_attempts() == 0


def test_steps_exist_only_in_workflows():
    with pytest.raises(LookupError):
        current_piece()


def test_step_has_no_steps_of_its_own():
    def run(_ctx, _key):
        current_piece().in_step = True
        current_piece()

    with pytest.raises(RuntimeError, match="A step cannot run steps"):
        run_piece(None, Workflow(Task("walk"), run), "key", {})


def test_job_that_has_waited_too_often_ends():
    def run(_ctx, _key):
        raise SuspendedError(1.0, attempts=0)

    workflow = Workflow(Task("walk"), run)
    with pytest.raises(StoredError, match=r"walk:key has waited 8,192 times"):
        run_piece(None, workflow, "key", {"piece": MAX_PIECES})


def test_workflow_that_fails_leaves_no_piece_behind():
    def run(_ctx, _key):
        raise OperatorError("It failed")

    with pytest.raises(StoredError, match="It failed"):
        run_piece(None, Workflow(Task("walk"), run), "key", {})
    with pytest.raises(LookupError):
        current_piece()
