"""Jobs are cancelled from another process, whatever they are doing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from waiting import wait_until

from bridge.interfaces import JobStatus

LONG_JOBS = Path(__file__).with_name("long_jobs.py")

CANCELLED_WITHIN_S = 3.0
ALLOWED_S = 10 * CANCELLED_WITHIN_S

EVERY_KIND = pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)],
    indirect=True,
)


def cancel(fleet, task, key):
    """Cancel a job; it is cancelled for everybody when this returns."""
    fleet.enqueue.cancel(task, key)
    assert fleet.enqueue.find(task, key).status is JobStatus.CANCELLED


def events(fleet, job, event):
    return [step for step, _, _ in fleet.traces(job, event)]


@EVERY_KIND
def test_queued_and_delayed_jobs_that_are_cancelled_never_start(long_fleet):
    long_fleet.running[-1].kill()
    long_fleet.running[-1].wait()
    queued = long_fleet.send("late", "queued")
    delayed = long_fleet.send("late", "delayed", delay_s=0.5)
    assert long_fleet.enqueue.find("late", queued).status is JobStatus.QUEUED
    assert long_fleet.enqueue.find("late", delayed).status is JobStatus.WAITING
    cancel(long_fleet, "late", queued)
    cancel(long_fleet, "late", delayed)
    cancel(long_fleet, "late", queued)

    long_fleet.ensure(1, program=LONG_JOBS)
    # Enqueued again, they stay cancelled.
    assert long_fleet.send("late", "queued") == queued
    after = long_fleet.send("late", "after", delay_s=1.0)
    long_fleet.wait_for_status("late", after, JobStatus.SUCCEEDED)

    assert long_fleet.enqueue.find("late", queued).status is JobStatus.CANCELLED
    assert long_fleet.effects("queued") == long_fleet.effects("delayed") == []


@EVERY_KIND
def test_long_step_that_checks_ends_soon_and_its_child_never_starts(long_fleet):
    key = long_fleet.send("pages", "book")
    wait_until(lambda: events(long_fleet, "book", "begin") == [0])
    child = '["book child"]'
    assert long_fleet.enqueue.find("late", child).status is JobStatus.WAITING

    begun = time.monotonic()
    cancel(long_fleet, "pages", key)
    wait_until(lambda: events(long_fleet, "book", "left") == [0], ALLOWED_S)
    print(f"A step of pages ended {time.monotonic() - begun:.1f} s after cancelling.")

    assert long_fleet.enqueue.find("late", child).status is JobStatus.CANCELLED
    after = long_fleet.send("late", "after the book")
    long_fleet.wait_for_status("late", after, JobStatus.SUCCEEDED)
    assert events(long_fleet, "book", "begin") == [0]
    assert long_fleet.enqueue.find("pages", key).status is JobStatus.CANCELLED


@EVERY_KIND
def test_step_that_runs_finishes_and_no_other_starts(long_fleet, tmp_path):
    go_on = tmp_path / "go on"
    key = long_fleet.send("slow", "slow", str(go_on))
    wait_until(lambda: events(long_fleet, "slow", "begin") == [0])

    cancel(long_fleet, "slow", key)
    go_on.touch()
    wait_until(lambda: events(long_fleet, "slow", "end") == [0], ALLOWED_S)

    after = long_fleet.send("late", "after slow")
    long_fleet.wait_for_status("late", after, JobStatus.SUCCEEDED)
    assert events(long_fleet, "slow", "begin") == [0]


@pytest.mark.campaign
@EVERY_KIND
def test_job_is_cancelled_between_pieces_or_not_at_all(long_fleet):
    """Jobs that wait again and again are cancelled at every moment of their lives."""
    keys = [long_fleet.send("waiting", f"waiting {n}") for n in range(8)]
    for number, key in enumerate(keys):
        job = f"waiting {number}"
        wait_until(lambda job=job: len(events(long_fleet, job, "end")) >= 2)
        cancel(long_fleet, "waiting", key)

    states = [long_fleet.enqueue.find("waiting", key).status for key in keys]
    assert states == [JobStatus.CANCELLED] * len(keys)
    counts = [len(events(long_fleet, f"waiting {n}", "begin")) for n in range(8)]
    after = long_fleet.send("late", "after waiting", delay_s=3.0)
    long_fleet.wait_for_status("late", after, JobStatus.SUCCEEDED)
    later = [len(events(long_fleet, f"waiting {n}", "begin")) for n in range(8)]
    # A step that had begun may have been counted a moment later.
    assert all(b - a <= 1 for a, b in zip(counts, later, strict=True))


@pytest.mark.campaign
@EVERY_KIND
def test_parent_of_a_cancelled_child_sees_a_conflict(long_fleet):
    key = long_fleet.send("parent of late", "orphan")
    child = '["orphan child"]'
    wait_until(lambda: long_fleet.enqueue.find("late", child))

    cancel(long_fleet, "late", child)
    state = long_fleet.wait_for_status("parent of late", key, JobStatus.FAILED)

    assert type(state.error).__name__ == "ConflictError"
    assert "was cancelled" in state.error.message
