"""One caller's connection: what it sends is collected without waiting for it.

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
"""The caller's and ours, as the socket gives them."""

_CHUNK = 8192
_LINGER_S = 2.0
_LINGER_BYTES = 2**26


class Arrival(Enum):
    """How far the head of a connection's next request has come."""

    UNDER_WAY = auto()
    READY = auto()
    GONE = auto()


class FacadeConnection(TConn):  # type: ignore[misc]
    """A connection that reads with our parser and never waits longer than `stall_s`.

    `wants` is what to wait for before `receive` can go on: a mask of `selectors`.
    """

    parser: Foreign
    sock: Foreign
    wants = selectors.EVENT_READ

    def __init__(
        self, cfg: Foreign, sock: socket.socket, addresses: Addresses, stall_s: float
    ) -> None:
        super().__init__(cfg, sock, *addresses)
        # gunicorn would have a thread wait for the first byte.
        self.data_ready = True
        self.head = Head(
            longest_line=MAX_REQUEST_LINE,
            longest_headers=cfg.limit_request_fields
            * (cfg.limit_request_field_size + len("\r\n"))
            + len("\r\n\r\n"),
        )
        self._ended = False
        self._stall_s = stall_s
        self._shaken = not cfg.is_ssl

    def receive(self) -> Arrival:
        """Read what there is, without waiting; begin TLS before.

        When the head is ready, `init` hands it to the parser. A caller who says that
        he sends no more has what he sent judged by it too.
        """
        try:
            self.sock.settimeout(0)
            self._shake_hands()
            while not self.head.is_ready:
                piece = self.sock.recv(_CHUNK)
                if not piece:
                    self._ended = True
                    return Arrival.READY if self.head else Arrival.GONE
                self.head.add(piece)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.wants = selectors.EVENT_READ
            return Arrival.UNDER_WAY
        except ssl.SSLWantWriteError:
            self.wants = selectors.EVENT_WRITE
            return Arrival.UNDER_WAY
        except (OSError, ValueError):
            return Arrival.GONE
        return Arrival.READY

    def init(self) -> None:
        """Prepare for the next request; called before each one, in its thread."""
        if not self.initialized:
            self.parser = FacadeParser(self.cfg, self.sock, self.client, self._stall_s)
        super().init()
        self.sock.settimeout(self._stall_s)
        cut_short = self.head.is_too_long
        self.parser.unreader.feed(
            self.head.take(), ended=self._ended, cut_short=cut_short
        )

    def keep(self) -> bool:
        """Keep the connection; tell whether more of it has been read already."""
        self.head.add(self.parser.unreader.take_buffered())
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        return bool(self.head or pending)

    def hang_up(self) -> None:
        """Close, waiting up to 2 s for the caller to have read everything.

        What it still sends is read and dropped: left unread, it would make the
        system reset the connection, and the refusal of a large body would be lost.
        A caller that never said anything we understood is not waited for.
        """
        if self.parser is None:
            util.close(self.sock)
            return
        self._say_goodbye()
        util.close_graceful(
            self.sock,
            timeout=min(_LINGER_S, self._stall_s),
            max_drain=_LINGER_BYTES,
        )

    def cut(self) -> None:
        """Close without waiting for anything."""
        if self._shaken:
            self._say_goodbye()
        util.close(self.sock)

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Close what `hang_up` has not closed already."""
        if self.sock.fileno() >= 0:
            super().close(graceful)

    def _shake_hands(self) -> None:
        if self._shaken:
            return
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock = gunicorn_sock.ssl_wrap_socket(self.sock, self.cfg)
        self.sock.do_handshake()
        self._shaken = True

    def _say_goodbye(self) -> None:
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(0)
            # It says goodbye and does not wait for the answer.
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
