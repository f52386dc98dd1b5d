"""A copy of what an older release left behind, and processes of this one on it.

The data is as old as the release; its sessions, kept answers and leases would all be
over. So every stored time of the copy is moved, by one and the same span, such that
the processes of the old release were killed just now. Long lifetimes would not do:
they end after a year, and no installation has them. Likewise the copy is made one of
this machine: the part of a process's name that says where it lived is replaced. Else
only the end of a lease, 230 s later, would tell that the old processes are dead.
"""

# ruff: noqa: S608 - tables and columns are the data's own

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bridge.store.process_identity import new_holder_name

DATA = Path(__file__).with_name("data")
MONTH = timedelta(days=30)
SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"
EASTERN = ZoneInfo("America/New_York")
VENDOR_TIME = "%Y-%m-%dT%H:%M:%S"


class SqliteStore:
    """The two files of a data directory, read and changed as SQL sees them."""

    def __init__(self, data: Path):
        self.env = {}
        self._files = (data / "bridge.db", data / "jobs.db")

    @contextlib.contextmanager
    def _open(self, *, jobs):
        file = sqlite3.connect(self._files[jobs], timeout=120, isolation_level=None)
        with contextlib.closing(file):
            file.execute("PRAGMA synchronous = OFF")
            yield file

    def ask(self, statement, *values, jobs=False):
        with self._open(jobs=jobs) as file:
            return file.execute(statement, values).fetchall()

    def columns(self, *, jobs):
        """Yield table, column and type of every column."""
        tables = self.ask(
            "SELECT name FROM sqlite_master WHERE type='table'", jobs=jobs
        )
        for (table,) in tables:
            for _, column, kind, *_ in self.ask(
                f"PRAGMA table_info({table})", jobs=jobs
            ):
                yield table, column, kind

    def move_times(self, table, column, span):
        with self._open(jobs=False) as file:
            old = file.execute(f"SELECT {column}, rowid FROM {table}").fetchall()
            moved = [
                ((datetime.fromisoformat(text) + span).strftime(SQLITE_TIME), row)
                for text, row in old
                if text is not None
            ]
            change = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
            file.execute("BEGIN")
            file.executemany(change, moved)
            file.execute("COMMIT")


class PostgresqlStore:
    """A database of its own, with the two schemas that the dump holds."""

    def __init__(self, url):
        self.env = {"BRIDGE_DATABASE_URL": url.render_as_string(hide_password=False)}
        self.libpq = libpq(url)

    def ask(self, statement, *values, jobs=False):
        path = "public_jobs" if jobs else "public"
        options = f"-csearch_path={path} -csynchronous_commit=off"
        with psycopg.connect(self.libpq, autocommit=True, options=options) as server:
            done = server.execute(statement.replace("?", "%s"), values)
            return done.fetchall() if done.description else []

    def columns(self, *, jobs):
        return self.ask(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ?",
            "public_jobs" if jobs else "public",
        )

    def move_times(self, table, column, span):
        self.ask(f"UPDATE {table} SET {column} = {column} + ?", span)


def libpq(url):
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def move_all_times(store, made_at):
    """Move every stored time from when the data was made to now.

    Ours are all columns of times, and those in the ledgers' documents; the engine of
    durable work keeps milliseconds since 1970. What is sealed or answered stays as it
    is: times in there tell when something was, and nothing ends by them.
    """
    span = datetime.now(UTC) - made_at
    for table, column, kind in list(store.columns(jobs=False)):
        if kind in {"DATETIME", "timestamp with time zone"}:
            store.move_times(table, column, span)
    first, last = (milliseconds(made_at + change) for change in (-MONTH, MONTH))
    for table, column, kind in list(store.columns(jobs=True)):
        if kind.upper() in {"INTEGER", "BIGINT"}:
            store.ask(
                f'UPDATE {table} SET "{column}" = "{column}" + ? '
                f'WHERE "{column}" BETWEEN {first} AND {last}',
                round(span.total_seconds() * 1000),
                jobs=True,
            )
    for database, payload in store.ask("SELECT database, payload FROM vendor_ledgers"):
        moved = json.dumps(move_ledger(json.loads(payload), span.total_seconds()))
        change = "UPDATE vendor_ledgers SET payload = ? WHERE database = ?"
        store.ask(change, moved, database)


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


def move_ledger(ledger, span_s):
    def moved(time_s):
        return time_s + span_s if time_s else time_s

    minutes = round(span_s / 60)
    calls = {str(int(minute) + minutes): n for minute, n in ledger["calls"].items()}
    waiting = {
        queue: {
            holder: [priority, moved(since), instance, moved(until)]
            for holder, (priority, since, instance, until) in claims.items()
        }
        for queue, claims in ledger["waiting"].items()
    }
    return {
        **ledger,
        "calls": calls,
        "waiting": waiting,
        **{
            name: {each: moved(until) for each, until in ledger[name].items()}
            for name in ("alive", "reduced")
        },
        **{name: moved(ledger[name]) for name in ("read_at", "reading_claimed_at")},
    }


