"""Runs the simulator: gunicorn, one worker process, many threads.

The database is created before the worker is forked and has no open connection then.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.http import wsgi
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import ThreadWorker

from bridge.sandbox.app import MAX_CONCURRENT_REQUESTS, SandboxApp
from bridge.sandbox.control.journal import Recording
from bridge.sandbox.control.limits import LIMITS
from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import seed, values
from bridge.sandbox.data.dataset import Dataset
from bridge.sandbox.data.initial_data import ProgressReport
from bridge.sandbox.facts.loader import load_facts

# Functions that build the data sets from the facts, by name.
SEEDS: dict[str, Callable[..., Dataset]] = {
    "small": seed.small,
    "million": seed.million,
    "hostile": seed.hostile,
}

LARGE = frozenset({"million"})  # data sets that take minutes to build

_SPARE_THREADS = 32  # for the control paths, also when all others are busy
_BACKLOG = 256
_MAX_FILES = 8192  # one for a connection, three of the database for a thread


class _Response(Response):  # type: ignore[misc]  # gunicorn is untyped
    """A response with the `Date` of the application."""

    def default_headers(self) -> list[str]:
        """Return status line and connection headers, without gunicorn's `Date`."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith("Date:")]

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Set the application's headers; gunicorn itself drops its `Date`."""
        given = list(headers)
        super().process_headers(given)
        self.headers += [header for header in given if header[0] == "Date"]


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """A gunicorn worker that uses `_Response`."""

    def handle_request(self, req: Any, conn: Any) -> bool:  # noqa: ANN401 - untyped
        """Respond to one request; return whether the connection can be used again."""
        response, environ = wsgi.create(
            req,
            conn.sock,
            conn.client,
            conn.server,
            self.cfg,
            response_class=_Response,
        )
        environ["wsgi.multithread"] = True
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        parts = self.wsgi(environ, response.start_response)
        try:
            for part in parts:
                response.write(part)
            response.close()
        except OSError:
            raise
        except Exception:
            if not response.headers_sent:
                raise
            # A second response here would be read as the rest of the first one.
            self.log.exception("A response was cut off")
            return False
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return not response.should_close()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn with all its options; it reads no configuration."""

    def __init__(
        self, app: SandboxApp, listener: socket.socket, on_ready: Callable[[], None]
    ) -> None:
        self._app = app
        self._options = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": _Worker,
            # One process: clock, knobs, limits and journal are in its memory.
            "workers": 1,
            "threads": MAX_CONCURRENT_REQUESTS + _SPARE_THREADS,
            "keepalive": 30,
            "timeout": 120,
            "graceful_timeout": 3,
            "loglevel": "error",
            "control_socket_disable": True,
            "post_worker_init": lambda _worker: on_ready(),
        }
        super().__init__()

    def load_config(self) -> None:
        """Set the options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 - what gunicorn expects of a WSGI application
        """Return the application, in the worker."""
        gc.freeze()  # keeps memory shared that was loaded before the fork
        return self._app


class ListenError(OSError):
    """The address is taken or cannot be bound."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve, and where.

    Args:
        dataset_name: a key of `SEEDS`.
        host: address to bind.
        port: 0 takes a free one.
        data: the database file; None uses a temporary one.
        record: a file that SOAP requests and responses are appended to.
        generation: one of `vendor.GENERATIONS`.
        limits: a key of `limits.LIMITS`.
        service_time: a key of `values.SERVICE_ZONES`.
    """

    dataset_name: str
    host: str
    port: int
    data: Path | None
    record: Path | None
    generation: str
    limits: str
    service_time: str


def run(
    choices: ServeOptions,
    on_ready: Callable[[str, Dataset], None],
    preparing: AbstractContextManager[ProgressReport],
) -> None:
    """Serve until SIGINT or SIGTERM; then exit the process with status 0.

    `on_ready` is called with the base URL, slash at the end, once the server accepts
    requests. Before, the data set is built within `preparing`, which gets its progress.

    Raises:
        ListenError: the address is taken or cannot be bound.
        DatabaseError: the file has other data.
        RecordingError: the file to record in cannot be written.
    """
    recording = Recording(choices.record)
    values.set_service_time(choices.service_time)
    _raise_file_limit()
    facts = load_facts()
    dataset = SEEDS[choices.dataset_name](facts)
    with _database_file(choices.data) as path:
        vendor = Vendor(
            facts,
            dataset,
            path,
            durable=choices.data is not None,
            generation=choices.generation,
            limits=LIMITS[choices.limits],
        )
        with preparing as report:
            vendor.initial_data.prepare(report)
        vendor.refresh()
        # A connection of SQLite must not be used on both sides of a fork.
        vendor.database.close()
        listener = _listen(choices.host, choices.port)
        base_url = _base_url(choices.host, listener)
        app = SandboxApp(vendor, recording)
        _Server(app, listener, lambda: on_ready(base_url, dataset)).run()


def _raise_file_limit() -> None:
    """Raise the limit of open files for many clients, if that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(_MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # A simulator can be started again at once on the same port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(error.errno, error.strerror) from error
    return listener


@contextmanager
def _database_file(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    folder, owner = tempfile.mkdtemp(prefix="bridge-sandbox-"), os.getpid()
    try:
        yield Path(folder) / "sandbox.sqlite"
    finally:
        # The forked worker comes here too, and may be replaced by another one.
        if os.getpid() == owner:
            shutil.rmtree(folder)


def _base_url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}/"
