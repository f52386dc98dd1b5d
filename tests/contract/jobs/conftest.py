"""Real workers on real databases, and what they leave behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from waiting import wait_until

from bridge.jobs.enqueue import Enqueuer
from bridge.jobs.tasks import Queue, Task
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import KeyRing

PROBE = Path(__file__).with_name("probe.py")
LONG_JOBS = Path(__file__).with_name("long_jobs.py")
LEASE_S = 6.0

TASKS = (
    *(Task(name, Queue.BULK) for name in ("walk", "journey", "child")),
    *map(
        Task,
        (
            "buggy",
            "failing",
            "forgetting",
            "late",
            "pages",
            "parent of failing",
            "parent of late",
            "patient",
            "recovering",
            "returning",
            "slow",
            "stuck",
            "tired",
            "waiting",
        ),
    ),
)
"""What `probe` and `long_jobs` carry out."""


@pytest.fixture(
    scope="session",
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.campaign),
    ],
)
def kind(request) -> str:
    return request.param


class Fleet:
    """Workers that share a database, the way to ask them, and the world they change."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url
        self.running: list[subprocess.Popen] = []
        self._world = directory / "world.db"
        self.env = {
            **os.environ,
            "BRIDGE_DATA_DIR": str(directory),
            "BRIDGE_DATABASE_URL": url,
            "BRIDGE_WORKER_LEASE_S": str(LEASE_S),
            "PROBE_FILE": str(self._world),
        }
        keys = KeyRing.load(directory, None)
        self.database = Database.open(url, keys=keys)
        self.database.upgrade()
        self.enqueue = Enqueuer(self.database, TASKS)

    def close(self):
        for worker in self.running:
            worker.kill()
            worker.wait()
            worker.stdout.close()
        self.enqueue.close()
        self.database.close()

    def start(
        self, number, *arguments, package: Path | None = None, program: Path = PROBE
    ):
        """Start workers at once and wait until all work."""
        path = [str(each) for each in (package, PROBE.parent) if each]
        env = {**self.env, "PYTHONPATH": os.pathsep.join(path)}
        started = [
            subprocess.Popen(
                [sys.executable, program, *arguments], stdout=subprocess.PIPE, env=env
            )
            for _ in range(number)
        ]
        self.running += started
        for worker in started:
            assert "worker" in json.loads(worker.stdout.readline())
        return started

    def ensure(self, number, *arguments, program: Path = PROBE):
        """Bring the number of living workers to this."""
        missing = number - sum(worker.poll() is None for worker in self.running)
        self.start(max(missing, 0), *arguments, program=program)

    def ask(self, job, *, steps=1, pause_s=0.0, partition="db-1"):
        key = json.dumps([job, steps, pause_s, partition])
        self.enqueue("walk", key, partition=partition)

    def send(self, task, *key, **options):
        """Enqueue a task of `long_jobs`; return the key of the job."""
        text = json.dumps(key)
        self.enqueue(task, text, **options)
        return text

    def wait_for_status(self, task, key, *statuses):
        """Return the state of a job once it has one of these statuses."""

        def find():
            state = self.enqueue.find(task, key)
            return state if state and state.status in statuses else None

        return wait_until(find)

    def signal(self, pid, number):
        os.kill(pid, number)

    def wait_to_end(self, pid):
        """Return the exit code of a worker."""
        [worker] = [one for one in self.running if one.pid == pid]
        return worker.wait(120)

    def read(self, statement, *values):
        if not self._world.exists():
            return []
        world = sqlite3.connect(self._world, timeout=30)
        with closing(world):
            try:
                return world.execute(statement, values).fetchall()
            except sqlite3.OperationalError:
                return []

    def effects(self, job):
        rows = self.read("SELECT step FROM effects WHERE job = ? ORDER BY step", job)
        return [step for (step,) in rows]

    def traces(self, job, event):
        """Return (step, pid, time) of every time a step did that, in order."""
        return self.read(
            "SELECT step, pid, at FROM traces WHERE job = ? AND event = ? ORDER BY at",
            job,
            event,
        )

    def wait_for(self, job):
        """Return when the job is at its end."""
        wait_until(lambda: any(step == -1 for step, _, _ in self.traces(job, "end")))


@contextmanager
def new_fleet(kind, directory, postgresql_schema) -> Iterator[Fleet]:
    if kind == "sqlite":
        with closing(Fleet(directory, database_url(directory, None))) as fleet:
            yield fleet
    else:
        with postgresql_schema() as url, closing(Fleet(directory, url)) as fleet:
            yield fleet


@pytest.fixture(scope="session")
def fleet(kind, tmp_path_factory, postgresql_schema) -> Iterator[Fleet]:
    """Yield two workers that also run a task every second."""
    directory = tmp_path_factory.mktemp(f"fleet-{kind}")
    with new_fleet(kind, directory, postgresql_schema) as fleet:
        fleet.ensure(2, "--tick")
        yield fleet


@pytest.fixture(scope="module")
def long_fleet(kind, tmp_path_factory, postgresql_schema) -> Iterator[Fleet]:
    """Yield one worker for the workflows of `long_jobs`."""
    directory = tmp_path_factory.mktemp(f"long-{kind}")
    with new_fleet(kind, directory, postgresql_schema) as fleet:
        fleet.ensure(1, program=LONG_JOBS)
        yield fleet


@pytest.fixture
def fresh_fleet(kind, tmp_path, postgresql_schema) -> Iterator[Fleet]:
    """Yield a fleet without workers."""
    with new_fleet(kind, tmp_path, postgresql_schema) as fleet:
        yield fleet
