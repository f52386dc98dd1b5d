"""Incremental detection of the end of a request's head.

Applies the same limits as gunicorn's parser, without parsing: what the parser gets is
either a complete head, or something that it refuses without reading more.
"""

from __future__ import annotations

import re

_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_REQUEST_LINE = re.compile(rb"[^ ]+ .* HTTP/\d\.\d", re.DOTALL)


class Head:
    """The bytes of one request so far, from its request line on.

    Each byte is scanned once, however small the chunks are. `is_too_long`: the head
    exceeded a limit, in bytes, before it was complete.
    """

    is_ready: bool
    is_too_long: bool
    _skipped: int
    _line_ends_at: int

    def __init__(self, *, max_line_bytes: int, max_headers_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_headers_bytes = max_headers_bytes
        self._begin()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, piece: bytes) -> None:
        """Add bytes that arrived."""
        seen = len(self._bytes) if self._skipped >= 0 else 0
        self._bytes += piece
        # RFC 9112, 2.2: an empty line before the request line is ignored.
        if self._skipped < 0 and len(self._bytes) >= len(_LINE_END):
            self._skipped = len(_LINE_END) if self._bytes.startswith(_LINE_END) else 0
        self._check(seen)

    def drain(self) -> bytes:
        """Return all bytes, which may reach beyond the head, and reset."""
        taken = bytes(self._bytes)
        self._begin()
        return taken

    def _begin(self) -> None:
        self._bytes = bytearray()
        self._skipped = -1
        self._line_ends_at = -1
        self.is_ready = self.is_too_long = False

    def _check(self, seen: int) -> None:
        if self._skipped < 0 or self.is_ready:
            return
        if self._line_ends_at < 0:
            self._check_line(seen)
        if self._line_ends_at >= 0:
            # The bytes scanned before may end with a part of the mark.
            end = self._bytes.find(_END, max(self._line_ends_at, seen - len(_END) + 1))
            rest = len(self._bytes) - self._line_ends_at - len(_LINE_END)
            self.is_too_long |= end < 0 and rest > self._max_headers_bytes
            self.is_ready |= end >= 0
        self.is_ready |= self.is_too_long or self._has_bare_line_feed(seen)

    def _check_line(self, seen: int) -> None:
        found = self._bytes.find(_LINE_END, max(self._skipped, seen - 1))
        length = (len(self._bytes) if found < 0 else found) - self._skipped
        self.is_too_long = length - len(_LINE_END) > self._max_line_bytes
        if found >= 0:
            self._line_ends_at = found
            line = self._bytes[self._skipped : found]
            # The parser refuses such a line without its headers.
            self.is_ready = _REQUEST_LINE.fullmatch(line) is None

    def _has_bare_line_feed(self, seen: int) -> bool:
        """Return whether a line ended without a carriage return."""
        # The parser refuses such a line at once, so waiting for more would be useless.
        begin = max(self._skipped, seen)
        if begin and self._bytes[begin - 1 : begin] == b"\r":
            begin -= 1
        feeds = self._bytes.count(b"\n", begin)
        return feeds != self._bytes.count(_LINE_END, begin)
