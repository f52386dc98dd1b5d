"""The SOAP envelope of a definition: what it asks for, and filling it in.

A value only ever becomes the text of an element, or of an attribute, in a document
that was read before: whatever it holds, the elements around it stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from lxml import etree

from bridge.errors import InvalidRequestError
from bridge.interfaces import Argument, Node

Fill: TypeAlias = Callable[[str], str]
"""From a text with placeholders to the text with values."""

_MOST_CHARACTERS = 100_000
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_XSD = "http://www.w3.org/2001/XMLSchema"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# A marked section and a comment are harmless; whatever else begins so is a DTD.
_DECLARATION = re.compile(r"<!(?!\[CDATA\[|--)")
_DOCUMENTS = frozenset({("query", "sXML")})
"""Operation and argument where the text is itself an XML document."""


def read_envelope(text: str) -> etree._Element:
    """Return the element in the body of an envelope: it is called as the operation.

    Raises:
        InvalidRequestError: not an envelope, a DTD, or too long.
    """
    body = _parse(text, "envelope").find(_BODY)
    asked = None if body is None else next(body.iterchildren(etree.Element), None)
    if asked is None:
        raise InvalidRequestError("The resource's envelope holds no operation.")
    return asked


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def read_arguments(
    operation: str, asked: etree._Element, fill: Fill
) -> dict[str, Argument]:
    """Return the arguments of an operation, filled in.

    Raises:
        InvalidRequestError: the text of a query is no XML document, or has a DTD, or
            `fill` has no value.
    """
    arguments: dict[str, Argument] = {}
    for child in asked.iterchildren(etree.Element):
        name = local_name(child)
        if (operation, name) in _DOCUMENTS:
            text = "".join(map(str, child.itertext()))
            arguments[name] = fill_document(text, fill)
        else:
            arguments[name] = _content(child, fill)
    return arguments


def fill_document(text: str, fill: Fill) -> str:
    """Return an XML document with what `fill` makes of its texts and attributes.

    Raises:
        InvalidRequestError: no XML document, a DTD, too long, or `fill` has no value.
    """
    root = _parse(text, "query")
    for element in root.iter(etree.Element):
        element.text = element.text and fill(element.text)
        element.tail = element.tail and fill(element.tail)
        for name, value in element.attrib.items():
            element.set(name, fill(str(value)))
    return etree.tostring(root, encoding="unicode")


def _parse(text: str, what: str) -> etree._Element:
    """Read a document whatever encoding it names: it comes as characters.

    In another encoding a DTD could hide from the look for one.
    """
    if len(text) > _MOST_CHARACTERS or _DECLARATION.search(text):
        raise InvalidRequestError(f"The resource's {what} is too long, or has a DTD.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.strip("\ufeff \t\r\n").encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        raise InvalidRequestError(f"The resource's {what} is not XML.") from None


def _content(element: etree._Element, fill: Fill) -> Argument:
    children = list(element.iterchildren(etree.Element))
    if not children:
        return fill(element.text or "")
    return tuple(
        Node(local_name(child), _kind(child), _content(child, fill))
        for child in children
    )


def _kind(element: etree._Element) -> str:
    """Return the type that an element declares, under the prefix that is ours."""
    prefix, _, name = str(element.get(_TYPE, "")).strip().rpartition(":")
    of_schema = name and element.nsmap.get(prefix or None) == _XSD
    return f"xsd:{name}" if of_schema else name
