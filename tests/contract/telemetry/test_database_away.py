"""The database goes away under a running facade, and comes back."""

from __future__ import annotations

import logging
import shutil
import socket
import socketserver
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.store.database import availability
from bridge.store.database.availability import AvailabilityLog

BASE = "/elements/api-v2"
REQUESTS = [
    ("GET", f"{BASE}/instances"),
    ("POST", f"{BASE}/instances"),
    ("GET", f"{BASE}/hubs/crm/accounts"),
    ("PATCH", f"{BASE}/accounts/7"),
    ("GET", f"{BASE}/usage"),
    ("GET", "/elements/api-v1/ui/getSecrets"),
]
SECRETS = {"Authorization": "User a, Organization b, Element c"}


class Forwarder:
    """A port that leads to PostgreSQL until it is closed, and again when opened."""

    def __init__(self, target):
        self._target = target
        # No other process gets the port while it is closed.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port = self._kept.getsockname()[1]
        self.open()

    def open(self):
        outer = self
        self._sockets = []

        class Link(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection(outer._target) as server:
                    outer._sockets += [self.request, server]
                    back = threading.Thread(target=pump, args=(server, self.request))
                    back.start()
                    pump(self.request, server)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", self.port), Link)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        for link in self._sockets:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def end(self):
        self.close()
        self._kept.close()


def pump(source, target):
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Outage:
    """A database file that can be lost and restored."""

    def __init__(self, directory):
        self._files = directory
        self._saved = directory / "saved"

    def close(self):
        self._saved.mkdir()
        for file in self._files.glob("bridge.db*"):
            shutil.copy(file, self._saved)
            file.write_bytes(b"no database " * 1000)

    def open(self):
        for file in self._saved.iterdir():
            restored = self._files / file.name
            # Not emptied first: who opens an empty file at that moment writes to it.
            with restored.open("r+b" if restored.exists() else "wb") as out:
                out.write(file.read_bytes())
                out.truncate()
        shutil.rmtree(self._saved)


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def served(request, tmp_path_factory, postgresql_schema):
    """An application, the outage of its database, and the status meanwhile."""
    directory = tmp_path_factory.mktemp("away")
    if request.param == "sqlite":
        settings = Settings(data_dir=directory, strict_status=True)
        with application(settings) as app:
            yield app, Outage(directory), 503
        return
    with postgresql_schema() as url:
        parts = make_url(url)
        forwarder = Forwarder((parts.host, parts.port or 5432))
        through = parts.set(host="127.0.0.1", port=forwarder.port)
        settings = Settings(
            data_dir=directory,
            database_url=SecretStr(through.render_as_string(hide_password=False)),
        )
        with application(settings) as app:
            yield app, forwarder, 502
        forwarder.end()


@contextmanager
def application(settings):
    with closing(composition.open_database(settings)) as database:
        database.upgrade()
    app = create_app(settings)
    yield app
    context = app.extensions["bridge"]
    context.request_log.flush()
    context.database.close()


@contextmanager
def away(served):
    app, outage, _ = served
    context = app.extensions["bridge"]
    # The log of the requests so far is not being written when the file is taken away.
    context.request_log.flush()
    # The file is opened again, as after a while without requests.
    context.database.close()
    outage.close()
    try:
        yield app
    finally:
        context.database.close()
        outage.open()


def call(app, method, path):
    client = app.test_client()
    client.set_cookie("JSESSIONID", "of the old console", path="/elements")
    return client.open(path, method=method, headers=SECRETS, json={})


def told(caplog):
    """Return what is said of the database; threads of other tests may log as well."""
    return [one for one in caplog.records if one.name == availability.__name__]


def test_requests_are_refused_while_the_database_is_away_and_work_again(served, caplog):
    caplog.set_level(logging.INFO)
    app, _, status = served
    assert call(app, "GET", "/readyz").status_code == 200
    with away(served):
        for method, path in REQUESTS:
            answer = call(app, method, path)
            assert answer.status_code == status, path
            assert answer.json == {
                "requestId": answer.headers["Elements-Request-Id"],
                "message": "Bridge cannot use its database just now, and may not have "
                "completed the request. Send the same request again later.",
            }
        assert call(app, "GET", "/healthz").status_code == 200
        readiness = call(app, "GET", "/readyz")
        assert readiness.status_code == 503
        assert "cannot be used" in readiness.json["reason"]

    for method, path in REQUESTS:
        assert call(app, method, path).status_code == 401, path
    assert call(app, "GET", "/readyz").status_code == 200
    said = [one for one in told(caplog) if one.levelno >= logging.WARNING]
    assert [one.getMessage().split(":")[0].split(",")[0] for one in said] == [
        "the database cannot be used",
        "the database can be used again",
    ]
    assert not [one for one in caplog.records if one.exc_info]


def test_a_connection_that_is_cut_between_two_requests_costs_nothing(served):
    app, outage, _ = served
    assert call(app, "GET", f"{BASE}/instances").status_code == 401
    if isinstance(outage, Forwarder):
        outage.close()
        outage.open()

    assert call(app, "GET", f"{BASE}/instances").status_code == 401


def test_a_database_that_fails_now_and_then_fills_no_log(caplog):
    log = AvailabilityLog()
    log.record_failure("before it ever worked")
    for _ in range(5):
        log.record_success()
        log.record_failure("one of five")
        log.record_failure("one of five")

    assert [one.getMessage().split(",")[0] for one in told(caplog)] == [
        "the database cannot be used: one of five",
        "the database can be used again",
    ]


def test_an_outage_soon_after_another_is_logged_when_it_lasts(caplog):
    log = AvailabilityLog(interval_s=0.1)
    log.record_success()
    log.record_failure("one")
    log.record_success()
    log.record_failure("two")
    time.sleep(0.1)
    log.record_failure("two")
    log.record_failure("two")

    assert [one.getMessage().split(",")[0] for one in told(caplog)] == [
        "the database cannot be used: one",
        "the database can be used again",
        "the database cannot be used: two",
    ]
