"""Parses untrusted XML: no DTD, no entities, no network, bounded size.

At most 256 levels and, in documents larger than any ordinary call, 500,000 tags and as
many attributes; a single text may be as long as the document. Unverified: the numbers.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from itertools import count, islice
from typing import cast
from xml.parsers import expat

from lxml import etree

from bridge.sandbox.declarations import rule

# Source: the .NET reader, which is open source.
_DTD = "For security reasons DTD is prohibited in this XML document."
_NO_ROOT = "Root element is missing."
# Unverified: the limits of the vendor's reader are not known.
_TOO_LARGE = "The document has more elements, levels or text than can be read."
_LIMITS = re.compile("XML_PARSE_HUGE|too (?:long|large|deep)|limit", re.IGNORECASE)

MAX_LEVELS = 256  # the limit of the parser itself, but with `huge_tree`
# Enough for 200 records with all their fields and 300 user-defined ones each.
MAX_MARKUP = 500_000

# Below this no text can reach the parser's own limit, whatever the encoding.
_ORDINARY_BYTES = 3_000_000
# A document whose first tag is its root's: a DTD cannot follow.
_PLAIN_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:<\?xml\s+version\s*=\s*['\"]1\.\d['\"]"
    rb"(?:\s+encoding\s*=\s*['\"](?i:utf-8|us-ascii|iso-8859-1)['\"])?"
    rb"(?:\s+standalone\s*=\s*['\"]\w+['\"])?\s*\?>)?"
    rb"(?:\s*<!--(?s:.*?)-->)*\s*<[A-Za-z_]"
)

_ATTRIBUTE = re.compile(rb"=\s*[\"']")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableXmlError(Exception):
    """Malformed XML, or a DTD; `line` and `column` say where."""

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
        UnreadableXmlError: the document is malformed, too large, or has a DTD.
    """
    # Without its own limits the parser would expand the entities of a DTD without end.
    huge = len(data) > _ORDINARY_BYTES and _PLAIN_PROLOG.match(data) is not None
    if huge and _has_too_much_markup(data):
        raise UnreadableXmlError(_TOO_LARGE, 1, 1)
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
        raise UnreadableXmlError(_DTD, 1, 1)
    if huge and _levels(root) > MAX_LEVELS:
        raise UnreadableXmlError(_TOO_LARGE, 1, 1)
    return root


def _has_too_much_markup(data: bytes) -> bool:
    """Return whether there is too much that looks like tags or attributes."""
    attributes = islice(_ATTRIBUTE.finditer(data), MAX_MARKUP + 1)
    return data.count(b"<") > MAX_MARKUP or sum(1 for _ in attributes) > MAX_MARKUP


def _parsed(data: bytes, parser: etree.XMLParser) -> etree._Element:
    if not data.strip():
        raise UnreadableXmlError(_NO_ROOT, 1, 1)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise _malformed(str(error.msg), line, column) from error
    except (LookupError, ValueError) as error:  # an unknown encoding
        raise _malformed("", 1, 1) from error


@rule(
    "Transport",
    "Malformed XML is refused with line and column",
    source="stack",
)
def _malformed(said: str, line: int, column: int) -> UnreadableXmlError:
    """Return the error of a refused document, without the parser's own text."""
    what = _TOO_LARGE if _LIMITS.search(said) else "The document is not well formed."
    message = f"{what} Line {line}, position {column}."
    return UnreadableXmlError(message, line, column)


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
    """Return line and column of an element's name in its document.

    Parses the document again: lxml does not know columns. Source: soap-samples 19.
    """
    elements = element.getroottree().getroot().iter("*")
    wanted = next(n for n, found in enumerate(elements) if found is element)
    parser = expat.ParserCreate()
    numbers = count()
    found: list[tuple[int, int]] = []

    def start(_name: str, _attributes: dict[str, str]) -> None:
        if next(numbers) == wanted:
            # After the bracket, and counted from 1.
            column = parser.CurrentColumnNumber + 2
            found.append((parser.CurrentLineNumber, column))

    parser.StartElementHandler = start
    # Errors: an encoding that only lxml knows.
    with suppress(expat.ExpatError, LookupError, ValueError):
        parser.Parse(data, True)  # noqa: FBT003 - the foreign function's form
    if not found:
        return cast("int | None", element.sourceline) or 1, 1
    line, column = found[0]
    # Expat counts a byte order mark as a column.
    return line, column - (line == 1 and data.startswith(_BYTE_ORDER_MARKS))
