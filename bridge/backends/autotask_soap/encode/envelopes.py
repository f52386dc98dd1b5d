"""The SOAP envelope of a caller's own definition: its operation and arguments.

A value only ever becomes the text of an element or attribute in a document that was
parsed before, so a hostile value cannot change the elements around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from bridge.backends.autotask_soap.decode.entity import local_name
from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS
from bridge.errors import InvalidRequestError

_MAX_CHARACTERS = 100_000
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_XSD = "http://www.w3.org/2001/XMLSchema"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# CDATA sections and comments are harmless; anything else that begins with `<!` belongs
# to a DTD, whose entities could expand without limit.
_DECLARATION = re.compile(r"<!(?!\[CDATA\[|--)")
_DOCUMENTS = frozenset({("query", "sXML")})
"""Operation and argument where the text is itself an XML document."""


@dataclass(frozen=True, slots=True)
class Node:
    """A member inside an argument of a call: its name, and a text or more members.

    `kind` is its declared type, such as `Contact`, or `xsd:int` for one of XML Schema;
    empty without a declaration.
    """

    name: str
    kind: str
    content: str | tuple[Node, ...]


Argument: TypeAlias = str | tuple[Node, ...]
"""A text, or the members of a structure."""

Fill: TypeAlias = Callable[[str], str]
"""From a text with placeholders to the text with values."""


@dataclass(frozen=True, slots=True)
class SoapEnvelope:
    """An envelope that was parsed: the element of its operation."""

    element: etree._Element

    @property
    def operation(self) -> str:
        """The name of the operation, as the envelope spells it."""
        return local_name(self.element)

    def arguments(self, operation: str, fill: Fill) -> dict[str, Argument]:
        """Return the arguments with their placeholders filled.

        Raises:
            InvalidRequestError: the text of a query is not an XML document or has a
                DTD; or `fill` has no value.
        """
        arguments: dict[str, Argument] = {}
        for child in self.element.iterchildren(etree.Element):
            name = local_name(child)
            if (operation, name) in _DOCUMENTS:
                text = "".join(map(str, child.itertext()))
                arguments[name] = _fill_document(text, fill)
            else:
                arguments[name] = _content(child, fill)
        return arguments


def read_envelope(text: str) -> SoapEnvelope:
    """Parse an envelope and find the operation in its body.

    Raises:
        InvalidRequestError: not an envelope, a DTD, or too long.
    """
    body = _parse(text, "envelope").find(_BODY)
    element = None if body is None else next(body.iterchildren(etree.Element), None)
    if element is None:
        raise InvalidRequestError("The resource's envelope holds no operation.")
    return SoapEnvelope(element)


def _fill_document(text: str, fill: Fill) -> str:
    root = _parse(text, "query")
    for element in root.iter(etree.Element):
        element.text = element.text and fill(element.text)
        element.tail = element.tail and fill(element.tail)
        for name, value in element.attrib.items():
            element.set(name, fill(str(value)))
    return etree.tostring(root, encoding="unicode")


def _parse(text: str, what: str) -> etree._Element:
    """Parse a document as UTF-8, whatever encoding it declares.

    In the declared encoding a DTD could hide from the check above the parser.
    """
    if len(text) > _MAX_CHARACTERS or _DECLARATION.search(text):
        raise InvalidRequestError(f"The resource's {what} is too long, or has a DTD.")
    parser = etree.XMLParser(**OPTIONS)
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
    """Return the `xsi:type` of an element, with our own prefix for XML Schema."""
    prefix, _, name = str(element.get(_TYPE, "")).strip().rpartition(":")
    of_schema = name and element.nsmap.get(prefix or None) == _XSD
    return f"xsd:{name}" if of_schema else name
