"""Reading requests and writing answers on a connection, loosely in and exactly out.

Subclasses of gunicorn's reader and writer, which have no types, hence the ignores;
`worker` puts them to use. Everything that guards against request smuggling is
gunicorn's and stays as it is.
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
"""What gunicorn made; it has no types."""

MAX_REQUEST_LINE = 20_000
_NEWEST_VERSION = (1, 1)
_BODY_STALLS = 4
_TO_ENCODE = re.compile(rb"[ #\x80-\xff]")


class StalledRequestError(ParseException):  # type: ignore[misc]
    """The head of a request did not arrive in time; `head` is what came of it."""

    head = b""


def encode_target(line: bytes) -> bytes:
    """Return a request line with what is illegal in its target percent-encoded.

    The target is what stands between the first blank and the last. Bytes that are no
    UTF-8 are read as windows-1252. Control characters stay, and are refused later.
    """
    method, first, rest = line.partition(b" ")
    target, last, version = rest.rpartition(b" ")
    target = decode_unlabelled(target).encode()
    encoded = _TO_ENCODE.sub(lambda found: b"%%%02X" % found[0][0], target)
    return method + first + encoded + last + version


class FacadeUnreader(SocketUnreader):  # type: ignore[misc]
    """Reads a body from a socket until `deadline`, and a head from what it was fed.

    `head` is what it was fed last, until it was parsed.
    """

    head = b""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = float("-inf")
        self._ended = False
        self._last = b""

    def feed(self, head: bytes, *, ended: bool, cut_short: bool) -> None:
        """Take the head of a request, and what of its body came with it.

        Args:
            head: whatever stands before it in the connection has been read.
            ended: the caller sends no more.
            cut_short: it is too long. The parser notices when it asks for more.
        """
        self.head = head
        self._ended = ended
        self._last = head[-1:] if cut_short else b""
        self.unread(head[:-1] if cut_short else head)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what arrived.

        Raises:
            TimeoutError: nothing arrived, or the deadline has passed.
        """
        if self._last or self._ended:
            last, self._last = self._last, b""
            return last
        if time.monotonic() > self.deadline:
            raise TimeoutError
        read: bytes = super().chunk(size_hint)
        return read


class FacadeChunks(ChunkedReader):  # type: ignore[misc]
    """Reads a chunked body; refuses a chunk by its announced size, before its data.

    `max_bytes` is for all chunks together; None for no limit.
    """

    max_bytes: int | None = None
    _announced = 0

    def parse_chunk_size(
        self, unreader: Foreign, data: bytes | None = None
    ) -> tuple[int, bytes | None]:
        """Read the line before a chunk.

        Raises:
            RequestEntityTooLarge: with this chunk the body passes `max_bytes`.
        """
        size, rest = super().parse_chunk_size(unreader, data)
        self._announced += size
        if self.max_bytes is not None and self._announced > self.max_bytes:
            raise RequestEntityTooLarge
        return size, rest


class FacadeBody(Body):  # type: ignore[misc]
    """A body whose faults reach the application as `OSError`, as WSGI knows them."""

    def limit(self, max_bytes: int) -> None:
        """Have reading refuse more than so many bytes as soon as they are announced."""
        if isinstance(self.reader, FacadeChunks):
            self.reader.max_bytes = max_bytes

    def _read_reader(self, size: int) -> bytes:
        try:
            data: bytes = super()._read_reader(size)
        except ParseException as error:
            raise OSError("the request body is malformed") from error
        return data


class FacadeRequest(Request):  # type: ignore[misc]
    """A request whose line may be long and whose target may be sloppy."""

    body: Foreign
    version: tuple[int, int]

    def parse(self, unreader: Foreign) -> bytes:
        """Read line and headers; gunicorn's own limit is 8,190 bytes for the line."""
        self.limit_request_line = MAX_REQUEST_LINE
        try:
            rest: bytes = super().parse(unreader)
        except TimeoutError:
            raise StalledRequestError from None
        return rest

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Read a line after encoding what its target may not hold.

        A later minor version is answered with ours. Source: RFC 9110, 2.5.
        """
        super().parse_request_line(encode_target(line_bytes))
        self.version = min(self.version, _NEWEST_VERSION)

    def set_body_reader(self) -> None:
        """Choose the framing as gunicorn does, with our body around it."""
        super().set_body_reader()
        reader = self.body.reader
        if isinstance(reader, ChunkedReader):
            reader = FacadeChunks(self, self.unreader)
        self.body = FacadeBody(reader)


class FacadeParser(RequestParser):  # type: ignore[misc]
    """Requests of one connection: heads as fed, bodies within four times `stall_s`.

    What cannot be parsed is raised with the bytes of its head as `head`.
    """

    mesg_class = FacadeRequest

    def __init__(
        self, cfg: Foreign, sock: socket.socket, client: Foreign, stall_s: float
    ) -> None:
        super().__init__(cfg, sock, client)
        self._stall_s = stall_s
        self.unreader = FacadeUnreader(sock)

    def finish_body(self, *limits: Foreign, **more_limits: Foreign) -> bool:
        """Read and drop what the application left; False if it cannot be read."""
        try:
            finished: bool = super().finish_body(*limits, **more_limits)
        except (OSError, RequestEntityTooLarge):
            return False
        return finished

    def __next__(self) -> FacadeRequest:
        # A thread is here to answer: whoever has no whole head to offer is refused.
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
    """An answer with header names as given, the count next to last, `Server` last.

    A PHP client cuts the count out of the raw headers between
    `Elements-Returned-Count:` and `Server:`. Source: client-quirks part 1.
    """

    software = "bridge"

    def default_headers(self) -> list[str]:
        """Return status line and connection headers, without gunicorn's `Server`."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith("Server:")]

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Take the application's headers, its own `Server` excepted."""
        super().process_headers(
            (name, value) for name, value in headers if name.lower() != "server"
        )
        self.headers.sort(key=lambda header: header[0] == "Elements-Returned-Count")
        self.headers.append(("Server", self.software))
