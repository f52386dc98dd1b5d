"""Read the small replies: zone, entity and field descriptions.

They are read by element name, whatever the order, because newer releases of the
service put members between the old ones. Source: EntityInfo of 1.6.0 and 1.6.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from bridge.backends.autotask_soap.decode_text import AllowedCharacters, Utf8
from bridge.errors import ProviderProtocolError

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_ROOT = re.compile(rb"<[A-Za-z_]")


class FaultReplyError(Exception):
    """The reply is a `soap:Fault`; never leaves this room."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def read_result(chunks: Iterable[bytes]) -> etree._Element:
    """Return the element inside the response element of a reply.

    Raises:
        SoapFaultError: the reply is a fault.
        ProviderProtocolError: not a whole SOAP reply, or one without a result.
    """
    result = find_result(chunks)
    if result is None:
        raise ProviderProtocolError("The SOAP reply holds no result.")
    return result


def find_result(chunks: Iterable[bytes]) -> etree._Element | None:
    """Return the result as `read_result` does, None where it is left out as null."""
    body = _parse(b"".join(chunks)).find(f"{_SOAP}Body")
    response = _first(body)
    if response is None:
        raise ProviderProtocolError("The answer is not a SOAP reply.")
    if response.tag == f"{_SOAP}Fault":
        code, text = response.findtext("faultcode"), response.findtext("faultstring")
        raise FaultReplyError(code or "", text or "")
    return _first(response)


def members(element: etree._Element) -> dict[str, str]:
    """Return the texts of an element's children by local name, trimmed."""
    return {
        etree.QName(child).localname: (child.text or "").strip()
        for child in element.iterchildren(etree.Element)
    }


def flag(text: str | None) -> bool:
    """Read an `xsd:boolean`; absent is false."""
    return text in ("true", "1")


def integer(text: str | None) -> int:
    """Read an `xsd:int`; absent or unreadable is 0."""
    try:
        return int(text or "0")
    except ValueError:
        return 0


def _first(element: etree._Element | None) -> etree._Element | None:
    if element is None:
        return None
    return next(element.iterchildren(etree.Element), None)


def _parse(body: bytes) -> etree._Element:
    utf8, allowed = Utf8(), AllowedCharacters()
    text = allowed.feed(utf8.feed(body, final=True)) + allowed.close()
    root = _ROOT.search(text)
    if root is None or b"<!DOCTYPE" in text[: root.start()]:
        raise ProviderProtocolError("The answer is not a SOAP reply.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise ProviderProtocolError(
            "The answer is cut off, or is not a SOAP reply."
        ) from error
