"""The head of a request while it arrives: is it whole, and is more worth waiting for?

Judges the bytes as gunicorn's parser will, without being one: what is handed to the
parser is either whole, or something that it refuses without asking for more.
"""

from __future__ import annotations

import re

_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_REQUEST_LINE = re.compile(rb"[^ ]+ .* HTTP/\d\.\d", re.DOTALL)


class Head:
    """Bytes of one request as they come, from its line on.

    Each byte is looked at once, however small the pieces are. `is_too_long` tells that
    the head passed a limit, in bytes, before it was whole.
    """

    is_ready: bool
    is_too_long: bool
    _skipped: int
    _line_ends_at: int

    def __init__(self, *, longest_line: int, longest_headers: int) -> None:
        self._longest_line = longest_line
        self._longest_headers = longest_headers
        self._begin()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, piece: bytes) -> None:
        """Add what arrived."""
        seen = len(self._bytes) if self._skipped >= 0 else 0
        self._bytes += piece
        # RFC 9112, 2.2: one empty line before the first is to be overlooked.
        if self._skipped < 0 and len(self._bytes) >= len(_LINE_END):
            self._skipped = len(_LINE_END) if self._bytes.startswith(_LINE_END) else 0
        self._judge(seen)

    def take(self) -> bytes:
        """Return all bytes, which may reach beyond the head, and begin anew."""
        taken = bytes(self._bytes)
        self._begin()
        return taken

    def _begin(self) -> None:
        self._bytes = bytearray()
        self._skipped = -1
        self._line_ends_at = -1
        self.is_ready = self.is_too_long = False

    def _judge(self, seen: int) -> None:
        if self._skipped < 0 or self.is_ready:
            return
        if self._line_ends_at < 0:
            self._judge_line(seen)
        if self._line_ends_at >= 0:
            end = self._bytes.find(_END, max(self._line_ends_at, seen - len(_END) + 1))
            rest = len(self._bytes) - self._line_ends_at - len(_LINE_END)
            self.is_too_long |= end < 0 and rest > self._longest_headers
            self.is_ready |= end >= 0
        self.is_ready |= self.is_too_long or self._has_bare_line_feed(seen)

    def _judge_line(self, seen: int) -> None:
        found = self._bytes.find(_LINE_END, max(self._skipped, seen - 1))
        length = (len(self._bytes) if found < 0 else found) - self._skipped
        self.is_too_long = length - len(_LINE_END) > self._longest_line
        if found >= 0:
            self._line_ends_at = found
            line = self._bytes[self._skipped : found]
            self.is_ready = _REQUEST_LINE.fullmatch(line) is None

    def _has_bare_line_feed(self, seen: int) -> bool:
        """Tell whether a line ended without a carriage return; none is waited for."""
        begin = max(self._skipped, seen)
        if begin and self._bytes[begin - 1 : begin] == b"\r":
            begin -= 1
        feeds = self._bytes.count(b"\n", begin)
        return feeds != self._bytes.count(_LINE_END, begin)
