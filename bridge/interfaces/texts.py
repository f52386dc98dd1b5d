"""Which texts can be sent to the vendor."""

from __future__ import annotations

import re
from typing import Final

_NOT_SENDABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"
)


def sendable_text(text: str) -> str:
    """Return a text without the characters that no text at the vendor contains.

    They are controls below U+0020 but for tab and line ends, U+FFFE, U+FFFF and lone
    surrogates. Source: XML 1.0, 2.2, which excludes them from the vendor's requests.
    """
    return _NOT_SENDABLE.sub("", text)
