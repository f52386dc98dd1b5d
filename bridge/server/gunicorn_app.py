"""gunicorn for the facade; all of its configuration is here."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from bridge.server.tls import Certificates
from bridge.server.worker import FacadeWorker
from bridge.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def run(  # noqa: PLR0913 - what an operator can choose, by name
    make_app: Callable[[], WSGIApplication],
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    ready: Callable[[int], None],
    settings: Settings,
    tls: Certificates | None = None,
) -> NoReturn:
    """Serve until SIGTERM (running requests may end) or SIGINT (at once), then exit.

    SIGHUP replaces the worker processes; the old ones end after their running requests,
    and no request is lost. Must run in the main thread of its process. The process
    exits with 0, with 3 when `make_app` fails in a worker, with 1 when the address is
    not available.

    Args:
        make_app: called once in each worker process, after the fork, so that no
            connection or lock is shared between processes.
        host: address or name to bind; IPv6 without brackets.
        port: 0 for any free port.
        workers: number of processes.
        threads: concurrent requests in each process.
        ready: called in this process with the port once it listens; requests sent from
            then on are served, at the latest when a worker is up.
        settings: timeouts, and the limits of one connection.
        tls: serve HTTPS with this certificate instead of HTTP.
    """
    _GunicornApplication(
        make_app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": threads,
            "worker_class": FacadeWorker,
            "logger_class": _GunicornLogger,
            "loglevel": "warning",
            "keepalive": settings.http_keepalive_s,
            "graceful_timeout": round(settings.shutdown_timeout_s),
            "limit_request_fields": settings.http_max_headers,
            "limit_request_field_size": settings.http_max_header_bytes,
            # Trusted proxies are configured in one place: `proxy_headers`.
            "forwarded_allow_ips": "",
            # The C parser refuses unencoded targets before we can encode them.
            "http_parser": "python",
            "control_socket_disable": True,
            "when_ready": lambda server: ready(server.LISTENERS[0].getsockname()[1]),
            # Spares the garbage collection at exit, which can take seconds.
            "on_exit": lambda _server: gc.freeze(),
            **(_tls_settings(tls) if tls else {}),
        },
        settings.http_request_timeout_s,
    ).run()
    raise SystemExit(0)


def _tls_settings(tls: Certificates) -> dict[str, Any]:
    return {
        "certfile": str(tls.certificate),
        "keyfile": str(tls.key),
        "ssl_context": lambda _config, _default: tls.context(),
    }


class _GunicornLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers of its own: its lines go where ours go."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        """Apply a configuration, at the start and after each SIGHUP."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True


class _GunicornApplication(BaseApplication):  # type: ignore[misc]
    """Settings and application, as gunicorn wants them."""

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
