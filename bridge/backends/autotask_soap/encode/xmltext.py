"""Escape text for XML 1.0, so that no value can end the element around it."""

from __future__ import annotations

import re
from functools import lru_cache

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REPLACEMENTS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def escape(text: str) -> str:
    """Return text for element content.

    What XML 1.0 forbids is left out. A carriage return is written as a reference,
    because a reader would turn the bare character into a line feed.
    """
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _REPLACEMENTS.get(found[0], ""), text)


@lru_cache(maxsize=8192)
def is_name(text: str) -> bool:
    """Whether text can stand as an element's name without a prefix."""
    return _NAME.fullmatch(text) is not None
