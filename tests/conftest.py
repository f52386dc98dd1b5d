"""Fixtures that start the real processes, once for a run."""

from __future__ import annotations

import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import run_processes
from campaign import FULL
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, make_url

from bridge.composition import open_database
from bridge.settings import Settings
from bridge.store.organizations import add_tenant
from bridge.telemetry import current_call

settings.register_profile(
    "bridge",
    deadline=None,
    max_examples=int(os.environ.get("BRIDGE_TEST_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bridge")

# The installed package is tested, not a `bridge` folder that happens to be here.
os.environ["PYTHONSAFEPATH"] = "1"
# No process of the tests reads a settings file that happens to be on this machine.
os.environ["BRIDGE_CONFIG"] = ""

_WORKERS = 4
_ENDING_S = 60.0
_READING_AGE_S = 240.0
_WATCH = pytest.StashKey[subprocess.Popen]()


def pytest_xdist_auto_num_workers(config):
    """Run one or two files in this process, more of them in several."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    files = [name for name in config.args if Path(name.split("::")[0]).is_file()]
    return 0 if len(files) == len(config.args) <= 2 else _WORKERS


def pytest_collection_modifyitems(config, items):
    """Leave out what runs only at full size, unless that is wanted."""
    if FULL:
        return
    large = [item for item in items if item.get_closest_marker("full_size")]
    if large:
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if item not in large]


def pytest_configure(config):
    """Mark every process of this run, and have them killed should it die."""
    if hasattr(config, "workerinput"):
        return
    run = secrets.token_hex(8)
    config.stash[_WATCH] = subprocess.Popen(
        [sys.executable, "-S", run_processes.__file__, run],
        env={k: v for k, v in os.environ.items() if k != run_processes.VARIABLE},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    os.environ[run_processes.VARIABLE] = run


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail a run that leaves processes behind, and end them."""
    if _WATCH not in session.config.stash:
        return
    run = os.environ[run_processes.VARIABLE]
    ends_at = time.monotonic() + _ENDING_S
    while run_processes.find_processes(run) and time.monotonic() < ends_at:
        time.sleep(0.05)
    for pid, command in run_processes.kill_processes(run).items():
        print(f"\nleft behind by the tests: process {pid}, {command}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    session.config.stash[_WATCH].communicate()


@dataclass(frozen=True)
class Answer:
    """A response: status, headers by lower-case name, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


class Api:
    """A caller of the facade, with the three secrets of a demo."""

    def __init__(self, line):
        self.line = line
        self.base_url = line["baseUrl"]
        self.secrets = (
            f"User {line['userSecret']}, Organization {line['organizationSecret']}, "
            f"Element {line['elementToken']}"
        )
        self.platform = (
            f"User {line['userSecret']}, Organization {line['organizationSecret']}"
        )

    def call(self, method, path, body=None, *, authorization=None, headers=None):
        """Send one request; a dict or list body travels as JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method)
        request.add_header("Authorization", authorization or self.secrets)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        return _send(request)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def connect(self, name):
        """Create an instance for the simulator's API user; return its caller."""
        line = self.line
        body = {
            "name": name,
            "element": {"key": "autotaskcrm"},
            "configuration": {
                "crm.autotask.username": line["username"],
                "crm.autotask.password": line["password"],
                "crm.autotask.server.url": line["sandboxUrl"],
            },
        }
        made = self.call("POST", "/instances", body, authorization=self.platform)
        instance = made.json()
        token = instance["token"]
        return Api({**line, "elementToken": token, "instanceId": instance["id"]})

    def disconnect(self):
        """Remove the instance."""
        path = f"/instances/{self.line['instanceId']}"
        assert self.call("DELETE", path, authorization=self.platform).status == 200


class Vendor:
    """The simulator, as its control endpoints steer and show it."""

    def __init__(self, line):
        self.url = line["sandboxUrl"].split("/ATServices")[0].rstrip("/")

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}", data=data, method=method
        )
        request.add_header("Content-Type", "application/json")
        return _send(request)

    def calls(self):
        """Return the calls counted since the last `forget`, by operation."""
        counts = self.control("GET", "requests").json()["counts"]
        return {name: sum(entities.values()) for name, entities in counts.items()}

    def record_calls(self):
        """Return the calls but those for fields, which a doubt costs once a minute."""
        calls = self.calls()
        return {n: calls[n] for n in calls if n not in ("GetFieldInfo", "getUDFInfo")}

    def forget(self):
        self.control("DELETE", "requests")


def _send(request):
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return Answer(answer.status, _lower(answer.headers.items()), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers.items()), error.read())


def _lower(items):
    return {name.lower(): value for name, value in items}


