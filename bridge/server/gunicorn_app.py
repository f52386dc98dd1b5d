"""Serving the facade with gunicorn, configured here and nowhere else."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from bridge.server.tls import Certificates
from bridge.server.worker import FacadeWorker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one caller may take: time in seconds, headers in number and bytes.

    `stall_s` is for the head of a request, four times that for its body. `drain_s` is
    what running calls are given when the server stops or changes its processes.
    """

    stall_s: float = 30.0
    keepalive_s: int = 60
    drain_s: float = 30.0
    headers: int = 100
    header_bytes: int = 8190


def run(  # noqa: PLR0913 - what an operator can choose, by name
    make_app: Callable[[], WSGIApplication],
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    ready: Callable[[int], None] | None = None,
    limits: ConnectionLimits | None = None,
    tls: Certificates | None = None,
) -> NoReturn:
    """Serve until SIGTERM (running calls may end) or SIGINT (at once), then exit.

    SIGHUP puts new processes in the place of the old, which end when their calls
    have; no call is lost. Must run in the main thread of its process. The process
    exits with 0, or with 3 when `make_app` fails in a worker, 1 when the address
    cannot be had.

    Args:
        make_app: called once in each worker process, after the fork, so that no
            connection or lock is shared between processes.
        host: address or name to listen at; IPv6 without brackets.
        port: 0 for any free one.
        workers: processes.
        threads: calls answered at a time in each process.
        ready: called in this process with the port once it listens; calls made from
            then on are answered, those before a worker is up a little later.
        limits: what one caller may take.
        tls: speak HTTPS with this certificate, instead of HTTP.
    """
    limits = limits or ConnectionLimits()
    _Server(
        make_app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": threads,
            "worker_class": FacadeWorker,
            "logger_class": _Log,
            "loglevel": "warning",
            "keepalive": limits.keepalive_s,
            "graceful_timeout": round(limits.drain_s),
            "limit_request_fields": limits.headers,
            "limit_request_field_size": limits.header_bytes,
            # Whom to believe is decided in one place: `forwarded`.
            "forwarded_allow_ips": "",
            # The other parser refuses sloppy targets before we can mend them.
            "http_parser": "python",
            "control_socket_disable": True,
            "when_ready": _announcer(ready),
            "on_exit": _leave_garbage,
            **(_tls_settings(tls) if tls else {}),
        },
        limits.stall_s,
    ).run()
    raise SystemExit(0)


def _tls_settings(tls: Certificates) -> dict[str, Any]:
    return {
        "certfile": str(tls.certificate),
        "keyfile": str(tls.key),
        "ssl_context": lambda _config, _default: tls.context(),
    }


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log without handlers of its own: its lines go where ours go."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        """Follow a configuration, at the start and after each SIGHUP."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True


def _leave_garbage(_server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Spare Python the search for garbage at the end; it can take seconds."""
    gc.freeze()


def _announcer(ready: Callable[[int], None] | None) -> Callable[[Any], None]:
    """Return gunicorn's hook for the moment its sockets listen."""

    def when_ready(server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        if ready is not None:
            ready(server.LISTENERS[0].getsockname()[1])

    return when_ready


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's view of us: settings, and an application made on demand."""

    def __init__(
        self,
        make_app: Callable[[], WSGIApplication],
        settings: dict[str, Any],
        stall_s: float,
    ) -> None:
        self._make_app = make_app
        self._settings = settings
        self.stall_s = stall_s
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self._make_app()
