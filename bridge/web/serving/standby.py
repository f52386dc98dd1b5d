"""A process of the facade that lives before its database can be used.

A server that starts its processes anew while the database is away must go on saying
so: a process that ended would be started again and again, or take the server with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from bridge.errors import BridgeError
from bridge.web.current import new_request_id
from bridge.web.errors import envelope
from bridge.web.responses import JSON_TYPE, to_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


class Standby:
    """The application that `make_app` returns, as soon as it does.

    While it raises a `BridgeError` it is called again, at most once a second, and
    calls are answered here: `/healthz` with 200, `/readyz` with 503 and the reason,
    all others with 502, or 503 when `strict`. Safe to call from many threads.
    """

    def __init__(
        self, make_app: Callable[[], WSGIApplication], *, strict: bool
    ) -> None:
        self._make_app = make_app
        self._status = (
            HTTPStatus.SERVICE_UNAVAILABLE if strict else HTTPStatus.BAD_GATEWAY
        )
        self._making = threading.Lock()
        self._app: WSGIApplication | None = None
        self._reason = ""
        self._due_at = 0.0
        self._make()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a call."""
        if self._app is None:
            self._make()
        if self._app is not None:
            return self._app(environ, start_response)
        status, body = self._refusal(environ.get("PATH_INFO", ""))
        headers = [("Content-Type", JSON_TYPE), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _make(self) -> None:
        with self._making:
            if self._app is not None or time.monotonic() < self._due_at:
                return
            try:
                self._app = self._make_app()
            except BridgeError as error:
                if error.message != self._reason:
                    _log.error("this process waits for its database: %s", error.message)
                self._reason = error.message
                self._due_at = time.monotonic() + _PAUSE_S

    def _refusal(self, path: str) -> tuple[HTTPStatus, bytes]:
        if path == "/healthz":
            return HTTPStatus.OK, to_json({"status": "ok"})
        if path == "/readyz":
            document = {"status": "not ready", "reason": self._reason}
            return HTTPStatus.SERVICE_UNAVAILABLE, to_json(document)
        return self._status, envelope(new_request_id(), self._reason)
