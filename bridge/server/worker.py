"""The server's worker: gunicorn's threads with the wire habits old clients need.

What differs from gunicorn 27: `Server` is the last header; request targets may hold
blanks, quotes and raw bytes; request lines may have 20,000 bytes; a request that
cannot be read is answered with the JSON envelope, or with headers alone for HEAD; a
later minor version of HTTP is answered with 1.1; the application can limit a chunked
body by the sizes it announces; a thread begins with a request when its head has
arrived, so that slow callers occupy none. Everything that guards against request
smuggling is gunicorn's and stays as it is. Source: DESIGN 12; elements-api 1.5.

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

from bridge.server.connection import Arrival, FacadeConnection
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
_MOST_HEADS = 256
"""Heads under way in one process; with one more, the oldest of them is cut."""

_LARGE_HEAD_BYTES = 2**16
_MOST_HEAD_BYTES = 2**25
_LAST_WORDS_S = 2.0
_GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class FacadeWorker(ThreadWorker):  # type: ignore[misc]
    """One process of the facade; `app.stall_s` bounds the silence of a caller."""

    def load_wsgi(self) -> None:
        """Build the application, then keep its objects out of garbage collection.

        Large replies are decoded beside small calls: switching threads often keeps
        the small ones quick. Source: performance.md sections 4 and 9.
        """
        super().load_wsgi()
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Serve until told to stop."""
        self._heads: dict[FacadeConnection, None] = {}
        super().run()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """End at once, whatever is under way."""
        if not self.booted:
            super().handle_quit(sig, frame)
        self.method_queue.defer(_end)

    def accept(self, listener: Foreign) -> bool:
        """Take a new connection, if there is one; tell whether there was."""
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
        """Tell whether the arbiter lives; when it was killed, stop as for SIGTERM."""
        lives: bool = super().is_parent_alive()
        if not lives:
            self.alive = False
        return lives

    def on_client_socket_readable(self, conn: Foreign, client: Foreign) -> None:
        """Read the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._read(conn)

    def finish_request(self, conn: Foreign, fs: Foreign) -> None:
        """Keep a connection or close it; what was read ahead of a request counts."""
        kept = not fs.cancelled() and fs.exception() is None and fs.result() is True
        if kept and conn.keep():
            self._read(conn)
        else:
            super().finish_request(conn, fs)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, no longer than the head that must come first may take."""
        if self._heads:
            first = min(conn.timeout for conn in self._heads)
            timeout = max(0.0, min(timeout, first - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)

    def murder_pending(self) -> None:
        """Cut the connections whose head did not come in time."""
        now = time.monotonic()
        for conn in [each for each in self._heads if each.timeout <= now]:
            self._cut(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Stop listening, and wait for no request's head longer than that."""
        self._stop_listening()
        super()._cap_keepalive(deadline)
        for conn in self._heads:
            conn.timeout = min(conn.timeout, deadline)

    def _stop_listening(self) -> None:
        """Give up the address before running calls have ended.

        gunicorn keeps it until then: callers would connect and wait in vain, no proxy
        would turn to another server, and nothing could be started in our place.
        Connections that wait already are taken.
        """
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self.accept(listener):
                pass
            listener.close()

    def _read(self, conn: FacadeConnection) -> None:
        """Read what has come of a head; hand it to a thread when that is all of it."""
        match conn.receive():
            case Arrival.UNDER_WAY:
                self._watch(conn)
            case Arrival.READY:
                self._unwatch(conn)
                self.enqueue_req(conn)
            case Arrival.GONE:
                self._unwatch(conn)
                self.nr_conns -= 1
                conn.close()

    def _watch(self, conn: FacadeConnection) -> None:
        if conn in self._heads:
            self.poller.modify(conn.sock, conn.wants, partial(self._go_on, conn))
        else:
            if len(self._heads) >= _MOST_HEADS:
                self._cut(next(iter(self._heads)))
            patience_s = self.app.stall_s
            if not self.alive:
                patience_s = min(patience_s, STOP_KEEPALIVE_LINGER)
            conn.timeout = time.monotonic() + patience_s
            self._heads[conn] = None
            self.poller.register(conn.sock, conn.wants, partial(self._go_on, conn))
        if len(conn.head) > _LARGE_HEAD_BYTES and (
            sum(len(each.head) for each in self._heads) > _MOST_HEAD_BYTES
        ):
            self._cut(conn)

    def _unwatch(self, conn: FacadeConnection) -> None:
        if conn in self._heads:
            del self._heads[conn]
            self.poller.unregister(conn.sock)

    def _go_on(self, conn: FacadeConnection, _sock: Foreign) -> None:
        # It may have been cut after the event was noticed.
        if conn in self._heads:
            self._read(conn)

    def _cut(self, conn: FacadeConnection) -> None:
        """Refuse a head that is not there; one of which nothing is there just ends."""
        self._unwatch(conn)
        self.nr_conns -= 1
        if conn.head:
            error = StalledRequestError()
            error.head = conn.head.take()
            self.handle_error(None, conn.sock, conn.client, error)
        conn.cut()

    def handle(self, conn: Foreign) -> object:
        """Answer a request; where the connection ends with it, end it here.

        gunicorn would wait for the caller in the thread that accepts connections.
        """
        reusable: object = super().handle(conn)
        if not reusable:
            conn.hang_up()
        return reusable

    def handle_request(self, req: Foreign, conn: Foreign) -> bool:
        """Answer one request; return whether the connection can be used again."""
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
            self.log.info("a caller stopped reading its answer")
            return False
        except OSError:
            raise
        except Exception:
            if not response.headers_sent:
                raise
            # A second answer on this connection would be read as part of the first.
            self.log.exception("an answer was cut off")
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
        """Answer what never reached the application; gunicorn then hangs up.

        Neither log nor answer repeats what was sent: it may hold secrets.
        """
        if isinstance(exc, ssl.SSLError):
            return
        request_id = new_request_id()
        summary = RequestSummary.of(req) if req else RequestSummary()
        if isinstance(exc, ParseException):
            summary = summarize(getattr(exc, "head", b""))
            status, message = refusal(exc)
            kind = type(exc).__name__
            self.log.warning(
                "request %s from %s refused: %s",
                request_id,
                addr,
                kind,
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
            self.log.debug("request %s: nobody reads the refusal", request_id)


def _end() -> NoReturn:
    """End this process without the calls it is answering, but not without its notes.

    Python itself would wait for every thread of the pool.
    """
    last_words = threading.Thread(
        target=atexit._run_exitfuncs,  # noqa: SLF001 - there is no public one
        daemon=True,
    )
    last_words.start()
    last_words.join(_LAST_WORDS_S)
    os._exit(0)
