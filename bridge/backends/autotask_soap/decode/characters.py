"""Turn the bytes of a reply into UTF-8 that an XML parser accepts.

Autotask stores what its users paste and has sent characters that XML 1.0 forbids,
raw and as references such as `&#x1F;`. They are removed here, chunk by chunk.
Everything else stays, also `&#x1F;` as plain text in a CDATA section.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from bridge.errors import ProviderProtocolError

_UTF16_STARTS: Final = (
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_SINGLE_BYTE: Final = ("ascii", "iso8859-1", "iso8859-15", "cp1252")
_BLANKS: Final = b" \t\r\n"
_DECLARED: Final = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w.-]+)")
_DECLARATION: Final = re.compile(rb"<\?xml\s[^>]*\?>")
_MAX_DECLARATION_BYTES: Final = 1024

FORBIDDEN_BYTES: Final = bytes({*range(0x20)} - {0x09, 0x0A, 0x0D})
_ALLOWED: Final = (
    range(0x09, 0x0B),
    range(0x0D, 0x0E),
    range(0x20, 0xD800),
    range(0xE000, 0xFFFE),
    range(0x10000, 0x110000),
)
"""The characters of XML. Source: XML 1.0, section 2.2."""

_MARK: Final = re.compile(
    rb"""(?s:
        (?P<start><!(?:(?P<cdata>\[CDATA\[)|--)).*?(?P<end>(?(cdata)\]\]>|-->)|\Z)
      | &\#(?:x(?P<hex>[0-9a-fA-F]{1,32})|(?P<dec>[0-9]{1,32}));
      | \xef\xbf[\xbe\xbf]
    )""",
    re.VERBOSE,
)
_SECTIONS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_UNFINISHED: Final = re.compile(
    rb"(?:<(?:!(?:-|\[C?D?A?T?A?)?)?|&(?:#(?:x?[0-9a-fA-F]{0,32})?)?|\xef\xbf?)\Z"
)
# The longest unfinished reference that is still one: `&#x` and 32 digits.
_MAX_UNFINISHED_BYTES: Final = 35


class Utf8:
    """Brings a reply to UTF-8 without byte order mark, declaration or leading blanks.

    The first bytes decide: a byte order mark, two-byte characters, or the encoding
    that the XML declaration names. Nothing comes out until they are known.
    """

    def __init__(self) -> None:
        self._start: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, chunk: bytes, *, final: bool = False) -> bytes:
        """Return what can be passed on after `chunk`.

        Raises:
            ProviderProtocolError: the encoding is unknown, or broken.
        """
        if self._start is None:
            return self._recode(chunk, final=final)
        self._start += chunk
        declaration_may_go_on = b">" not in self._start
        short = len(self._start) < _MAX_DECLARATION_BYTES
        if declaration_may_go_on and short and not final:
            return b""
        start, self._start = self._start, None
        self._decoder = _decoder(start)
        return _without_declaration(self._recode(start, final=final))

    def _recode(self, data: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final).encode()
        except UnicodeError as error:
            raise ProviderProtocolError(
                "The answer's bytes do not fit its character encoding."
            ) from error


def _decoder(start: bytes) -> codecs.IncrementalDecoder | None:
    """Return the decoder that the first bytes call for, None for UTF-8.

    A declaration of UTF-16 in single bytes is what .NET leaves in a text sent as UTF-8.
    """
    for mark, encoding in _UTF16_STARTS:
        if start.startswith(mark):
            return codecs.getincrementaldecoder(encoding)()
    declared = _DECLARED.match(start.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS))
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    try:
        encoding = codecs.lookup(name).name
    except LookupError:
        encoding = name
    if encoding in _SINGLE_BYTE:
        return codecs.getincrementaldecoder(encoding)()
    if encoding.startswith(("utf-8", "utf-16")):
        return None
    raise ProviderProtocolError(
        f"The answer is in a character encoding that is not read here: {name[:40]}."
    )


def _without_declaration(start: bytes) -> bytes:
    """Drop what may stand before the first element and no longer holds."""
    start = start.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS)
    declaration = _DECLARATION.match(start)
    return start[declaration.end() :] if declaration else start


class AllowedCharacters:
    """Drops from UTF-8 what XML 1.0 forbids, as bytes and as references.

    Holds back at most a few bytes, where a chunk ends inside what may turn out to be a
    reference or an edge of a CDATA section or comment.
    """

    def __init__(self) -> None:
        self._held = b""
        self._section_end = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return `chunk` without forbidden characters."""
        # Safe on bytes: in UTF-8 only a control character itself has a byte below 0x20.
        data = self._held + chunk.translate(None, FORBIDDEN_BYTES)
        section = b""
        if self._section_end:
            section, end, data = data.partition(self._section_end)
            if not end:
                return self._hold(section, max(0, len(section) - 2))
            section += end
            self._section_end = b""
        # A chunk may end inside a reference or inside the mark of a section.
        tail = _UNFINISHED.search(data, max(0, len(data) - _MAX_UNFINISHED_BYTES))
        data = self._hold(data, tail.start() if tail else len(data))
        # The second byte is the rare one: looking for it first is far cheaper.
        if (
            (b"#" in data and b"&#" in data)
            or (b"!" in data and b"<!" in data)
            or (b"\xbf" in data and b"\xef\xbf" in data)
        ):
            data = _MARK.sub(self._allowed, data)
        return section + data

    def close(self) -> bytes:
        """Return what is still held back."""
        return self._held

    def _allowed(self, mark: re.Match[bytes]) -> bytes:
        """Return what may pass of one mark."""
        if mark["start"]:
            return mark[0] if mark["end"] else self._open(mark["start"], mark[0])
        if mark["hex"] or mark["dec"]:
            code = int(mark["hex"], 16) if mark["hex"] else int(mark["dec"])
            return mark[0] if _is_allowed(code) else b""
        return b""

    def _open(self, start: bytes, section: bytes) -> bytes:
        """Note a section that goes on in the next chunk; its end may have begun."""
        self._section_end = _SECTIONS[start]
        # The last two bytes may begin `]]>` or `-->`.
        unsure = max(len(start), len(section) - 2)
        # `feed` holds back a tail already, which comes after these bytes.
        self._held = section[unsure:] + self._held
        return section[:unsure]

    def _hold(self, data: bytes, start: int) -> bytes:
        self._held = data[start:]
        return data[:start]


def _is_allowed(code: int) -> bool:
    return any(code in characters for characters in _ALLOWED)
