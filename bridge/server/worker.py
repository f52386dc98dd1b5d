"""The server's worker: gunicorn's thread worker, compatible with old clients.

What differs from gunicorn 27: `Server` is the last header; request targets may contain
blanks, quotes and raw bytes; request lines may have 20,000 bytes; a request that cannot
be parsed gets a JSON error, or headers only for HEAD; a later minor version of HTTP is
handled as 1.1; the application can limit a chunked body by its announced sizes; a
thread is used for a request once its head has arrived, so that slow callers occupy
none. gunicorn's checks against request smuggling are all kept.
Source: DESIGN 12; elements-api 1.5.

gunicorn has no types, hence the ignores on its classes.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import socket
import ssl
import sys
import threading
import time
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import NoReturn

from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from bridge.server.connection import FacadeConnection, HeadState
from bridge.server.error_responses import (
    RequestSummary,
    build_refusal,
    refusal,
    summarize,
)
from bridge.server.wire import FacadeResponse, Foreign, StalledRequestError
from bridge.web.http.bodies import LIMIT_BODY
from bridge.web.http.errors import BUG
from bridge.web.http.request_context import new_request_id

_SWITCH_INTERVAL_S = 0.001
_MAX_HEADS = 256
"""Incomplete heads in one process; with one more, the oldest is refused."""

_LARGE_HEAD_BYTES = 2**16
_MAX_HEADS_BYTES = 2**25
_EXIT_TIMEOUT_S = 2.0
_GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class FacadeWorker(ThreadWorker):  # type: ignore[misc]
    """One process of the facade; `app.stall_s` is the timeout for a request's head."""

    def load_wsgi(self) -> None:
        """Build the application, then exclude its objects from garbage collection."""
        super().load_wsgi()
        # Large replies are decoded beside small requests; frequent thread switches keep
        # the small ones fast. Source: performance.md sections 4 and 9.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Serve until stopped."""
        self._heads: dict[FacadeConnection, None] = {}
        super().run()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Exit at once, also with running requests."""
        if not self.booted:
            super().handle_quit(sig, frame)
        self.method_queue.defer(_exit_at_once)

    def accept(self, listener: Foreign) -> bool:
        """Accept a pending connection; return whether there was one."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return False
        self.nr_conns += 1
        addresses = (client, listener.getsockname())
        self._read(FacadeConnection(self.cfg, sock, addresses, self.app.stall_s))
        return True

    def is_parent_alive(self) -> bool:
        """Return whether the parent process is alive; if not, stop gracefully."""
        lives: bool = super().is_parent_alive()
        if not lives:
            self.alive = False
        return lives

    def on_client_socket_readable(self, conn: Foreign, client: Foreign) -> None:
        """Read the next request of a keep-alive connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._read(conn)

    def finish_request(self, conn: Foreign, fs: Foreign) -> None:
        """Keep a connection open or close it; the next request may be read already."""
        kept = not fs.cancelled() and fs.exception() is None and fs.result() is True
        if kept and conn.take_read_ahead():
            self._read(conn)
        else:
            super().finish_request(conn, fs)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, no longer than until the first timeout of a head."""
        if self._heads:
            first = min(conn.timeout for conn in self._heads)
            timeout = max(0.0, min(timeout, first - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)

    def murder_pending(self) -> None:
        """Refuse the requests whose head did not arrive in time."""
        now = time.monotonic()
        for conn in [each for each in self._heads if each.timeout <= now]:
            self._cut(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Stop listening, and limit the wait for incomplete heads to `deadline`."""
        self._stop_listening()
        super()._cap_keepalive(deadline)
        for conn in self._heads:
            conn.timeout = min(conn.timeout, deadline)

    def _stop_listening(self) -> None:
        """Close the listening sockets before running requests have ended.

        Pending connections are accepted first.
        """
        # gunicorn would close them at the end: callers would connect in vain, no proxy
        # would fail over, and no other server could bind the address meanwhile.
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self.accept(listener):
                pass
            listener.close()

    def _read(self, conn: FacadeConnection) -> None:
        """Read what has arrived of a head; give it to a thread once it is complete."""
        match conn.receive():
            case HeadState.INCOMPLETE:
                self._watch(conn)
            case HeadState.READY:
                self._unwatch(conn)
                self.enqueue_req(conn)
            case HeadState.GONE:
                self._unwatch(conn)
                self.nr_conns -= 1
                conn.close()

    def _watch(self, conn: FacadeConnection) -> None:
        if conn in self._heads:
            self.poller.modify(conn.sock, conn.events, partial(self._resume, conn))
        else:
            if len(self._heads) >= _MAX_HEADS:
                # A dict keeps the order of insertion, so the first one is the oldest.
                self._cut(next(iter(self._heads)))
            timeout_s = self.app.stall_s
            if not self.alive:
                timeout_s = min(timeout_s, STOP_KEEPALIVE_LINGER)
            conn.timeout = time.monotonic() + timeout_s
            self._heads[conn] = None
            self.poller.register(conn.sock, conn.events, partial(self._resume, conn))
        if len(conn.head) > _LARGE_HEAD_BYTES and (
            sum(len(each.head) for each in self._heads) > _MAX_HEADS_BYTES
        ):
            self._cut(conn)

    def _unwatch(self, conn: FacadeConnection) -> None:
        if conn in self._heads:
            del self._heads[conn]
            self.poller.unregister(conn.sock)

    def _resume(self, conn: FacadeConnection, _sock: Foreign) -> None:
        # It may have been refused after the event was polled.
        if conn in self._heads:
            self._read(conn)

    def _cut(self, conn: FacadeConnection) -> None:
        """Refuse an incomplete head and close; without any bytes of it, just close."""
        self._unwatch(conn)
        self.nr_conns -= 1
        if conn.head:
            error = StalledRequestError()
            error.head = conn.head.drain()
            self.handle_error(None, conn.sock, conn.client, error)
        conn.abort()

    def handle(self, conn: Foreign) -> object:
        """Serve a request; close the connection here if it is the last one."""
        # gunicorn would linger in the thread that accepts connections.
        reusable: object = super().handle(conn)
        if not reusable:
            conn.close_gracefully()
        return reusable

    def handle_request(self, req: Foreign, conn: Foreign) -> bool:
        """Serve one request; return whether the connection can be reused."""
        response, environ = wsgi.create(
            req,
            conn.sock,
            conn.client,
            conn.server,
            self.cfg,
            response_class=FacadeResponse,
        )
        environ["wsgi.multithread"] = True
        environ[LIMIT_BODY] = req.body.limit
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        try:
            self._respond(environ, response)
        except TimeoutError:
            self.log.info("a caller stopped reading its response")
            return False
        except OSError:
            raise
        except Exception:
            if not response.headers_sent:
                raise
            # A second response on this connection would be read as part of the first.
            self.log.exception("a response was cut off")
            return False
        return not response.should_close()

    def _respond(self, environ: dict[str, Foreign], response: Foreign) -> None:
        chunks = self.wsgi(environ, response.start_response)
        try:
            for chunk in chunks:
                response.write(chunk)
            response.close()
        finally:
            if hasattr(chunks, "close"):
                chunks.close()

    def handle_error(
        self,
        req: Foreign,
        client: socket.socket,
        addr: Foreign,
        exc: Exception,
    ) -> None:
        """Respond to what the application did not; gunicorn then closes the connection.

        Neither log nor response repeats what was sent: it may contain secrets.
        """
        if isinstance(exc, ssl.SSLError):
            return
        request_id = new_request_id()
        summary = RequestSummary.of(req) if req else RequestSummary()
        if isinstance(exc, ParseException):
            summary = summarize(getattr(exc, "head", b""))
            status, message = refusal(exc)
            self.log.warning(
                "request %s from %s refused: %s",
                request_id,
                addr,
                type(exc).__name__,
                extra={"request_id": request_id},
            )
        else:
            status, message = HTTPStatus.INTERNAL_SERVER_ERROR, BUG
            self.log.error(
                "request %s failed",
                request_id,
                exc_info=exc,
                extra={"request_id": request_id},
            )
        try:
            client.sendall(build_refusal(status, request_id, message, summary))
        except OSError:
            self.log.debug("request %s: the caller is gone", request_id)


def _exit_at_once() -> NoReturn:
    """End this process at once, without its running requests; save logs and metrics."""
    # An ordinary exit would wait for every thread of the pool.
    exit_hooks = threading.Thread(
        target=atexit._run_exitfuncs,  # noqa: SLF001 - has no public name
        daemon=True,
    )
    exit_hooks.start()
    exit_hooks.join(_EXIT_TIMEOUT_S)
    os._exit(0)
