"""Jobs that wait, fail and have children lose no step and double none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.interfaces import JobStatus

LONG_JOBS = Path(__file__).with_name("long_jobs.py")

POINTS = (
    *(f"before {point}" for point in range(7)),
    *(f"begin {number}" for number in range(3)),
    *(f"end {number}" for number in range(3)),
)
"""Where a journey can be killed: between two of its acts, and around its effects."""

TRAVELLED = {"child": [0, 1, 2]}

SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
ALL_KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def assert_each_step_is_done_once(fleet, job):
    """Each step had its effect, and none ran again after its result was known."""
    assert fleet.effects(job) == [0, 1, 2]
    for number in range(3):
        begun = [at for step, _, at in fleet.traces(job, "begin") if step == number]
        known = [at for step, _, at in fleet.traces(job, "known") if step == number]
        assert begun[-1] < known[0]


def travel(fleet, points, workers):
    """Run a journey for each point, and replace workers as they are killed."""
    fleet.env["BRIDGE_WORKER_LEASE_S"] = "3"
    jobs = {point: f"journey {point}" for point in points}
    keys = [
        fleet.send("journey", job, point, 1.0, partition=f"db {point}")
        for point, job in jobs.items()
    ]
    for key in keys:
        while not (state := fleet.enqueue.find("journey", key)).status.ended:
            fleet.ensure(workers, program=LONG_JOBS)
        assert state.status is JobStatus.SUCCEEDED, state
        assert state.result == TRAVELLED
    for job in jobs.values():
        assert fleet.effects(f"{job} killed") == [0]
        assert_each_step_is_done_once(fleet, job)
        assert_each_step_is_done_once(fleet, f"{job} child")


@SQLITE
def test_job_killed_between_and_in_steps_does_each_step_once(fresh_fleet):
    travel(fresh_fleet, ("before 4", "end 1"), workers=2)


@pytest.mark.campaign
@ALL_KINDS
def test_job_killed_at_any_point_does_each_step_once(fresh_fleet):
    # PostgreSQL accepts a hundred connections, and other tests run beside this one.
    travel(fresh_fleet, POINTS, workers=1)


@pytest.mark.campaign
@ALL_KINDS
def test_wait_spans_a_restart_of_the_worker(long_fleet):
    worker = long_fleet.running[-1]
    key = long_fleet.send("journey", "restarted", "", 4.0)
    long_fleet.wait_for_status("journey", key, JobStatus.WAITING)

    worker.kill()
    worker.wait()
    assert long_fleet.enqueue.find("journey", key).status is JobStatus.WAITING
    assert long_fleet.effects("restarted") == [0]
    long_fleet.ensure(1, program=LONG_JOBS)
    state = long_fleet.wait_for_status("journey", key, JobStatus.SUCCEEDED)

    assert state.result == TRAVELLED
    begun = [step for step, _, _ in long_fleet.traces("restarted", "begin")]
    assert begun == [0, 1, 2]


@pytest.mark.campaign
@ALL_KINDS
def test_fifty_waiting_jobs_delay_no_other(long_fleet):
    waiting = [
        long_fleet.send("stuck", f"stuck {n}", "ProviderTimeoutError", None)
        for n in range(50)
    ]
    for key in waiting:
        long_fleet.wait_for_status("stuck", key, JobStatus.WAITING)

    # They wait for an hour: had this job to wait for one of them, it would never end.
    key = long_fleet.send("late", "not late")
    long_fleet.wait_for_status("late", key, JobStatus.SUCCEEDED)

    for key in waiting:
        assert long_fleet.enqueue.find("stuck", key).status is JobStatus.WAITING
        long_fleet.enqueue.cancel("stuck", key)
        assert long_fleet.enqueue.find("stuck", key).status is JobStatus.CANCELLED
    assert len(long_fleet.read("SELECT * FROM traces WHERE job LIKE 'stuck%'")) == 50


@pytest.mark.campaign
@ALL_KINDS
def test_delayed_job_starts_after_its_delay(long_fleet):
    key = long_fleet.send("late", "delayed", delay_s=2.0)

    assert long_fleet.enqueue.find("late", key).status is JobStatus.WAITING
    assert long_fleet.effects("delayed") == []
    long_fleet.wait_for_status("late", key, JobStatus.SUCCEEDED)
    assert long_fleet.effects("delayed") == [0]


def test_each_step_is_repeated_after_a_retryable_error(long_fleet):
    key = long_fleet.send("recovering", "recovered")

    state = long_fleet.wait_for_status("recovering", key, JobStatus.SUCCEEDED)

    assert state.result == {"steps": ["done", "done"]}
    begun = [step for step, _, _ in long_fleet.traces("recovered", "begin")]
    assert begun == [0, 0, 1, 1]


@pytest.mark.campaign
@ALL_KINDS
def test_repetitions_end_with_the_error(long_fleet):
    key = long_fleet.send("tired", "tired", "ProviderTimeoutError", None)

    state = long_fleet.wait_for_status("tired", key, JobStatus.FAILED)

    assert type(state.error).__name__ == "ProviderTimeoutError"
    assert len(long_fleet.traces("tired", "begin")) == 4
    # The workflow does not see the error before the last attempt.
    assert len(looks(long_fleet, "tired")) == 1


def looks(fleet, job):
    """Return how errors looked in the workflow, with the processes that saw them."""
    rows = fleet.read("SELECT event, pid FROM traces WHERE job = ? AND step = 99", job)
    return [(json.loads(seen), pid) for seen, pid in rows]


@SQLITE
@pytest.mark.parametrize(
    ("name", "retryable"),
    [
        ("ProviderUnavailableError", True),
        pytest.param("InvalidQueryError", False, marks=pytest.mark.campaign),
        pytest.param("ProviderRejectedError", False, marks=pytest.mark.campaign),
    ],
)
def test_error_of_a_step_has_its_class_in_every_run(long_fleet, name, retryable):
    job = f"failing {name}"
    key = long_fleet.send("failing", job, name, "at the end")
    long_fleet.running[-1].wait(120)
    long_fleet.ensure(1, program=LONG_JOBS)

    state = long_fleet.wait_for_status("failing", key, JobStatus.FAILED)

    [(first, pid), (second, other)] = looks(long_fleet, job)
    assert first == second == [name, "It went wrong.", "No; really.", retryable, True]
    assert pid != other
    assert len(long_fleet.traces(job, "begin")) == 1  # the second run read the error
    assert type(state.error).__name__ == name
    assert state.error.message == "It went wrong."
    assert state.error.provider_message == "No; really."
    assert state.error.retryable is retryable


@pytest.mark.campaign
@ALL_KINDS
def test_error_of_a_child_has_its_class_in_the_parent(long_fleet):
    key = long_fleet.send("parent of failing", "parent", "ProviderConflictError")

    state = long_fleet.wait_for_status("parent of failing", key, JobStatus.FAILED)

    [(seen, _)] = looks(long_fleet, "parent")
    assert seen == [
        "ProviderConflictError",
        "It went wrong.",
        "No; really.",
        False,
        True,
    ]
    assert type(state.error).__name__ == "ProviderConflictError"


@SQLITE
def test_bug_ends_a_job_and_shows_none_of_its_text(long_fleet):
    key = long_fleet.send("buggy", "buggy")

    state = long_fleet.wait_for_status("buggy", key, JobStatus.FAILED)

    assert state.error.message.startswith('The job buggy:["buggy"] failed by an error')


@SQLITE
def test_result_of_a_step_is_the_same_in_every_run(long_fleet):
    key = long_fleet.send("returning", "pair", "pair")
    long_fleet.wait_for_status("returning", key, JobStatus.SUCCEEDED)

    assert len(long_fleet.traces("pair", "begin")) == 2
    assert len(long_fleet.traces("pair", "[3, 1]")) == 2


def test_step_that_returns_no_json_value_ends_the_job(long_fleet):
    key = long_fleet.send("returning", "time", "time")

    state = long_fleet.wait_for_status("returning", key, JobStatus.FAILED)
    assert "failed by an error in Bridge" in state.error.message
    assert len(long_fleet.traces("time", "begin")) == 1


def test_unknown_job_has_no_state_and_is_not_cancelled(long_fleet):
    long_fleet.enqueue.cancel("late", "unknown")

    assert long_fleet.enqueue.find("late", "unknown") is None