def start_bridge(*arguments: str | Path, env: Mapping[str, str] | None = None):
    """Start a `bridge` command; return the process and its first line, decoded."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        process.wait(60)
        raise AssertionError(f"bridge {arguments} ended with {process.returncode}")
    return process, json.loads(line)


def stop_bridge(process: subprocess.Popen) -> int:
    """Send SIGTERM, wait, and return the exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(120)
    finally:
        process.kill()
        process.stdout.close()


POSTGRESQL = os.environ.get(
    "BRIDGE_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)


# Not waiting for the disk makes these tests faster.
HASTY = "-csynchronous_commit=off"


@contextmanager
def _connected(server: URL) -> Iterator[psycopg.Connection]:
    """Connect for statements that need no transaction."""
    url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(
        url, autocommit=True, connect_timeout=60, options=HASTY
    ) as connection:
        yield connection


@contextmanager
def _postgresql_database() -> Iterator[URL]:
    server = make_url(POSTGRESQL)
    name = f"test_{secrets.token_hex(8)}"
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_connected(server))
        except psycopg.OperationalError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"PostgreSQL is not reachable: {error}")
            pytest.skip(f"PostgreSQL is not reachable: {error}")
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server.set(database=name)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgresql_database():
    """Return a context manager that yields the URL of a database of one's own.

    Without a server it skips the test; in CI it fails it.
    """
    return _postgresql_database


@pytest.fixture(scope="session")
def postgresql_schema():
    """Return a context manager that yields the URL of a schema of one's own.

    The schemas of a test process share one database, and no other process uses it:
    building an index of durable work waits for every transaction in its database.
    Without a server it skips the test; in CI it fails it.
    """
    with ExitStack() as stack:
        database = functools.cache(lambda: stack.enter_context(_postgresql_database()))

        @contextmanager
        def schema() -> Iterator[str]:
            name = f"test_{secrets.token_hex(8)}"
            with _connected(database()) as connection:
                connection.execute(f'CREATE SCHEMA "{name}"')
                options = f"-csearch_path={name} {HASTY}"
                try:
                    fresh = database().update_query_dict({"options": options})
                    yield fresh.render_as_string(hide_password=False)
                finally:
                    for made in (name, f"{name}_jobs"):
                        connection.execute(f'DROP SCHEMA IF EXISTS "{made}" CASCADE')

        yield schema


@pytest.fixture(autouse=True)
def no_call_left():
    """Forget the call of an application in this process whose response stayed open."""
    yield
    current_call.end()


@pytest.fixture(scope="session")
def demo_dir(tmp_path_factory) -> Path:
    """The data directory of the demo."""
    return tmp_path_factory.mktemp("demo")


@contextmanager
def _running_demo(directory: Path) -> Iterator[dict]:
    process, line = start_bridge(
        "demo", "--json", "--port", "0", "--sandbox-port", "0", "--data-dir", directory
    )
    try:
        yield line
    finally:
        stop_bridge(process)


@pytest.fixture(scope="session")
def demo(demo_dir) -> Iterator[dict]:
    """A running `bridge demo`; the JSON line it printed."""
    with _running_demo(demo_dir) as line:
        yield line


@pytest.fixture(scope="module")
def unchanged_demo(tmp_path_factory) -> Iterator[dict]:
    """A demo for one module, so that no other test writes to it."""
    with _running_demo(tmp_path_factory.mktemp("unchanged")) as line:
        yield line


@pytest.fixture(scope="session")
def foreign(demo, demo_dir) -> Api:
    """A caller of another organization, with an instance of its own."""
    database = open_database(Settings(data_dir=demo_dir))
    tenant = add_tenant(
        database,
        organization="Somebody else",
        email="else@bridge.example",
        password="not the demo's",
    )
    database.close()
    line = {
        **demo,
        "userSecret": tenant.user_secret,
        "organizationSecret": tenant.organization_secret,
        "elementToken": "none yet",
    }
    return Api(line).connect("Foreign")


@pytest.fixture(scope="session")
def api(demo) -> Api:
    """A caller with the demo's secrets."""
    return Api(demo)


@pytest.fixture(scope="session")
def no_usage_reading(api):
    """Return what keeps Bridge from reading Autotask's count during the next test.

    Bridge reads it ten minutes after the last reading, which would add a call to those
    that a test counts. Creating an instance reads it at once.
    """
    read_at = float("-inf")

    def read() -> None:
        nonlocal read_at
        if time.monotonic() - read_at > _READING_AGE_S:
            api.connect("Heard").disconnect()
            read_at = time.monotonic()

    return read


@pytest.fixture
def vendor(demo, no_usage_reading) -> Vendor:
    """The demo's simulator, its counts forgotten."""
    no_usage_reading()
    vendor = Vendor(demo)
    vendor.forget()
    return vendor
