"""Reads XML that strangers sent: no DTD, no entities, no network, bounded depth."""

from __future__ import annotations

from typing import cast

from lxml import etree


class UnreadableXmlError(Exception):
    """Not well formed, or with a DTD; `line` and `column` say where it was noticed."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def read(data: bytes, encoding: str | None = None) -> etree._Element:
    """Return the root element; comments and processing instructions are dropped.

    libxml2 refuses more than 256 levels and texts of more than 10 MB.

    Raises:
        UnreadableXmlError: see there.
    """
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise UnreadableXmlError(str(error.msg), line, column) from error
    except (LookupError, ValueError) as error:
        raise UnreadableXmlError(str(error), 1, 1) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXmlError(
            "For security reasons DTD is prohibited in this XML document.", 1, 1
        )
    return root


def line_of(element: etree._Element) -> int:
    """Return the line an element starts on."""
    return cast("int | None", element.sourceline) or 1
