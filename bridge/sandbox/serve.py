"""Runs the simulator: gunicorn, one worker process, many threads.

The database is made before the worker is forked and has no open connection then.
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

SEEDS: dict[str, Callable[..., Dataset]] = {
    "small": seed.small,
    "million": seed.million,
    "hostile": seed.hostile,
}
"""Data sets by name, each made from the facts."""

LARGE = frozenset({"million"})
"""Data sets that take minutes to make and are kept once made."""

_SPARE_THREADS = 32  # for the control paths, whatever happens on the others
_BACKLOG = 256
_MAX_FILES = 8192  # a connection each, and three of the database for a thread


class _Response(Response):  # type: ignore[misc]  # gunicorn is untyped
    """An answer whose `Date` is the application's own."""

    def default_headers(self) -> list[str]:
        """Return status line and connection headers, without gunicorn's `Date`."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith("Date:")]

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Take the application's headers, its `Date` too, which gunicorn would drop."""
        given = list(headers)
        super().process_headers(given)
        self.headers += [header for header in given if header[0] == "Date"]


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """A worker of gunicorn whose answers are dated by the application."""

    def handle_request(self, req: Any, conn: Any) -> bool:  # noqa: ANN401 - untyped
        """Answer one request; return whether the connection can be used again."""
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
            # A second answer on this connection would be read as part of the first.
            self.log.exception("An answer was cut off")
            return False
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return not response.should_close()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn around a ready application, configured here and nowhere else."""

    def __init__(
        self, app: SandboxApp, listener: socket.socket, on_ready: Callable[[], None]
    ) -> None:
        self._app = app
        self._options = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": _Worker,
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
        """Take over the options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 - what gunicorn expects of a WSGI application
        """Return the application, in the worker."""
        gc.freeze()  # what was loaded before the fork is never collected
        return self._app


class ListenError(OSError):
    """The address is taken or cannot be bound."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What is to be served, and where.

    Args:
        dataset_name: a key of `SEEDS`.
        host: address to bind.
        port: 0 takes a free one.
        data: the database file; without it a temporary one is used and removed.
        record: a file that every SOAP request and reply is added to.
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

    `on_ready` is called with the base URL, slash at the end, once requests are
    answered. Before, the data set is made within `preparing` and reported to it.

    Raises:
        ListenError: the address is taken or cannot be bound.
        DatabaseError: the file holds something else.
        RecordingError: the file to record in cannot be written.
    """
    recording = Recording(choices.record)
    values.set_service_time(choices.service_time)
    _allow_files()
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
        vendor.database.close()
        listener = _listen(choices.host, choices.port)
        base_url = _base_url(choices.host, listener)
        app = SandboxApp(vendor, recording)
        _Server(app, listener, lambda: on_ready(base_url, dataset)).run()


def _allow_files() -> None:
    """Raise the number of open files to what many clients need, if that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(_MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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
        # The forked worker unwinds through here too, and may be replaced by another.
        if os.getpid() == owner:
            shutil.rmtree(folder)


def _base_url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}/"
