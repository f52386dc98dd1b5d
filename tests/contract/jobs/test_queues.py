"""Queued jobs run once, in order, and on time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from campaign import sized
from waiting import wait_until

from bridge.jobs.tasks import LIMITS, Queue

LIMIT = LIMITS[Queue.BULK].partition

SQLITE_FIRST = pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)],
    indirect=True,
)


def most_at_once(fleet, jobs):
    """Return how many of the jobs were between their begin and their end at most."""
    events = []
    for job in jobs:
        [(_, _, begun)] = [row for row in fleet.traces(job, "begin") if row[0] == -1]
        [(_, _, ended)] = [row for row in fleet.traces(job, "end") if row[0] == -1]
        events += [(begun, 1), (ended, -1)]
    running, most = 0, 0
    for _, change in sorted(events):
        running += change
        most = max(most, running)
    return most


def test_asking_twice_is_asking_once(fleet):
    fleet.ensure(2, "--tick")
    with ThreadPoolExecutor(4) as threads:
        for _ in range(8):
            threads.submit(fleet.ask, "twice")
    fleet.wait_for("twice")
    fleet.ask("twice")
    fleet.ask("after twice")
    fleet.wait_for("after twice")

    assert len(fleet.traces("twice", "begin")) == 2  # the job and its one step


@pytest.mark.campaign
@SQLITE_FIRST
def test_a_tenants_share_of_the_workers_is_limited(fleet):
    fleet.ensure(2, "--tick")
    ours = [f"ours {n}" for n in range(5)]
    for job in ours:
        fleet.ask(job, pause_s=0.5, partition="busy")
    fleet.ask("theirs", pause_s=0.1, partition="quiet")
    for job in (*ours, "theirs"):
        fleet.wait_for(job)

    assert most_at_once(fleet, ours) == LIMIT
    [(_, _, theirs)] = [row for row in fleet.traces("theirs", "end") if row[0] == -1]
    last = max(at for job in ours for _, _, at in fleet.traces(job, "end"))
    assert theirs < last


@pytest.mark.campaign
def test_limit_holds_with_many_workers(fresh_fleet):
    fresh_fleet.start(4)
    jobs = [f"job {n}" for n in range(sized(16, 40))]
    for job in jobs:
        fresh_fleet.ask(job, pause_s=0.2)
    for job in jobs:
        fresh_fleet.wait_for(job)

    assert most_at_once(fresh_fleet, jobs) <= LIMIT
    assert all(fresh_fleet.effects(job) == [0] for job in jobs)


@pytest.mark.campaign
@SQLITE_FIRST
def test_scheduled_task_runs_once_for_all_workers(fleet):
    fleet.ensure(2, "--tick")
    begun = time.time()
    ticks = wait_until(
        lambda: fleet.read(
            "SELECT job, count(*), min(at) FROM traces WHERE event = 'begin' "
            "AND job LIKE '20%' GROUP BY job HAVING min(at) > ? ORDER BY job",
            begun,
        )[1:]
    )

    assert {count for _, count, _ in ticks} == {1}
