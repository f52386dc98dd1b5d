"""HTTP to zone hosts: one TLS context, and idle connections shared by all tenants.

urllib3 does the protocol. Its own pool is not used because it hides the two facts
that decide whether a write may be sent again: whether connecting or sending failed,
and how long a kept connection had been idle. Nothing here follows a redirect or reads
the environment, and no credential outlives the call it came with.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.response import HTTPResponse

from bridge.errors import Unreachable

_CHUNK_BYTES = 65_536
_PAGE_BYTES = 65_536
_IDLE_MAX_S = 30.0
_IDLE_MAX_FOR_WRITES_S = 1.0
_IDLE_PER_HOST = 64

_Host: TypeAlias = tuple[str, str, int]


class WireError(Exception):
    """An exchange that broke.

    `sent`: some bytes of the request may have left. `reused`: it was sent over an idle
    connection, which the server may have closed long ago. `unreachable`: why no
    connection could be opened, if that failed.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: bool,
        timed_out: bool = False,
        reused: bool = False,
        unreachable: Unreachable | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out
        self.reused = reused
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a connection, and for the next byte of a response."""

    connect_s: float = 5.0
    read_s: float = 60.0


class HttpReply:
    """Status and headers, and a body that is read as it arrives."""

    def __init__(self, response: HTTPResponse, deadline: float) -> None:
        self._response = response
        self._deadline = deadline
        self.finished = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    def header(self, name: str) -> str:
        """Return a header by name in any case, empty when absent."""
        return str(self._response.headers.get(name, ""))

    def chunks(self) -> Iterator[bytes]:
        """Yield the body, unpacked.

        Raises:
            WireError: it broke off or stalled.
        """
        try:
            for chunk in self._response.stream(_CHUNK_BYTES, decode_content=True):
                # The read timeout restarts with each byte: a trickle would never end.
                if time.monotonic() > self._deadline:
                    raise WireError("the answer is slow", sent=True, timed_out=True)
                yield chunk
        except (HTTPError, HTTPException, OSError) as error:
            raise _broken(error, sent=True, reused=False) from error
        self.finished = True

    def page(self) -> bytes:
        """Return the start of the body, for a page that is only to be quoted."""
        page = b""
        with suppress(WireError):
            for chunk in self.chunks():
                page += chunk
                if len(page) >= _PAGE_BYTES:
                    break
        return page


class Connections:
    """Idle connections by host. Safe to use from many threads."""

    def __init__(self, timeouts: Timeouts, *, user_agent: str) -> None:
        self.timeouts = timeouts
        self._user_agent = user_agent
        self._idle: dict[_Host, deque[tuple[HTTPConnection, float]]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        deadline: float,
        writes: bool,
    ) -> Iterator[HttpReply]:
        """Send a request; the connection is reused if the response is read to its end.

        A write is sent only over a new connection or one used within the last second:
        on a connection idle for longer the server's closing may cross the request, and
        then it is unknown whether the request was read.

        `deadline` is by the monotonic clock, for the whole exchange.

        Raises:
            WireError: no connection could be opened, or it broke.
        """
        parts = urlsplit(url)
        host = (parts.scheme, parts.hostname or "", port_of(parts))
        idle_max_s = _IDLE_MAX_FOR_WRITES_S if writes else _IDLE_MAX_S
        idle = self._take_idle(host, idle_max_s)
        connection = idle or self._connect(host, deadline)
        all_headers = {**headers, "User-Agent": self._user_agent}
        reply: HttpReply | None = None
        try:
            # urllib3 sets it on the open socket when it sends the request.
            connection.timeout = self._timeout_s(self.timeouts.read_s, deadline)
            response = _exchange(
                connection,
                parts.path or "/",
                all_headers,
                body,
                reused=idle is not None,
            )
            reply = HttpReply(response, deadline)
            yield reply
        except WireError as error:
            # The server closed it while idle, and then very likely the others as
            # well.
            if error.reused:
                self._close_idle(host)
            raise
        finally:
            # Unread bytes would become the start of the next response.
            if reply is not None and reply.finished:
                self._add_idle(host, connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            hosts = list(self._idle)
        for host in hosts:
            self._close_idle(host)

    def _timeout_s(self, timeout_s: float, deadline: float) -> float:
        # A timeout of zero would make the socket non-blocking.
        return max(0.001, min(timeout_s, deadline - time.monotonic()))

    def _connect(self, host: _Host, deadline: float) -> HTTPConnection:
        scheme, name, port = host
        timeout = self._timeout_s(self.timeouts.connect_s, deadline)
        connection: HTTPConnection
        if scheme == "https":
            connection = HTTPSConnection(
                name, port, timeout=timeout, ssl_context=tls_context()
            )
        else:
            connection = HTTPConnection(name, port, timeout=timeout)
        try:
            connection.connect()
        except (HTTPError, OSError, ValueError) as error:
            connection.close()
            raise _no_connection(error) from error
        return connection

    def _take_idle(self, host: _Host, idle_max_s: float) -> HTTPConnection | None:
        """Return the most recently used connection that is still alive."""
        while True:
            with self._lock:
                connections = self._idle.get(host)
                if (
                    not connections
                    or time.monotonic() - connections[-1][1] > idle_max_s
                ):
                    return None
                # Newest first, so that connections that are not needed reach their
                # idle limit.
                connection, _since = connections.pop()
            # Also false with unread bytes, which would begin the next response.
            if connection.is_connected:
                return connection
            connection.close()

    def _add_idle(self, host: _Host, connection: HTTPConnection) -> None:
        now = time.monotonic()
        # The server announced that it would close the connection.
        if connection.sock is None:
            return
        with self._lock:
            connections = self._idle.setdefault(host, deque())
            connections.append((connection, now))
            stale = []
            while (
                len(connections) > _IDLE_PER_HOST
                or now - connections[0][1] > _IDLE_MAX_S
            ):
                stale.append(connections.popleft())
        # Outside of the lock: closing a TLS connection may block.
        for old, _since in stale:
            old.close()

    def _close_idle(self, host: _Host) -> None:
        """Close a host's idle connections: one was dead, so the others probably are."""
        with self._lock:
            connections = self._idle.pop(host, deque())
        for connection, _since in connections:
            connection.close()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the process's one context: the system's authorities and certifi's."""
    context = ssl.create_default_context()
    # Slim containers often have no authorities of their own.
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _exchange(
    connection: HTTPConnection,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    reused: bool,
) -> HTTPResponse:
    try:
        # A server that refuses by the headers alone may stop reading the body; its
        # response can still be read.
        with suppress(BrokenPipeError):
            connection.request("POST", path, body, headers, preload_content=False)
        return connection.getresponse()
    except (HTTPError, HTTPException, OSError) as error:
        raise _broken(error, sent=True, reused=reused) from error


