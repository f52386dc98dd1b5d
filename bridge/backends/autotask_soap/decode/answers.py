"""Read the small replies: zone, entity and field descriptions.

They are read by element name, whatever the order, because newer releases of the
service put members between the old ones. Source: EntityInfo of 1.6.0 and 1.6.8.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from bridge.backends.autotask_soap.decode.characters import Utf8
from bridge.backends.autotask_soap.decode.entity import SOAP, local_name
from bridge.backends.autotask_soap.decode.xml_feed import OPTIONS, XmlFeed
from bridge.errors import ProviderProtocolError

_ENVELOPE = f"{{{SOAP}}}Envelope"
_BODY = f"{{{SOAP}}}Body"
_FAULT = f"{{{SOAP}}}Fault"


class FaultReplyError(Exception):
    """The reply is a `soap:Fault`. The client turns it into an `AttemptError`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def read_result(chunks: Iterable[bytes]) -> etree._Element:
    """Return the element inside the response element of a reply.

    Raises:
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: not a whole SOAP reply, or one without a result.
    """
    result = find_result(chunks)
    if result is None:
        raise ProviderProtocolError("The SOAP reply holds no result.")
    return result


def find_result(chunks: Iterable[bytes]) -> etree._Element | None:
    """Return the result as `read_result` does, None where it is left out as null."""
    response = read_response(chunks, etree.XMLParser(**OPTIONS))
    if response is None:
        raise ProviderProtocolError("The answer is not a SOAP reply.")
    return response.find("*")


def read_response(
    chunks: Iterable[bytes], parser: etree.XMLParser
) -> etree._Element | None:
    """Parse a reply and return its response element, as `find_response` does."""
    utf8, xml = Utf8(), XmlFeed(parser)
    for chunk in chunks:
        xml.feed(utf8.feed(chunk))
    xml.feed(utf8.feed(b"", final=True))
    return find_response(xml.close())


def find_response(root: etree._Element) -> etree._Element | None:
    """Return the response element in the body of a reply.

    Raises:
        FaultReplyError: the reply is a fault.
        ProviderProtocolError: this is not a SOAP reply.
    """
    if root.tag != _ENVELOPE:
        raise ProviderProtocolError(
            "The answer is no SOAP reply but XML with the root"
            f" {local_name(root)[:40]}."
        )
    body = next(root.iterchildren(_BODY), None)
    response = None if body is None else next(body.iterchildren("*"), None)
    if response is not None and response.tag == _FAULT:
        raise FaultReplyError(
            all_text(response.find("{*}faultcode")),
            all_text(response.find("{*}faultstring")),
        )
    return response


def all_text(element: etree._Element | None) -> str:
    """Return the text of an element, that of elements inside it included."""
    if element is None:
        return ""
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def members(element: etree._Element) -> dict[str, str]:
    """Return the texts of an element's children by local name, trimmed."""
    return {
        local_name(child): (child.text or "").strip()
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
