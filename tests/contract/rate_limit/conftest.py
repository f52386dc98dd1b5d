"""The rate limiter on SQLite and on PostgreSQL, in this process and in several.

The database is shared by all tests of a kind; each test has a tenant of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread

import pytest

from bridge.errors import StoreError
from bridge.interfaces import Caller, CallRequest, Priority, Usage
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.rate_limit import ledger, slots
from bridge.store.rate_limit.ledger import LimiterSettings
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.secrets.key_ring import KeyRing

CALLER = """
import json, os, sys, threading, time
from pathlib import Path
from bridge.errors import ProviderThresholdError
from bridge.interfaces import Caller, Priority, CallRequest, Usage
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.database.engine import Database
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.rate_limit.ledger import LimiterSettings

url, data_dir, log, plans = sys.argv[1:]
file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
children = []
for plan in json.loads(plans):
    child = os.fork()
    if not child:
        break
    children.append(child)
else:
    sys.exit(any([os.waitpid(child, 0)[1] not in (0, 9) for child in children]))
db = Database.open(url, keys=KeyRing.load(Path(data_dir), None))
limiter = SharedRateLimiter(db, LimiterSettings(**plan["rules"]))

def write(*values):
    os.write(file, (json.dumps([os.getpid(), *values]) + "\\n").encode())

def call(number):
    for each in range(plan["calls"]):
        name = plan["databases"][(number + each) % len(plan["databases"])]
        request = CallRequest(name, "shared", "Account", Caller(
            number, Priority(plan["priority"])))
        started_at = time.monotonic()
        try:
            with limiter.acquire(
                request, deadline=started_at + plan["wait_s"], read_usage=read
            ):
                key = f"{plan['priority']}.{number}.{each}"
                write("began", name, key, time.monotonic(), started_at)
                time.sleep(plan["call_s"])
                write("ended", name, key, time.monotonic(), started_at)
        except ProviderThresholdError as error:
            write("refused", name, error.message, time.monotonic(), started_at)

def read():
    write("reading", "", "", time.monotonic(), 0)
    return Usage(**plan["usage"])

