"""Bytes of callers turned into text, and never into replacement characters.

A look-up that finds nothing because a letter was lost makes a duplicate. What is
labelled is read as labelled; URLs carry no label, so what is no UTF-8 there is taken
for windows-1252, which old clients on Windows send. Source: elements-api 1.8,
appendix E.
"""

from __future__ import annotations

import codecs
from encodings import normalize_encoding
from encodings.aliases import aliases

from bridge.errors import InvalidRequestError, UnsupportedMediaError

_KNOWN = frozenset({*aliases, *aliases.values()})
_LATIN_1 = codecs.lookup("latin-1").name
_STRAY = 0xDC00  # what `surrogateescape` adds to a byte that is no UTF-8


def decode_labelled(data: bytes, charset: str, what: str) -> str:
    """Return a text in the charset its sender names, UTF-8 when that is blank.

    Text that is labelled iso-8859-1 is read as windows-1252, as browsers do: the two
    differ in control characters only. `what` names the data in messages.

    Raises:
        InvalidRequestError: it is no text in this charset.
        UnsupportedMediaError: there is no such charset.
    """
    charset = charset.strip(" '\",;")
    name = _find(charset or "utf-8")
    if name == _LATIN_1:
        return data.decode("latin-1").translate(_PRINTABLE)
    try:
        text = data.decode(name)
    except UnicodeError:
        cure = "" if charset else "; send UTF-8, or name the charset in Content-Type"
        raise InvalidRequestError(
            f"{what} is not valid {charset or 'UTF-8'}{cure}."
        ) from None
    return text.removeprefix("\ufeff")


def decode_unlabelled(data: bytes) -> str:
    """Return a text of which nobody says the charset; no bytes make an error."""
    return data.decode("utf-8", "surrogateescape").translate(_STRAYS)


def is_stray(character: str) -> bool:
    """Tell whether `surrogateescape` made it of a byte that is no UTF-8."""
    return _STRAY <= ord(character) <= _STRAY + 0xFF


def _windows_1252(byte: int) -> str:
    """Return a character; a byte that windows-1252 leaves free is a control."""
    return bytes([byte]).decode("cp1252", "ignore") or chr(byte)


_PRINTABLE = {byte: _windows_1252(byte) for byte in range(0x80, 0xA0)}
_STRAYS = {_STRAY + byte: _windows_1252(byte) for byte in range(0x80, 0x100)}


def _find(charset: str) -> str:
    """Return Python's name for a charset.

    Only names in a table are looked for: Python remembers all that it looked for.
    """
    known = normalize_encoding(charset).lower()
    try:
        if known in _KNOWN:
            info = codecs.lookup(known)
            bytes(4).decode(info.name)
            return info.name
    except LookupError:
        pass
    raise UnsupportedMediaError(
        f"The charset {charset[:40]} is not read here; send UTF-8."
    )
