"""Reads XML that strangers sent: no DTD, no entities, no network, bounded size.

At most 256 levels and, in what is larger than any ordinary call, half a million tags
and as many attributes; a single text may be as long as the whole. Faults say where they
were noticed. Unverified: the numbers.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import Any, cast
from xml.parsers import expat

from lxml import etree

from bridge.sandbox.declarations import rule
from bridge.sandbox.soap import xml_error_messages

MAX_LEVELS = 256
"""What the parser itself keeps to unless it is told to read huge documents."""
MAX_MARKUP = 500_000
"""Enough for 200 records with all their fields and 300 user-defined ones each."""

_ORDINARY_BYTES = 3_000_000
"""Below this no text can reach the parser's own limit, whatever the encoding."""
_PLAIN_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:<\?xml\s+version\s*=\s*['\"]1\.\d['\"]"
    rb"(?:\s+encoding\s*=\s*['\"](?i:utf-8|us-ascii|iso-8859-1)['\"])?"
    rb"(?:\s+standalone\s*=\s*['\"]\w+['\"])?\s*\?>)?"
    rb"(?:\s*<!--(?s:.*?)-->)*\s*<[A-Za-z_]"
)
"""A document whose first tag is its root's: no DTD can come any more."""

_ATTRIBUTE = re.compile(rb"=\s*[\"']")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableXmlError(Exception):
    """Not well formed, or with a DTD; `line` and `column` say where it was noticed."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@rule("Transport", "No DTD", source="stack")
@rule(
    "Transport",
    "At most 256 levels, in large requests 500,000 tags; texts of any length",
    source="unverified",
)
def read(data: bytes, encoding: str | None = None) -> etree._Element:
    """Return the root element; comments and processing instructions are dropped.

    Raises:
        UnreadableXmlError: see there.
    """
    # Without its own limits the parser would let a DTD's entities grow without end.
    huge = len(data) > _ORDINARY_BYTES and _PLAIN_PROLOG.match(data) is not None
    if huge and _has_too_much_markup(data):
        raise UnreadableXmlError(xml_error_messages.TOO_LARGE, 1, 1)
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        huge_tree=huge,
        remove_comments=True,
        remove_pis=True,
    )
    root = _parsed(data, parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXmlError(xml_error_messages.DTD, 1, 1)
    if huge and _levels(root) > MAX_LEVELS:
        raise UnreadableXmlError(xml_error_messages.TOO_LARGE, 1, 1)
    return root


def _has_too_much_markup(data: bytes) -> bool:
    """Tell whether tags or attributes, which may stand in texts too, are too many."""
    attributes = islice(_ATTRIBUTE.finditer(data), MAX_MARKUP + 1)
    return data.count(b"<") > MAX_MARKUP or sum(1 for _ in attributes) > MAX_MARKUP


def _parsed(data: bytes, parser: etree.XMLParser) -> etree._Element:
    if not data.strip():
        raise UnreadableXmlError(xml_error_messages.NO_ROOT, 1, 1)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        code = cast("Any", error).code  # its type's description lacks it
        said = xml_error_messages.message(code, str(error.msg), line, column)
        raise UnreadableXmlError(said, line, column) from error
    except (LookupError, ValueError) as error:
        said = xml_error_messages.message(0, "", 1, 1)
        raise UnreadableXmlError(said, 1, 1) from error


def _levels(root: etree._Element) -> int:
    level = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest


@rule(
    "Write",
    "A fault of the reader names line and column of the element",
    source="clients",
)
def position(data: bytes, element: etree._Element) -> tuple[int, int]:
    """Return line and column of an element's name in the document it was read from.

    Reads the document again, so only a fault's answer is worth it. Source:
    soap-samples 19.
    """
    root = element.getroottree().getroot()
    wanted = next(n for n, found in enumerate(root.iter("*")) if found is element)
    finder = _Finder(wanted)
    try:
        finder.parser.Parse(data, True)  # noqa: FBT003 - the foreign function's form
    except _FoundError as found:
        marked = found.line == 1 and data.startswith(_BYTE_ORDER_MARKS)
        return found.line, found.column - marked
    except (expat.ExpatError, LookupError, ValueError):
        pass  # an encoding that only one of the two parsers knows
    return cast("int | None", element.sourceline) or 1, 1


class _FoundError(Exception):
    """Ends the search."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column


class _Finder:
    """Looks for the element that has so many before it."""

    def __init__(self, wanted: int) -> None:
        self._before = wanted
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start

    def _start(self, _name: str, _attributes: dict[str, str]) -> None:
        if self._before:
            self._before -= 1
            return
        behind_bracket = self.parser.CurrentColumnNumber + 2  # and counted from 1
        raise _FoundError(self.parser.CurrentLineNumber, behind_bracket)