threads = [threading.Thread(target=call, args=[n]) for n in range(plan["threads"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
limiter.close()
db.close()
"""

PATIENT = {"lease_s": 300.0, "wait_s": 100.0}
"""Rules under which nothing ends by time while the machine is busy with others."""

PLAN = {
    "rules": {"slots": 2, "lease_s": 60.0, "wait_s": 100.0},
    "usage": {"threshold": 10_000, "timeframe_minutes": 60, "used": 0},
    "threads": 2,
    "calls": 10,
    "call_s": 0.01,
    "wait_s": 100.0,
    "priority": 0,
}


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("rate_limit")


@pytest.fixture(scope="session")
def url(kind, data_dir, postgresql_schema) -> Iterator[str]:
    with ExitStack() as stack:
        if kind == "sqlite":
            yield database_url(data_dir, None)
        else:
            yield stack.enter_context(postgresql_schema())


@pytest.fixture(scope="session")
def db(url, data_dir) -> Iterator[Database]:
    keys = KeyRing.load(data_dir, None)
    with closing(Database.open(url, keys=keys)) as database:
        database.upgrade()
        yield database


@pytest.fixture
def tenant() -> str:
    """Return the name of a new tenant database."""
    return f"{secrets.token_hex(4)}.example#42"


@dataclass
class Process:
    """A process's rate limiter, with a short way to acquire slots."""

    rate_limiter: SharedRateLimiter
    tenant: str
    readings: list[float] = field(default_factory=list)

    def acquire(
        self,
        entity: str = "Account",
        *,
        identifier: str = "shared",
        instance: int | None = 1,
        priority: Priority = Priority.INTERACTIVE,
        wait_s: float = 0.0,
    ):
        request = CallRequest(
            self.tenant, identifier, entity, Caller(instance, priority)
        )
        deadline = time.monotonic() + wait_s
        return self.rate_limiter.acquire(
            request, deadline=deadline, read_usage=self._read
        )

    def _read(self) -> Usage:
        self.readings.append(time.monotonic())
        return Usage(10_000, 60, 5)


class DeafDatabase(Database):
    """A database that applies each write, but may lose the confirmation."""

    lost = 0
    connections = 0
    """How often the main thread opened a connection."""

    def begin(self):
        self.connections += current_thread() is main_thread()
        return super().begin()

    def read(self):
        self.connections += current_thread() is main_thread()
        return super().read()

    @contextmanager
    def autocommit(self):
        with super().autocommit() as connection:
            yield connection
        if self.lost and current_thread() is main_thread():
            self.lost -= 1
            raise StoreError("The connection was lost.")


@pytest.fixture(scope="session")
def deaf_db(url, data_dir, db) -> Iterator[DeafDatabase]:
    with closing(DeafDatabase.open(url, keys=db.keys)) as database:
        yield database


@pytest.fixture
def start(db, tenant, monkeypatch):
    """Return a function that makes one more process of the same tenant.

    A waiting process keeps its place, however busy the machine is.
    """
    for module in (slots, ledger):
        monkeypatch.setattr(module, "WAITER_S", 300.0)
    with ExitStack() as stack:

        def make(own_db: Database | None = None, **rules) -> Process:
            rate_limiter = SharedRateLimiter(
                own_db or db, LimiterSettings(**{**PATIENT, **rules})
            )
            stack.callback(rate_limiter.close)
            return Process(rate_limiter, tenant)

        yield make


class Crowd:
    """Processes that call at the same time, and what they wrote down."""

    def __init__(self, url: str, data_dir: Path, log: Path, stack: ExitStack) -> None:
        self._arguments = (url, data_dir, log)
        self._log = log
        self._stack = stack
        self._plans: list[dict] = []

    def add(self, databases: list[str], **plan) -> None:
        self._plans.append({**PLAN, "databases": databases, **plan})

    def start(self) -> None:
        """Start a process for each plan, forked from one that imports all modules."""
        command = [sys.executable, "-c", CALLER, *self._arguments]
        self._parent = subprocess.Popen(
            [*command, json.dumps(self._plans)], start_new_session=True
        )
        self._stack.callback(self._parent.wait)
        self._stack.callback(self._stop)

    def wait(self) -> None:
        """Wait until all have ended, and see that none failed; killed ones may."""
        assert self._parent.wait(240) == 0

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def _stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._parent.pid, signal.SIGKILL)

    def events(self, kind: str) -> list[tuple[int, str, str, float, float]]:
        """Return process, tenant, key, time and time of asking, oldest first."""
        if not self._log.exists():
            return []
        *complete, _ = self._log.read_text().split("\n")
        lines = map(json.loads, complete)
        found = [(pid, *rest) for pid, what, *rest in lines if what == kind]
        return sorted(found, key=lambda event: event[3])

    def most_at_once(self, tenant: str, *, without: Collection[int] = ()) -> int:
        """Return how many calls of a tenant were ever in flight together."""
        changes = [
            (event[3], change)
            for kind, change in (("began", 1), ("ended", -1))
            for event in self.events(kind)
            if event[1] == tenant and event[0] not in without
        ]
        most = now = 0
        for _time, change in sorted(changes):
            now += change
            most = max(most, now)
        return most

    def begun_beside(self, priority: int, other: int) -> tuple[int, int]:
        """Return how many calls of each priority began while the first kind did."""
        began = self.events("began")
        times = [event[3] for event in began if event[2].startswith(f"{priority}.")]
        beside = [
            event
            for event in began
            if event[2].startswith(f"{other}.") and times[0] < event[3] < times[-1]
        ]
        return len(times), len(beside)


@pytest.fixture
def crowd(url, db, data_dir, tmp_path) -> Iterator[Crowd]:
    with ExitStack() as stack:
        yield Crowd(url, data_dir, tmp_path / "calls.log", stack)
