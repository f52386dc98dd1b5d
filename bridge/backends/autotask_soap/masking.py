"""Mask passwords and other secrets in the requests and replies of a trace.

No parser is used, because a reply may be cut off or broken.
"""

from __future__ import annotations

import re
from html import unescape

from bridge.backends.autotask_soap.encode.xmltext import escape
from bridge.telemetry.redaction import MASK, is_secret_name

# Each part ends at its own mark or with the text, so that the time is linear.
_PART = re.compile(
    r"""(?s:
        (?P<opening><!(?:(?P<cdata>\[CDATA\[)|--))
        (?P<inner>.*?)
        (?P<ending>(?(cdata)\]\]>|-->)|\Z)
      | (?P<tag><[^>]*>?)
      | (?P<text>[^<]+)
    )""",
    re.VERBOSE,
)
# A query document is markup inside a text, and its own texts may hold markup again.
MAX_DEPTH = 3


def mask_xml(text: str, *, depth: int = 0) -> str:
    """Return an XML text with its secret values masked, in time linear in its length.

    Masked are the content of an element with a secret name, the `Value` after a secret
    `Name` (user-defined fields), and the `expression` after a secret `field`
    (conditions); also in markup inside a comment or inside the text of an element,
    escaped or as CDATA. With `depth=MAX_DEPTH` texts are not searched for markup.
    """
    masker = _Masker(depth)
    for part in _PART.finditer(text):
        if part["text"]:
            masker.text(part[0])
        elif part["tag"]:
            masker.tag(part[0])
        else:
            masker.section(part)
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
        if "&" in text and self._depth < MAX_DEPTH:
            plain = unescape(text)
            # A queryxml document travels escaped inside an element.
            shown = mask_xml(plain, depth=self._depth + 1)
            text = text if shown == plain else escape(shown)
        self.parts.append(text)

    def section(self, section: re.Match[str]) -> None:
        """Read a CDATA section or a comment; its ending is "" where it is cut off."""
        if self._inside:
            self._mask()
            return
        inner = section["inner"]
        if section["cdata"]:
            self._label = inner
        if self._depth < MAX_DEPTH:
            inner = mask_xml(inner, depth=self._depth + 1)
        self.parts += (section["opening"], inner, section["ending"])

    def _mask(self) -> None:
        """Add one mask for all that is left out."""
        if not self._masked:
            self.parts.append(MASK)
            self._masked = True

    def _holds_secret(self, name: str) -> bool:
        local = _local(name)
        labelled = local in ("value", "expression") and is_secret_name(self._label)
        return labelled or is_secret_name(local)


def _name(tag: str) -> str:
    return (tag.strip("</>").split(None, 1) or [""])[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
