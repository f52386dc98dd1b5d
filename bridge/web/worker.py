"""The server's worker: gunicorn's threads with the wire habits old clients need.

What differs from gunicorn 27: `Server` is the last header; request targets may hold
blanks, quotes and raw bytes; request lines may have 20,000 bytes; a request that
cannot be read is answered with the JSON envelope; a silent caller cannot hold a
thread for ever. Everything that guards against request smuggling is gunicorn's and
stays as it is. Source: DESIGN 12; elements-api 1.5.

gunicorn has no types, hence the ignores on its classes.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import ssl
import sys
from http import HTTPStatus
from typing import TypeAlias

from gunicorn import sock as gunicorn_sock
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from bridge.web.current import new_request_id
from bridge.web.errors import BUG, envelope
from bridge.web.responses import JSON_TYPE
from bridge.web.wire import FacadeParser, FacadeResponse, Foreign, refusal

Addresses: TypeAlias = tuple[Foreign, Foreign]
"""The caller's and ours, as the socket gives them."""

_SWITCH_INTERVAL_S = 0.001
_LINGER_S = 2.0
_LINGER_BYTES = 2**26
_GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class FacadeConnection(TConn):  # type: ignore[misc]
    """A connection that reads with our parser and never waits longer than `stall_s`."""

    parser: Foreign
    sock: Foreign

    def __init__(
        self, cfg: Foreign, sock: socket.socket, addresses: Addresses, stall_s: float
    ) -> None:
        super().__init__(cfg, sock, *addresses)
        self._stall_s = stall_s

    def init(self) -> None:
        """Prepare for the next request; called before each one."""
        if not self.initialized:
            if self.cfg.is_ssl:
                self._shake_hands()
            self.parser = FacadeParser(self.cfg, self.sock, self.client, self._stall_s)
        super().init()
        self.sock.settimeout(self._stall_s)

    def _shake_hands(self) -> None:
        """Begin TLS; gunicorn would wait for a silent caller without end."""
        self.sock.settimeout(self._stall_s)
        self.sock = gunicorn_sock.ssl_wrap_socket(self.sock, self.cfg)
        try:
            self.sock.do_handshake()
        except TimeoutError:
            raise ssl.SSLError("no handshake in time") from None

    def hang_up(self) -> None:
        """Close, waiting up to 2 s for the caller to have read everything.

        What it still sends is read and dropped: left unread, it would make the
        system reset the connection, and the refusal of a large body would be lost.
        A caller that never said anything we understood is not waited for.
        """
        if self.parser is None:
            util.close(self.sock)
            return
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0)
            # It says goodbye and does not wait for the answer.
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
        util.close_graceful(
            self.sock,
            timeout=min(_LINGER_S, self._stall_s),
            max_drain=_LINGER_BYTES,
        )

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Close what `hang_up` has not closed already."""
        if self.sock.fileno() >= 0:
            super().close(graceful)


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

    def accept(self, listener: Foreign) -> None:
        """Take a new connection; as in gunicorn, with our kind of connection."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return
        self.nr_conns += 1
        addresses = (client, listener.getsockname())
        self.enqueue_req(FacadeConnection(self.cfg, sock, addresses, self.app.stall_s))

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
        req: Foreign,  # noqa: ARG002 - gunicorn's signature
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
        if isinstance(exc, ParseException):
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
            client.sendall(_refusal_bytes(status, request_id, message))
        except OSError:
            self.log.debug("request %s: nobody reads the refusal", request_id)


def _refusal_bytes(status: HTTPStatus, request_id: str, message: str) -> bytes:
    body = envelope(request_id, message)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Date: {util.http_date()}\r\n"
        "Connection: close\r\n"
        f"Content-Type: {JSON_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Elements-Request-Id: {request_id}\r\n"
        f"Server: {FacadeResponse.software}\r\n"
        "\r\n"
    )
    return head.encode("latin-1") + body
