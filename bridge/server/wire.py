"""Parsing of requests and writing of responses: lenient in, strict out.

Subclasses of gunicorn's parser and response, which have no types, hence the ignores.
gunicorn's checks against request smuggling are all kept.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable
from typing import Any, TypeAlias

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import Response
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.web.http.charsets import decode_unlabelled

Foreign: TypeAlias = Any
"""An object of gunicorn, which has no types."""

MAX_REQUEST_LINE = 20_000
_NEWEST_VERSION = (1, 1)
_BODY_STALLS = 4
_TO_ENCODE = re.compile(rb"[ #\x80-\xff]")


class StalledRequestError(ParseException):  # type: ignore[misc]
    """The head of a request did not arrive in time; `head` is what arrived of it."""

    head = b""


def encode_target(line: bytes) -> bytes:
    """Percent-encode what is illegal in the target of a request line.

    The target is what is between the first and the last blank. Bytes that are not UTF-8
    are decoded as windows-1252. Control characters stay, and are refused later.
    """
    method, first, rest = line.partition(b" ")
    target, last, version = rest.rpartition(b" ")
    target = decode_unlabelled(target).encode()
    encoded = _TO_ENCODE.sub(lambda found: b"%%%02X" % found[0][0], target)
    return method + first + encoded + last + version


class FacadeUnreader(SocketUnreader):  # type: ignore[misc]
    """Reads heads from the bytes that `feed` gets, and bodies from the socket.

    `head` is the last head, until it is parsed; `deadline` limits reading a body.
    """

    head = b""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = float("-inf")
        self._ended = False
        self._last = b""

    def feed(self, head: bytes, *, ended: bool, cut_short: bool) -> None:
        """Set the next request's head, with the part of its body that came with it.

        Args:
            head: the bytes from the request line on.
            ended: the caller has closed its side of the connection.
            cut_short: the head is too long; its last byte is held back until the parser
                reads more, because only then does the parser check its limits.
        """
        self.head = head
        self._ended = ended
        self._last = head[-1:] if cut_short else b""
        self.unread(head[:-1] if cut_short else head)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return bytes that arrived.

        Raises:
            TimeoutError: none arrived, or the deadline has passed.
        """
        if self._last or self._ended:
            last, self._last = self._last, b""
            return last
        if time.monotonic() > self.deadline:
            raise TimeoutError
        read: bytes = super().chunk(size_hint)
        return read


class FacadeChunks(ChunkedReader):  # type: ignore[misc]
    """Reader of a chunked body; refuses a chunk by its announced size, before its data.

    `max_bytes` limits all chunks together; None: unlimited.
    """

    max_bytes: int | None = None
    _announced = 0

    def parse_chunk_size(
        self, unreader: Foreign, data: bytes | None = None
    ) -> tuple[int, bytes | None]:
        """Parse the size line of a chunk.

        Raises:
            RequestEntityTooLarge: with this chunk the body exceeds `max_bytes`.
        """
        size, rest = super().parse_chunk_size(unreader, data)
        self._announced += size
        if self.max_bytes is not None and self._announced > self.max_bytes:
            raise RequestEntityTooLarge
        return size, rest


class FacadeBody(Body):  # type: ignore[misc]
    """A body whose errors reach the application as `OSError`, as WSGI expects."""

    def limit(self, max_bytes: int) -> None:
        """Refuse a chunked body once its chunks announce more bytes."""
        if isinstance(self.reader, FacadeChunks):
            self.reader.max_bytes = max_bytes

    def _read_reader(self, size: int) -> bytes:
        try:
            data: bytes = super()._read_reader(size)
        except ParseException as error:
            raise OSError("the request body is malformed") from error
        return data


class FacadeRequest(Request):  # type: ignore[misc]
    """A request whose line may be long and whose target may hold illegal bytes."""

    body: Foreign
    version: tuple[int, int]

    def parse(self, unreader: Foreign) -> bytes:
        """Parse request line and headers."""
        # gunicorn caps its own setting at 8,190 bytes; old clients send longer queries.
        self.limit_request_line = MAX_REQUEST_LINE
        try:
            rest: bytes = super().parse(unreader)
        except TimeoutError:
            raise StalledRequestError from None
        return rest

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Parse a request line after encoding its target.

        A later minor version of HTTP is handled as 1.1. Source: RFC 9110, 2.5.
        """
        super().parse_request_line(encode_target(line_bytes))
        self.version = min(self.version, _NEWEST_VERSION)

    def set_body_reader(self) -> None:
        """Choose the framing as gunicorn does, and wrap it in `FacadeBody`."""
        super().set_body_reader()
        reader = self.body.reader
        if isinstance(reader, ChunkedReader):
            reader = FacadeChunks(self, self.unreader)
        self.body = FacadeBody(reader)


class FacadeParser(RequestParser):  # type: ignore[misc]
    """Parser of one connection's requests; a body may take four times `stall_s`.

    Parse errors have the bytes of the head as attribute `head`.
    """

    mesg_class = FacadeRequest

    def __init__(
        self, cfg: Foreign, sock: socket.socket, client: Foreign, stall_s: float
    ) -> None:
        super().__init__(cfg, sock, client)
        self._stall_s = stall_s
        self.unreader = FacadeUnreader(sock)

    def finish_body(self, *limits: Foreign, **more_limits: Foreign) -> bool:
        """Read and drop the rest of a body; False if it cannot be read."""
        try:
            finished: bool = super().finish_body(*limits, **more_limits)
        except (OSError, RequestEntityTooLarge):
            return False
        return finished

    def __next__(self) -> FacadeRequest:
        # The head was read before this thread was taken: never wait for more of it.
        self.unreader.deadline = float("-inf")
        try:
            message: FacadeRequest = super().__next__()
        except ParseException as error:
            error.head = self.unreader.head
            raise
        finally:
            self.unreader.head = b""
        self.unreader.deadline = time.monotonic() + _BODY_STALLS * self._stall_s
        return message


class FacadeResponse(Response):  # type: ignore[misc]
    """A response with header names as given, the count next to last, `Server` last.

    A PHP client cuts the count out of the raw headers between
    `Elements-Returned-Count:` and `Server:`. Source: client-quirks part 1.
    """

    software = "bridge"

    def default_headers(self) -> list[str]:
        """Return status line and connection headers, without gunicorn's `Server`."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith("Server:")]

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Set the application's headers, except `Server`."""
        super().process_headers(
            (name, value) for name, value in headers if name.lower() != "server"
        )
        self.headers.sort(key=lambda header: header[0] == "Elements-Returned-Count")
        self.headers.append(("Server", self.software))
