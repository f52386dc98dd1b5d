"""The database takes requests and does not respond: who watches Bridge gets a response.

Nothing here waits for the database: each test would end by its time limit only.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text
from waiting import wait_until

from bridge import composition
from bridge.app import create_app
from bridge.errors import StoreUnavailableError
from bridge.services import timed_reading
from bridge.settings import Settings

TIMEOUT_S = 0.5
MOST_S = 10 * TIMEOUT_S
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9"}


class Freezer:
    """A port that leads to PostgreSQL, and forwards nothing while it is frozen."""

    def __init__(self, target):
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def freeze(self):
        self._flows.clear()

    def thaw(self):
        self._flows.set()

    def close(self):
        self.thaw()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _start(self, target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                self._start(self._pump, client, server)
                self._start(self._pump, server, client)

    def _pump(self, source, target):
        with suppress(OSError):
            while piece := source.recv(65_536):
                self._flows.wait()
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def application(url, directory):
    settings = Settings(data_dir=directory, database_url=SecretStr(url))
    with closing(composition.open_database(settings)) as database:
        database.upgrade()
    app = create_app(settings)
    context = app.extensions["bridge"]
    readers = (context.state_reader, context.readiness_reader)
    for reader in readers:
        reader._timeout_s = TIMEOUT_S
    yield app
    context.request_log.flush()
    context.database.close()


def fetch(app, path):
    began = time.monotonic()
    response = app.test_client().get(path, headers=BROWSER if path == "/" else {})
    assert time.monotonic() - began < MOST_S, path
    return response


def is_available(app):
    body = fetch(app, "/metrics").text
    return "bridge_database_available 1.0" in body


def readings():
    return [one for one in threading.enumerate() if one.name == "timed-reading"]


def test_a_locked_table_delays_neither_metrics_nor_readiness(
    tmp_path, postgresql_schema
):
    with postgresql_schema() as url, application(url, tmp_path) as app:
        assert is_available(app)
        engine = create_engine(url)
        with engine.begin() as other:
            other.execute(text("LOCK TABLE vendor_ledgers IN ACCESS EXCLUSIVE MODE"))
            for _ in range(5):
                assert "bridge_database_available 0.0" in fetch(app, "/metrics").text
            assert len(readings()) == 1
            # Another request, which needs no locked table, gets the true response.
            assert fetch(app, "/readyz").status_code == 200
        engine.dispose()

        wait_until(lambda: not readings())
        assert is_available(app)
        pool = app.extensions["bridge"].database._engine.pool
        assert pool.checkedout() == 0


def test_a_frozen_server_is_reported_and_leaves_nothing_behind(
    tmp_path, postgresql_schema
):
    with postgresql_schema() as url:
        parts = make_url(url)
        freezer = Freezer((parts.host, parts.port or 5432))
        through = parts.set(host="127.0.0.1", port=freezer.port)
        shown = through.render_as_string(hide_password=False)
        with closing(freezer), application(shown, tmp_path) as app:
            assert is_available(app)
            assert fetch(app, "/readyz").status_code == 200
            assert "Not ready" not in fetch(app, "/").text
            freezer.freeze()
            for _ in range(3):
                assert not is_available(app)
                unready = fetch(app, "/readyz")
                assert unready.status_code == 503
                assert unready.json["reason"] == (
                    "The database did not respond within 0.5 s; end what locks its "
                    "tables, or restart its server."
                )
                page = fetch(app, "/")
                assert page.status_code == 200
                assert "Not ready" in page.text
            assert len(readings()) == 2
            assert fetch(app, "/healthz").status_code == 200
            freezer.thaw()

            wait_until(lambda: not readings())
            assert is_available(app)
            assert fetch(app, "/readyz").status_code == 200
            pool = app.extensions["bridge"].database._engine.pool
            assert pool.checkedout() == 0


def test_while_a_reading_is_late_others_are_refused_at_once():
    reader = timed_reading.TimedReader(timeout_s=0.05)
    ended = threading.Event()
    with pytest.raises(StoreUnavailableError):
        reader.read(ended.wait)
    # Waiting for a turn now would take longer than the test may.
    reader._timeout_s = 1e6

    with pytest.raises(StoreUnavailableError):
        reader.read(lambda: "not read")

    ended.set()
    wait_until(lambda: not readings())
    assert reader.read(lambda: "read") == "read"


def test_readings_take_turns():
    reader = timed_reading.TimedReader(timeout_s=60)
    ended = threading.Event()
    results = []
    first = threading.Thread(
        target=lambda: results.append(reader.read(lambda: ended.wait() and "first"))
    )
    first.start()
    wait_until(readings)
    second = threading.Thread(
        target=lambda: results.append(reader.read(lambda: "second"))
    )
    second.start()
    ended.set()
    first.join()
    second.join()
    assert sorted(results) == ["first", "second"]


def test_what_a_reading_raises_is_raised():
    reader = timed_reading.TimedReader()

    for error in (TimeoutError("its own"), ValueError("no")):

        def fail(error=error):
            raise error

        with pytest.raises(type(error), match=str(error)):
            reader.read(fail)
