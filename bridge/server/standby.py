"""An application that stands in until the database is available.

A worker process that starts while the database is unavailable must serve errors: if it
exited, gunicorn would restart it over and over, or end the whole server.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from bridge.errors import BridgeError
from bridge.web.http import cors
from bridge.web.http.errors import DATABASE_UNAVAILABLE, envelope
from bridge.web.http.paths import normalise
from bridge.web.http.request_context import new_request_id
from bridge.web.http.responses import JSON_TYPE, to_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAUSE_S = 1.0
_HEALTH = "/healthz"

_log = logging.getLogger(__name__)


class Standby:
    """The application of `make_app`, or errors until `make_app` succeeds.

    While it raises a `BridgeError`, it is retried at most once a second, by one request
    at a time, never by `/healthz`. Meanwhile `/healthz` gets 200, `/readyz` gets 503
    with the reason, and all others get 502, or 503 when `strict`, as an ordinary error
    response. Thread-safe.
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
        """Serve a request."""
        if self._app is not None:
            return self._app(environ, start_response)
        path = normalise(quote(environ.get("PATH_INFO", "").encode("latin-1")))
        app = None if path == _HEALTH else self._make()
        if app is not None:
            return app(environ, start_response)
        request_id = new_request_id()
        status, body = self._refusal(path, request_id)
        headers = {
            "Content-Type": JSON_TYPE,
            "Content-Length": str(len(body)),
            "Elements-Request-Id": request_id,
            **cors.response_headers(path, environ.get("HTTP_ORIGIN", "")),
        }
        start_response(f"{status.value} {status.phrase}", [*headers.items()])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _make(self) -> WSGIApplication | None:
        """Return the application; None if it fails or another thread is making it."""
        if not self._making.acquire(blocking=False):
            return self._app
        try:
            if self._app is None and time.monotonic() >= self._due_at:
                self._app = self._make_app()
        except BridgeError as error:
            if error.message != self._reason:
                _log.error("this process waits for its database: %s", error.message)
            self._reason = error.message
            self._due_at = time.monotonic() + _PAUSE_S
        finally:
            self._making.release()
        return self._app

    def _refusal(self, path: str, request_id: str) -> tuple[HTTPStatus, bytes]:
        if path == _HEALTH:
            return HTTPStatus.OK, to_json({"status": "ok"})
        if path == "/readyz":
            document = {"status": "not ready", "reason": self._reason}
            return HTTPStatus.SERVICE_UNAVAILABLE, to_json(document)
        return self._status, envelope(request_id, DATABASE_UNAVAILABLE)
