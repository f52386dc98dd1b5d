"""Jobs are finished, whichever workers die."""

from __future__ import annotations

import re
import shutil
import signal
from collections import Counter
from contextlib import closing
from pathlib import Path

import bridge.wsdl_cache
import pytest
from waiting import wait_until

from bridge import __version__
from bridge.store.rate_limit.ledger import LimiterSettings
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.workers import list_living


def holder(fleet, job):
    """Return the process that works on the job, once it has begun its second step."""
    begun = wait_until(
        lambda: [row for row in fleet.traces(job, "begin") if row[0] == 1]
    )
    return begun[0][1]


def wait_for_living(fleet, versions):
    """Wait until workers of these versions are alive, as far as is heard of them."""
    wait_until(lambda: [one.version for one in list_living(fleet.database)] == versions)


def runs(fleet, job, event):
    return Counter(step for step, _, _ in fleet.traces(job, event) if step >= 0)


SQLITE_FIRST = pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)],
    indirect=True,
)


def test_killed_workers_job_goes_on_elsewhere_where_it_was(fleet):
    fleet.ensure(2, "--tick")
    wait_for_living(fleet, [__version__] * 2)
    fleet.ask("killed", steps=5, pause_s=2)
    pid = holder(fleet, "killed")

    fleet.signal(pid, signal.SIGKILL)
    fleet.wait_to_end(pid)
    fleet.wait_for("killed")

    wait_for_living(fleet, [__version__])
    assert fleet.effects("killed") == [0, 1, 2, 3, 4]
    finished = runs(fleet, "killed", "end")
    assert finished[0] == 1  # kept before the kill, so not done again
    assert sum(runs(fleet, "killed", "begin").values()) <= 6
    assert {pid} < {one for _, one, _ in fleet.traces("killed", "begin")}


@pytest.mark.campaign
def test_worker_that_only_slept_does_not_finish_what_another_took(fresh_fleet):
    fresh_fleet.start(2)
    fresh_fleet.ask("slept", steps=4, pause_s=2)
    pid = holder(fresh_fleet, "slept")

    fresh_fleet.signal(pid, signal.SIGSTOP)
    wait_until(
        lambda: {one for _, one, _ in fresh_fleet.traces("slept", "begin")} - {pid}
    )
    fresh_fleet.signal(pid, signal.SIGCONT)
    fresh_fleet.wait_for("slept")
    fresh_fleet.ask("after", steps=1)
    fresh_fleet.wait_for("after")

    assert fresh_fleet.effects("slept") == [0, 1, 2, 3]
    mine = [step for step, one, _ in fresh_fleet.traces("slept", "begin") if one == pid]
    assert mine == [-1, 0, 1]


@pytest.mark.campaign
def test_many_kills_lose_nothing_and_double_nothing(fresh_fleet):
    fresh_fleet.start(2)
    jobs = [f"job {n}" for n in range(12)]
    for n, job in enumerate(jobs):
        fresh_fleet.ask(job, steps=5, pause_s=0.3, partition=f"db-{n % 4}")

    for _ in range(6):
        wait_until(lambda: fresh_fleet.read("SELECT 1 FROM traces"))
        fresh_fleet.signal(fresh_fleet.running[-2].pid, signal.SIGKILL)
        fresh_fleet.running[-2].wait()
        fresh_fleet.start(1)
    for job in jobs:
        fresh_fleet.wait_for(job)

    for job in jobs:
        assert fresh_fleet.effects(job) == [0, 1, 2, 3, 4]
        # A step is done again only when its end was not kept: at most once a kill.
        assert max(runs(fresh_fleet, job, "begin").values()) <= 7
    [(doubled,)] = fresh_fleet.read(
        "SELECT count(*) - count(DISTINCT job || step) FROM traces "
        "WHERE event = 'end' AND step >= 0"
    )
    assert doubled <= 6 * 8  # kills, times what a worker had under way


@pytest.mark.campaign
@SQLITE_FIRST
def test_stopping_worker_finishes_what_it_can(fleet):
    fleet.ensure(2, "--tick")
    fleet.ask("drained", steps=4, pause_s=1)
    pid = holder(fleet, "drained")

    fleet.signal(pid, signal.SIGTERM)

    assert fleet.wait_to_end(pid) == 0
    assert fleet.effects("drained") == [0, 1, 2, 3]
    assert {one for _, one, _ in fleet.traces("drained", "begin")} == {pid}


@pytest.mark.campaign
def test_what_a_stopped_worker_left_is_taken_at_once(fresh_fleet):
    [worker] = fresh_fleet.start(1)
    fresh_fleet.ask("left", steps=20, pause_s=0.3)
    holder(fresh_fleet, "left")

    worker.send_signal(signal.SIGINT)
    assert worker.wait(60) == 0
    fresh_fleet.start(1)
    fresh_fleet.wait_for("left")

    assert fresh_fleet.effects("left") == list(range(20))


def upgraded(directory):
    """Return a folder with the next release: other version, other lines."""
    # The descriptions lie elsewhere in a checkout than in an installed package.
    for package in (bridge, bridge.wsdl_cache):
        shutil.copytree(
            Path(package.__file__).parent,
            directory / package.__name__.replace(".", "/"),
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    version = directory / "bridge/__init__.py"
    text = re.sub(r'(__version__ = )"[^"]*"', r'\1"99.0"', version.read_text())
    version.write_text(text)
    workflow = directory / "bridge/jobs/engine.py"
    workflow.write_text(
        workflow.read_text().replace(
            "| None = None) -> object:\n",
            "| None = None) -> object:\n        assert key\n",
        )
    )
    return directory


@pytest.mark.campaign
@SQLITE_FIRST
def test_stopped_worker_releases_the_slot_of_a_step_that_does_not_end(fresh_fleet):
    fleet = fresh_fleet
    [worker] = fleet.start(1)
    fleet.ask("calling", pause_s=200, partition="lane")
    wait_until(lambda: fleet.traces("calling", "begin")[1:])
    rate_limiter = SharedRateLimiter(fleet.database, LimiterSettings())
    with closing(rate_limiter):
        [budget] = rate_limiter.get_budgets(["lane.example#1"])
        assert sum(slot.in_flight for slot in budget.slots) == 1

        worker.send_signal(signal.SIGINT)
        assert fleet.wait_to_end(worker.pid) == 0

        [budget] = rate_limiter.get_budgets(["lane.example#1"])
        assert sum(slot.in_flight for slot in budget.slots) == 0


@pytest.mark.campaign
@SQLITE_FIRST
def test_next_release_finishes_what_this_one_began(fresh_fleet, tmp_path_factory):
    release = upgraded(tmp_path_factory.mktemp("release"))
    [worker] = fresh_fleet.start(1)
    fresh_fleet.ask("begun", steps=4, pause_s=2)
    holder(fresh_fleet, "begun")
    worker.kill()
    worker.wait()
    fresh_fleet.ask("waiting", steps=1)

    fresh_fleet.start(1, package=release)
    wait_until(
        lambda: "99.0" in {one.version for one in list_living(fresh_fleet.database)}
    )
    fresh_fleet.wait_for("begun")
    fresh_fleet.wait_for("waiting")

    assert fresh_fleet.effects("begun") == [0, 1, 2, 3]
    assert runs(fresh_fleet, "begun", "end")[0] == 1
