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
LEASE_S = 6.0


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
        self._env = {
            **os.environ,
            "BRIDGE_DATA_DIR": str(directory),
            "BRIDGE_DATABASE_URL": url,
            "BRIDGE_WORKER_LEASE_S": str(LEASE_S),
            "PROBE_FILE": str(self._world),
        }
        keys = KeyRing.load(directory, None)
        self.database = Database.open(url, keys=keys)
        self.database.upgrade()
        task = Task("walk", len, Queue.BULK, lambda _db, key: json.loads(key)[3])
        self._enqueue = Enqueuer(self.database, (task,))

    def close(self):
        for worker in self.running:
            worker.kill()
            worker.wait()
            worker.stdout.close()
        self._enqueue.close()
        self.database.close()

    def start(self, number, *arguments, package: Path | None = None):
        """Start workers at once and wait until all work."""
        env = {**self._env, **({"PYTHONPATH": str(package)} if package else {})}
        started = [
            subprocess.Popen(
                [sys.executable, PROBE, *arguments], stdout=subprocess.PIPE, env=env
            )
            for _ in range(number)
        ]
        self.running += started
        for worker in started:
            assert "worker" in json.loads(worker.stdout.readline())
        return started

    def ensure(self, number):
        """Bring the number of living workers to this."""
        missing = number - sum(worker.poll() is None for worker in self.running)
        self.start(max(missing, 0), "--tick")

    def ask(self, job, *, steps=1, pause_s=0.0, partition="db-1"):
        self._enqueue("walk", json.dumps([job, steps, pause_s, partition]))

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
        fleet.ensure(2)
        yield fleet


@pytest.fixture
def fresh_fleet(kind, tmp_path, postgresql_schema) -> Iterator[Fleet]:
    """Yield a fleet without workers."""
    with new_fleet(kind, tmp_path, postgresql_schema) as fleet:
        yield fleet
