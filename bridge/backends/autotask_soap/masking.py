"""Mask passwords and other secrets in the requests and replies of a trace.

Requests of our own encoder are masked there, field by field. This module masks the
rest: replies, which may be cut or broken, and requests written by zeep or by a
caller's definition.
"""

from __future__ import annotations

from html import unescape

from bridge.backends.autotask_soap.encode.xmltext import escape
from bridge.telemetry.redaction import MASK, is_secret_name

_CDATA, _COMMENT = "<![CDATA[", "<!--"
_SECTION_ENDS = {_CDATA: "]]>", _COMMENT: "-->"}
_MAX_DEPTH = 3


def mask_xml(text: str, *, depth: int = 0) -> str:
    """Return an XML text with its secret values masked, in time linear in its length.

    Masked are the content of an element with a secret name, the `Value` after a secret
    `Name` (user-defined fields), and the `expression` after a secret `field`
    (conditions); also in markup inside a comment or inside the text of an element,
    escaped or as CDATA.
    """
    masker = _Masker(depth)
    at = 0
    while at < len(text):
        start = text.find("<", at)
        if start < 0:
            break
        masker.text(text[at:start])
        opening = _opening(text, start)
        if opening:
            start += len(opening)
            end = text.find(_SECTION_ENDS[opening], start)
            inner = text[start : end if end >= 0 else len(text)]
            ending = _SECTION_ENDS[opening] if end >= 0 else ""
            masker.section(opening, inner, ending)
            at = start + len(inner) + len(ending)
            continue
        end = text.find(">", start)
        at = end + 1 if end >= 0 else len(text)
        masker.tag(text[start:at])
    masker.text(text[at:])
    return "".join(masker.parts)


class _Masker:
    """Reads tags and texts in order; `parts` is the masked result."""

    def __init__(self, depth: int) -> None:
        self.parts: list[str] = []
        self._depth = depth
        self._inside = ""
        """The full name of the secret element whose content is being left out."""
        self._nested = 0
        self._masked = False
        self._label = ""
        """The text of the last `Name` or `field`, which names the next value."""

    def tag(self, tag: str) -> None:
        """Read a tag, angle brackets included."""
        closes, name = tag.startswith("</"), _name(tag)
        empty = tag.endswith("/>")
        if self._inside:
            if name == self._inside and not empty:
                self._nested += -1 if closes else 1
            # An element of the same name inside does not end the secret one.
            if self._nested:
                self._mask()
                return
            self._inside = ""
        elif not closes and not empty and self._holds_secret(name):
            self._inside, self._nested, self._masked = name, 1, False
        if closes and _local(name) in ("userdefinedfield", "field"):
            self._label = ""
        self.parts.append(tag)

    def text(self, text: str) -> None:
        """Read the text between two tags, as it is written."""
        if self._inside:
            if text.strip():
                self._mask()
            return
        if text.strip():
            self._label = unescape(text)
        if "&" in text and self._depth < _MAX_DEPTH:
            plain = unescape(text)
            # A queryxml document travels escaped inside an element.
            shown = mask_xml(plain, depth=self._depth + 1)
            text = text if shown == plain else escape(shown)
        self.parts.append(text)

    def section(self, opening: str, text: str, ending: str) -> None:
        """Read a CDATA section or a comment; `ending` is "" where it is cut off."""
        if self._inside:
            self._mask()
            return
        if opening == _CDATA:
            self._label = text
        if self._depth < _MAX_DEPTH:
            text = mask_xml(text, depth=self._depth + 1)
        self.parts += (opening, text, ending)

    def _mask(self) -> None:
        """Add one mask for all that is left out."""
        if not self._masked:
            self.parts.append(MASK)
            self._masked = True

    def _holds_secret(self, name: str) -> bool:
        local = _local(name)
        labelled = local in ("value", "expression") and is_secret_name(self._label)
        return labelled or is_secret_name(local)


def _opening(text: str, at: int) -> str:
    """Return what opens a CDATA section or a comment there; empty for anything else."""
    if not text.startswith("<!", at):
        return ""
    return next((each for each in _SECTION_ENDS if text.startswith(each, at)), "")


def _name(tag: str) -> str:
    return (tag.strip("</>").split(None, 1) or [""])[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
