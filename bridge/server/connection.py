"""One caller's connection: request heads are read without blocking a thread.

gunicorn has no types, hence the ignores on its classes.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
from enum import Enum, auto
from typing import TypeAlias

from gunicorn import sock as gunicorn_sock
from gunicorn import util
from gunicorn.workers.gthread import TConn

from bridge.server.heads import Head
from bridge.server.wire import MAX_REQUEST_LINE, FacadeParser, Foreign

Addresses: TypeAlias = tuple[Foreign, Foreign]
"""The peer's and our own, as the socket gives them."""

_CHUNK = 8192
_LINGER_S = 2.0
_LINGER_BYTES = 2**26


class HeadState(Enum):
    """State of the head of a connection's next request."""

    INCOMPLETE = auto()
    READY = auto()
    GONE = auto()


class FacadeConnection(TConn):  # type: ignore[misc]
    """A connection that reads with our parser and never waits longer than `stall_s`.

    `events` is the `selectors` mask to wait for before the next `receive`.
    """

    parser: Foreign
    sock: Foreign
    events = selectors.EVENT_READ

    def __init__(
        self, cfg: Foreign, sock: socket.socket, addresses: Addresses, stall_s: float
    ) -> None:
        super().__init__(cfg, sock, *addresses)
        # Otherwise gunicorn would block a thread until the first byte.
        self.data_ready = True
        self.head = Head(
            max_line_bytes=MAX_REQUEST_LINE,
            # As gunicorn computes the maximum for its own buffer of headers.
            max_headers_bytes=cfg.limit_request_fields
            * (cfg.limit_request_field_size + len("\r\n"))
            + len("\r\n\r\n"),
        )
        self._ended = False
        self._stall_s = stall_s
        self._is_tls_done = not cfg.is_ssl

    def receive(self) -> HeadState:
        """Read what has arrived, without blocking, after the TLS handshake.

        A ready head is passed to the parser by `init`; so is an incomplete one when
        the caller has closed its side.
        """
        try:
            self.sock.settimeout(0)
            self._do_handshake()
            while not self.head.is_ready:
                piece = self.sock.recv(_CHUNK)
                if not piece:
                    self._ended = True
                    return HeadState.READY if self.head else HeadState.GONE
                self.head.add(piece)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.events = selectors.EVENT_READ
            return HeadState.INCOMPLETE
        except ssl.SSLWantWriteError:
            self.events = selectors.EVENT_WRITE
            return HeadState.INCOMPLETE
        except (OSError, ValueError):
            return HeadState.GONE
        return HeadState.READY

    def init(self) -> None:
        """Prepare for the next request; called before each request, in its thread."""
        if not self.initialized:
            self.parser = FacadeParser(self.cfg, self.sock, self.client, self._stall_s)
        super().init()
        self.sock.settimeout(self._stall_s)
        cut_short = self.head.is_too_long
        self.parser.unreader.feed(
            self.head.drain(), ended=self._ended, cut_short=cut_short
        )

    def take_read_ahead(self) -> bool:
        """Move bytes read ahead to the next request; return whether there are any."""
        self.head.add(self.parser.unreader.take_buffered())
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return bool(self.head or pending)

    def close_gracefully(self) -> None:
        """Close, after waiting up to 2 s until the caller has read everything."""
        # What the caller still sends is read and dropped: left unread, it would make
        # the system reset the connection, and the caller would lose the response that
        # refuses a large body.
        if self.parser is None:
            util.close(self.sock)
            return
        self._close_tls()
        util.close_graceful(
            self.sock,
            timeout=min(_LINGER_S, self._stall_s),
            max_drain=_LINGER_BYTES,
        )

    def abort(self) -> None:
        """Close at once."""
        if self._is_tls_done:
            self._close_tls()
        util.close(self.sock)

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Close unless `close_gracefully` has done so already."""
        if self.sock.fileno() >= 0:
            super().close(graceful)

    def _do_handshake(self) -> None:
        if self._is_tls_done:
            return
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock = gunicorn_sock.ssl_wrap_socket(self.sock, self.cfg)
        self.sock.do_handshake()
        self._is_tls_done = True

    def _close_tls(self) -> None:
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0)
            # Sends close_notify; non-blocking, so the peer's is not waited for.
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
