"""Decoding of callers' bytes, never into replacement characters.

A search that misses a record because a letter was lost leads to a duplicate. Bodies are
decoded by their charset. URLs have none: bytes there that are not UTF-8 are decoded as
windows-1252, which old clients on Windows send. Source: elements-api 1.8, appendix E.
"""

from __future__ import annotations

import codecs
from encodings import normalize_encoding
from encodings.aliases import aliases

from bridge.errors import InvalidRequestError, UnsupportedMediaError

_KNOWN = frozenset({*aliases, *aliases.values()})
_LATIN_1 = codecs.lookup("latin-1").name
_STRAY = 0xDC00  # what `surrogateescape` adds to a byte that is not UTF-8


def decode_labelled(data: bytes, charset: str, what: str) -> str:
    """Decode text in the charset that its sender names; UTF-8 when that is blank.

    iso-8859-1 is decoded as windows-1252, as browsers do: the two differ in control
    characters only. `what` names the data in messages.

    Raises:
        InvalidRequestError: the data is not valid in this charset.
        UnsupportedMediaError: the charset is unknown.
    """
    charset = charset.strip(" '\",;")
    name = _find(charset or "utf-8")
    if name == _LATIN_1:
        return data.decode("latin-1").translate(_PRINTABLE)
    try:
        text = data.decode(name)
    except UnicodeError:
        fix = "" if charset else "; send UTF-8, or name the charset in Content-Type"
        raise InvalidRequestError(
            f"{what} is not valid {charset or 'UTF-8'}{fix}."
        ) from None
    return text.removeprefix("\ufeff")


def decode_unlabelled(data: bytes) -> str:
    """Decode text without a known charset; never an error."""
    return data.decode("utf-8", "surrogateescape").translate(_STRAYS)


def is_stray(character: str) -> bool:
    """Return whether `surrogateescape` produced it from a byte that is not UTF-8."""
    return _STRAY <= ord(character) <= _STRAY + 0xFF


def _windows_1252(byte: int) -> str:
    """Return a character; bytes that windows-1252 leaves undefined are controls."""
    return bytes([byte]).decode("cp1252", "ignore") or chr(byte)


_PRINTABLE = {byte: _windows_1252(byte) for byte in range(0x80, 0xA0)}
_STRAYS = {_STRAY + byte: _windows_1252(byte) for byte in range(0x80, 0x100)}


def _find(charset: str) -> str:
    """Return Python's name for a charset."""
    # Python caches every name it looks up, so callers' names are checked first.
    known = normalize_encoding(charset).lower()
    try:
        if known in _KNOWN:
            info = codecs.lookup(known)
            # Codecs such as base64 are found too, but cannot decode to text.
            bytes(4).decode(info.name)
            return info.name
    except LookupError:
        pass
    raise UnsupportedMediaError(
        f"The charset {charset[:40]} is not read here; send UTF-8."
    )