def move_here(store):
    """Make all holders processes of this machine, where they are dead.

    A name is `place.pid.start.token`; without a place nothing is known of the process.
    """
    place = new_holder_name().partition(".")[0]
    [(known,)] = store.ask("SELECT holder FROM leases LIMIT 1")
    old = known.partition(".")[0]
    for table, column in (
        ("leases", "holder"),
        ("write_intents", "holder"),
        ("vendor_ledgers", "payload"),
    ):
        store.ask(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", old, place)


class Old:
    """An older release's installation with this release's processes on it."""

    def __init__(self, facts, data, store):
        self.facts = facts
        self.data = data
        self.store = store
        self.base_url = ""
        self.log = data.parent / "serve.log"
        self.env = {
            "BRIDGE_DATA_DIR": str(data),
            "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
            "BRIDGE_INTEGRATION_CODE": facts["simulator"]["integrationCode"],
            "BRIDGE_AUTOTASK_TIMEZONE": "UTC",
            "BRIDGE_WORKER_LEASE_S": "6",
            "BRIDGE_IDEMPOTENCY_SETTLE_S": "1",
            **store.env,
        }

    def look(self):
        """Note what the old release left, before anything of this one runs."""
        ask = self.store.ask
        tables = {table for table, _, _ in self.store.columns(jobs=False)}
        self.rows = {t: ask(f"SELECT count(*) FROM {t}")[0][0] for t in tables}
        self.ledgers = [p for (p,) in ask("SELECT payload FROM vendor_ledgers")]
        self.steps = self.read_steps()
        counted = ask("SELECT state, count(*) FROM write_intents GROUP BY state")
        self.states = dict(counted)

    def read_steps(self):
        """Return work, number, name and end of every step that is kept."""
        return self.store.ask(
            "SELECT workflow_uuid, function_id, function_name, completed_at_epoch_ms "
            "FROM operation_outputs ORDER BY workflow_uuid, function_id",
            jobs=True,
        )

    def serve(self):
        """Start the facade and its worker; it answers when this returns."""
        self._serving = start(
            self.log, "serve", "--port", 0, "--workers", 1, **self.env
        )
        self.base_url = first_line(self._serving, self.log)["baseUrl"]

    def stop(self):
        stop(self._serving)

    def run(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **self.env},
            check=False,
        )

    def call(self, method, path, authorization, body=None, *, key=None):
        """Return status, headers by lower-case name, and body."""
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        request = urllib.request.Request(
            self.base_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers=headers if key is None else {**headers, "Idempotency-Key": key},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, lower(error.headers), error.read()

    def secrets_of(self, name):
        """Return what a caller of an instance sends."""
        return self.facts["instances"][name]["secrets"]

    def platform(self, name):
        """Return what a user sends who means no instance."""
        return self.facts["users"][name]["secrets"]


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def start(log, *arguments, **env):
    """Start a command, which logs to a file; it dies with the group of the tests."""
    with log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "bridge", *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **env},
        )


def first_line(process, log):
    line = process.stdout.readline()
    assert line, log.read_text()
    return json.loads(line)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(120)
    finally:
        process.kill()
        process.stdout.close()


@contextlib.contextmanager
def simulator(port, log):
    """Start a vendor where the old one was; it answers once it is furnished."""
    wait_for_port(port)
    process = start(log, "sandbox", "--port", port, "--service-time", "utc")
    try:
        yield process
    finally:
        stop(process)


def furnish(vendor, log, facts):
    """Give the vendor the records that the old one had been sent.

    The old one's file is no part of the data: each release may store records otherwise.
    """
    url = first_line(vendor, log)["sandboxUrl"]
    rows = {
        entity: [
            moved_row(row, datetime.fromisoformat(facts["made_at"])) for row in some
        ]
        for entity, some in facts["vendor"].items()
    }
    request = urllib.request.Request(
        f"{url}/sandbox/seed",
        data=json.dumps({"rows": rows}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status == 200


def moved_row(row, made_at):
    """Return a record of the old vendor with the times at which it was created as now.

    Other times are what callers sent. The old vendor's zone was US Eastern; the new
    one's is UTC, so that no test depends on a change of the clocks.
    """
    now = datetime.now(UTC)

    def moved(text):
        with contextlib.suppress(TypeError, ValueError):
            at = datetime.fromisoformat(text).replace(tzinfo=EASTERN)
            if abs(at - made_at) < timedelta(hours=1):
                return now.strftime(VENDOR_TIME)
        return text

    return {name: moved(value) for name, value in row.items()}


def wait_for_port(port):
    """Wait while another run of these tests has the address that the data names."""
    ends_at = time.monotonic() + 200
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                assert time.monotonic() < ends_at, f"port {port} stays in use"
                time.sleep(0.2)
            else:
                return


@contextlib.contextmanager
def restored(kind, release, facts, folder, postgresql_database):
    """Yield the store of an unpacked copy, its times and its place moved to here."""
    with tarfile.open(DATA / release / f"{kind}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    (folder / "data").chmod(0o700)
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            store = SqliteStore(folder / "data")
        else:
            if not shutil.which("psql") and os.environ.get("CI") != "true":
                pytest.skip("psql and pg_dump are not installed")
            # A database of its own, as the dump names its schemas.
            store = PostgresqlStore(stack.enter_context(postgresql_database()))
            dump = gzip.decompress((DATA / release / "postgresql.sql.gz").read_bytes())
            psql = ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]
            subprocess.run(
                [*psql, f"--dbname={store.libpq}"],
                input=dump,
                check=True,
                capture_output=True,
                env={**os.environ, "PGOPTIONS": "-csynchronous_commit=off"},
            )
        move_all_times(store, datetime.fromisoformat(facts["made_at"]))
        move_here(store)
        yield store


@pytest.fixture(scope="module")
def open_release(tmp_path_factory, postgresql_database):
    """Return a context manager: a release's data of a kind, with this one serving."""

    @contextlib.contextmanager
    def open_release(release, kind):
        folder = tmp_path_factory.mktemp(f"release-{kind}")
        log = folder / "simulator.log"
        facts = json.loads((DATA / release / f"{kind}.json").read_text())
        with (
            simulator(facts["ports"][0], log) as vendor,
            restored(kind, release, facts, folder, postgresql_database) as store,
        ):
            furnish(vendor, log, facts)
            old = Old(facts, folder / "data", store)
            old.look()
            old.serve()
            try:
                yield old
            finally:
                old.stop()

    return open_release