def _broken(error: Exception, *, sent: bool, reused: bool) -> WireError:
    """Translate an exception of a connected exchange; its text names no address."""
    timed_out = isinstance(error, TimeoutError | ReadTimeoutError)
    if isinstance(error, ssl.SSLError):
        reason = _tls_failure(error)
    else:
        reason = "no answer in time" if timed_out else "the connection broke"
    return WireError(reason, sent=sent, timed_out=timed_out, reused=reused)


def _no_connection(error: Exception) -> WireError:
    """Translate what the library raises while it connects; nothing was sent."""
    cause = error.__cause__ or error
    if isinstance(error, NameResolutionError):
        kind, reason = Unreachable.NAME, "its name cannot be resolved"
    elif isinstance(error, ssl.SSLError):
        kind, reason = Unreachable.TLS, _tls_failure(error)
    elif isinstance(cause, ConnectionRefusedError):
        kind, reason = Unreachable.REFUSED, "connection refused"
    # For the library `NewConnectionError` is a kind of timeout.
    elif isinstance(error, TimeoutError | ConnectTimeoutError) and not isinstance(
        error, NewConnectionError
    ):
        kind, reason = Unreachable.TIMEOUT, "no connection in time"
    else:
        kind = Unreachable.OTHER
        reason = getattr(cause, "strerror", None) or "no connection"
    return WireError(reason, sent=False, unreachable=kind)


def _tls_failure(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no secure connection ({error.verify_message})"
    return f"no secure connection ({error.reason or 'TLS'})"


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL, the scheme's own where it names none."""
    return parts.port or (443 if parts.scheme == "https" else 80)
