"""The purge as the real worker does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from waiting import wait_until

from bridge.interfaces import JobStatus
from bridge.jobs.enqueue import Enqueuer
from bridge.store.locks import acquire
from bridge.store.workers import list_living

LONG_JOBS = Path(__file__).with_name("long_jobs.py")
OLD_PURGE = Path(__file__).with_name("old_purge.py")
PAST = datetime.now(UTC) - timedelta(days=1)


@contextmanager
def half_done_purge(fleet) -> Iterator[Enqueuer]:
    """Leave a purge of release 0.4.0 half done, its worker killed."""
    [old] = fleet.start(1, program=OLD_PURGE)
    with closing(Enqueuer(fleet.database)) as enqueue:
        enqueue("purge", "half done")
        wait_until(lambda: fleet.traces("half done", "stuck"))
        old.kill()
        old.wait()
        yield enqueue


@pytest.fixture
def worker(fresh_fleet, tmp_path):
    """Start `bridge worker`; its stderr goes to a file."""
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "worker", "--json"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={
                **os.environ,
                "BRIDGE_DATA_DIR": str(fresh_fleet.directory),
                "BRIDGE_DATABASE_URL": fresh_fleet.url,
            },
        )
    yield json.loads(process.stdout.readline())["worker"]
    process.terminate()
    assert process.wait(120) == 0
    process.stdout.close()
    assert list_living(fresh_fleet.database) == []


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)],
    indirect=True,
)
def test_purge_removes_what_has_expired_and_says_how_much(
    fresh_fleet, worker, tmp_path
):
    database = fresh_fleet.database
    wait_until(lambda: [one.id for one in list_living(database)] == [worker])
    acquire(database, "new", "somebody", 3600)
    acquire(database, "old", "somebody", 30, now=PAST)
    enqueue = Enqueuer(database)

    enqueue("purge", "by hand")
    # The schedule's purge may have had its turn before.
    wait_until(
        lambda: [
            line
            for line in (tmp_path / "stderr").read_text().split("\n")[:-1]
            if "Removed expired rows" in line and "1 of leases" in line
        ]
    )
    enqueue.close()

    assert acquire(database, "old", "somebody else", 30)
    assert not acquire(database, "new", "somebody else", 30)
    assert (fresh_fleet.directory / "jobs.db").exists() == (database.file is not None)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_a_purge_that_an_older_release_left_half_done_ends(fresh_fleet, request):
    with half_done_purge(fresh_fleet) as enqueue:
        assert enqueue.find("purge", "half done").status is JobStatus.RUNNING
        request.getfixturevalue("worker")

        def ended():
            state = enqueue.find("purge", "half done")
            return state if state.status.ended else None

        state = wait_until(ended)

    assert state.status is JobStatus.SUCCEEDED, state.error
    assert state.result["leases"] == 1


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_finished_jobs_are_forgotten_and_those_that_wait_are_not(fresh_fleet):
    fleet = fresh_fleet
    fleet.start(1, program=LONG_JOBS)
    waiting = [fleet.send("patient", f"waiting {n}") for n in range(3)]
    recovered = fleet.send("recovering", "recovered")
    ended = [fleet.send("late", f"late {n}") for n in range(3)]
    begun = "SELECT * FROM traces WHERE job LIKE 'waiting%'"
    wait_until(lambda: len(fleet.read(begun)) == len(waiting))
    for key in waiting:
        fleet.wait_for_status("patient", key, JobStatus.WAITING)
    fleet.wait_for_status("recovering", recovered, JobStatus.SUCCEEDED)
    for key in ended:
        fleet.wait_for_status("late", key, JobStatus.SUCCEEDED)

    counts = []
    for n in range(20):
        key = fleet.send("forgetting", n)
        state = fleet.wait_for_status("forgetting", key, JobStatus.SUCCEEDED)
        counts.append(state.result)
        if fleet.enqueue.find("recovering", recovered) is None:
            break

    assert sum(counts) >= 3 + 2  # three jobs of one piece, one of more
    for key in ended:
        assert fleet.enqueue.find("late", key) is None
    for key in waiting:
        assert fleet.enqueue.find("patient", key).status is JobStatus.WAITING
        fleet.enqueue.cancel("patient", key)
        assert fleet.enqueue.find("patient", key).status is JobStatus.CANCELLED
