"""The administration commands, run as an operator runs them, on both databases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, select, text

from bridge.cli import main
from bridge.composition import build_context, open_database
from bridge.settings import Settings
from bridge.store.models import key_checks, metadata


class Operator:
    """Runs commands with an installation's environment."""

    def __init__(self, env):
        self.env = env

    def run(self, *arguments, stdin=None, env=None):
        """Run a command to its end; returns click's result."""
        return CliRunner().invoke(
            main,
            [str(argument) for argument in arguments],
            input=stdin,
            env={**self.env, **(env or {})},
        )

    def ok(self, *arguments, **options):
        """Run a command that must succeed and return what it printed."""
        result = self.run(*arguments, **options)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ok(*arguments, "--json", **options))

    def refused(self, *arguments, code=1, **options):
        """Run a command that must fail with one line on stderr; return the line."""
        result = self.run(*arguments, **options)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        [line] = result.stderr.splitlines()
        assert line.startswith("Error: ")
        return line

    def process(self, *arguments, env=None, timeout_s=200):
        """Run a command in a process of its own to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **self.env, **(env or {})},
            check=False,
        )

    def dies(self, *arguments, code=1, **options):
        """Run a process that must end with one line on stderr; return the line."""
        ended = self.process(*arguments, **options)
        assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
        [line] = ended.stderr.splitlines()
        assert line.startswith("Error: ")
        return line

    def settings(self):
        url = self.env.get("BRIDGE_DATABASE_URL")
        return Settings(
            data_dir=self.env["BRIDGE_DATA_DIR"],
            database_url=url,
            autotask_allow_loopback=True,
        )

    @contextmanager
    def database(self):
        with closing(open_database(self.settings())) as database:
            yield database

    @contextmanager
    def context(self):
        with self.database() as database:
            yield build_context(self.settings(), database)

    def add_user(self, email="ann@northwind.example", **options):
        return self.json(
            *("user", "add", "--organization", "Northwind", "--email", email),
            *("--password", "correct horse"),
            **options,
        )


@pytest.fixture
def embedded(tmp_path, prepared_sqlite) -> Operator:
    """An operator of an empty installation on SQLite."""
    shutil.copytree(prepared_sqlite, tmp_path / "data")
    return Operator({"BRIDGE_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def disk(tmp_path):
    """A file system of six megabytes; skips the test where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(request, tmp_path) -> Operator:
    """An operator of an empty installation on each database."""
    if request.param == "sqlite":
        return request.getfixturevalue("embedded")
    folder, url, check = request.getfixturevalue("prepared_postgresql")
    shutil.copytree(folder, tmp_path / "data")
    engine = create_engine(url)
    with engine.begin() as connection:
        tables = [name for name in metadata.tables if name != key_checks.name]
        connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), check)
        connection.execute(key_checks.update().values(sealed_text=check["sealed"]))
    engine.dispose()
    return Operator(
        {"BRIDGE_DATA_DIR": str(tmp_path / "data"), "BRIDGE_DATABASE_URL": url}
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def blank(request, tmp_path, postgresql_schema) -> Iterator[Operator]:
    """An operator of an installation that was never started."""
    env = {"BRIDGE_DATA_DIR": str(tmp_path / "data")}
    if request.param == "sqlite":
        yield Operator(env)
        return
    with postgresql_schema() as url:
        yield Operator({**env, "BRIDGE_DATABASE_URL": url})


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory):
    """The data directory of an empty installation, to be copied."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    Operator({"BRIDGE_DATA_DIR": str(folder)}).ok("db", "upgrade")
    return folder


@pytest.fixture(scope="session")
def prepared_postgresql(tmp_path_factory, postgresql_schema):
    """Data directory and URL of an empty installation, and what proves its keys."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with postgresql_schema() as url:
        operator = Operator(
            {"BRIDGE_DATA_DIR": str(folder), "BRIDGE_DATABASE_URL": url}
        )
        operator.ok("db", "upgrade")
        with operator.database() as database, database.read() as connection:
            check = {
                "sealed": connection.execute(select(key_checks)).one().sealed_text,
                "v": database.versions()[0],
            }
        yield folder, url, check


@pytest.fixture
def connected(embedded, demo) -> Operator:
    """An operator whose installation may reach the demo's simulator."""
    embedded.env |= {
        "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
        "BRIDGE_INTEGRATION_CODE": demo["integrationCode"],
        "BRIDGE_AUTOTASK_CONNECT_TIMEOUT_S": "20",
    }
    return embedded


class Relay(ThreadingHTTPServer):
    """A proxy before the simulator that changes its responses.

    `edits` are pairs of texts, replaced in bodies; `ahead_s` shifts the Date header;
    `page` is what everything is answered with instead, as HTML with `status`.
    """

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = target.rstrip("/")
        self.edits: list[tuple[str, str]] = []
        self.ahead_s = 0.0
        self.page = ""
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: Relay

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self._pass(self.rfile.read(length))

    def do_GET(self):
        self._pass(None)

    def _pass(self, body):
        if self.server.page:
            page = self.server.page.encode()
            self._answer(self.server.status, {"Content-Type": "text/html"}, page)
            return
        request = urllib.request.Request(
            self.server.target + self.path, data=body, method=self.command
        )
        for name in ("Host", "Authorization", "Content-Type", "SOAPAction"):
            if self.headers.get(name):
                request.add_header(name, self.headers[name])
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                self._answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                self._answer(error.code, error.headers, error.read())

    def _answer(self, status, headers, body):
        for old, new in self.server.edits:
            body = body.replace(old.encode(), new.encode())
        self.send_response(status)
        self.send_header("Content-Type", headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp=None):  # noqa: ARG002 - the library's name
        return formatdate(time.time() + self.server.ahead_s, usegmt=True)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def relay(demo) -> Iterator[Relay]:
    relay = Relay(demo["sandboxUrl"])
    thread = threading.Thread(target=relay.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield relay
    finally:
        relay.shutdown()
        thread.join()
        relay.server_close()
