"""SOAP 1.1 in and out: parses requests, builds the envelopes of responses.

Responses are one line: the prefixes soap, xsi and xsd on the envelope, the service's
namespace as default on the response element.
Source: captured responses and SOAP contract notes, sections 3, 4 and 22.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lxml import etree

from bridge.sandbox import errors
from bridge.sandbox.data import fragments
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import SoapFaultError
from bridge.sandbox.soap import primitives, xml_reader
from bridge.sandbox.soap.primitives import BadPrimitiveError
from bridge.sandbox.soap.wsdl import namespace
from bridge.sandbox.soap.xml_reader import UnreadableXmlError

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

_MUST_UNDERSTAND = f"{{{ENVELOPE}}}mustUnderstand"
_TRUE = frozenset({"1", "true"})
_WITHOUT_IMPERSONATION = "1.5"
_HEAD = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
)
_TAIL = b"</soap:Body></soap:Envelope>"
# The return codes of an ATWSResponse.
SUCCESS, NO_CONDITION, FAILURE = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Request:
    """One call as read from its envelope.

    `version` is 1.5 or 1.6. `integration_code`: None when the header has none or a
    blank one; `impersonated` is the id of a resource. `source` is the document that
    `body` was parsed from.
    """

    operation: str
    body: etree._Element
    namespace: str
    version: str
    source: bytes = field(repr=False)
    integration_code: str | None = field(default=None, repr=False)
    impersonated: int | None = None

    def text(self, member: str) -> str:
        """Return the text of a member of the body, empty when absent."""
        element = self._argument(member)
        return "" if element is None else element.text or ""

    def number(self, member: str) -> int:
        """Return a whole number of the body, 0 when absent.

        Raises:
            SoapFaultError: the text is not a number.
        """
        element = self._argument(member)
        return 0 if element is None else int(self.converted(element, "long"))

    @rule(
        "Transport",
        "An argument that is nested once more in an element of its name is read",
        source="clients",
    )
    def _argument(self, member: str) -> etree._Element | None:
        """Return a simple argument, also if it is nested in itself.

        Source: an old suds library nests an argument that is passed as an object.
        """
        name = f"{{{self.namespace}}}{member}"
        element = self.body.find(name)
        inner = None if element is None else element.find(name)
        return element if inner is None else inner

    def converted(self, element: etree._Element, type_: str) -> str:
        """Return the text that the vendor's reader makes of an element of a type.

        Raises:
            SoapFaultError: its text is not of the type.
        """
        try:
            return primitives.convert(type_, element.text or "")
        except BadPrimitiveError as error:
            raise self.unreadable(element, error.inner) from error

    def unreadable(self, element: etree._Element, inner: str) -> SoapFaultError:
        """Return the fault of an element that the reader cannot bind."""
        return errors.unreadable(xml_reader.position(self.source, element), inner)


@rule(
    "Transport", "SOAPAction is advisory; the body's element decides", source="clients"
)
def read_request(data: bytes, version: str, action: str) -> Request:
    """Return the call that a request body holds.

    Raises:
        SoapFaultError: malformed XML, a DTD, no SOAP 1.1 envelope, no body, an
            operation in another namespace, or a header that cannot be bound.
    """
    try:
        root = xml_reader.read(data)
    except UnreadableXmlError as error:
        raise errors.unreadable(
            (error.line, error.column), f"System.Xml.XmlException: {error.message}"
        ) from error
    if etree.QName(root).localname == "Envelope" and not root.tag.startswith(
        f"{{{ENVELOPE}}}"
    ):
        raise errors.other_soap_version(etree.QName(root).namespace or "")
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise errors.unreadable(
            xml_reader.position(data, root),
            f"System.InvalidOperationException: <{root.tag}> was not expected.",
        )
    service = namespace(version)
    body = root.find(f"{{{ENVELOPE}}}Body")
    call = next(iter(body), None) if body is not None else None
    if call is None:
        raise errors.unknown_operation(action)
    name = etree.QName(call)
    if name.namespace != service:
        raise errors.unknown_operation(
            action or f"{name.namespace or ''}{name.localname}"
        )
    request = Request(name.localname, call, service, version, data)
    return _with_header(request, root.find(f"{{{ENVELOPE}}}Header"))


@rule(
    "Transport",
    "A header that must be understood and is not is a fault",
    source="clients",
)
@rule(
    "Login",
    "An empty resource id to impersonate is a fault in 1.6 and ignored in 1.5",
    source="stack",
)
def _with_header(request: Request, header: etree._Element | None) -> Request:
    """Read AutotaskIntegrations; one in another namespace is ignored.

    Version 1.5 has no impersonation and ignores its member, even an empty one.
    """
    if header is None:
        return request
    service = request.namespace
    for other in header:
        name = etree.QName(other)
        if name.namespace != service and other.get(_MUST_UNDERSTAND) in _TRUE:
            raise errors.SoapFaultError(
                f"SOAP header {name.localname} was not understood.",
                code="MustUnderstand",
            )
    block = header.find(f"{{{service}}}AutotaskIntegrations")
    if block is None:
        return request
    code = (block.findtext(f"{{{service}}}IntegrationCode") or "").strip() or None
    impersonated = block.find(f"{{{service}}}ImpersonateAsResourceID")
    if impersonated is None or request.version == _WITHOUT_IMPERSONATION:
        return replace(request, integration_code=code)
    resource_id = int(request.converted(impersonated, "int"))
    return replace(request, integration_code=code, impersonated=resource_id)


@rule(
    "Transport",
    "Any prefixes in requests; the vendor's own in responses, on one line",
    source="captured",
)
def response(operation: str, service: str, *result: bytes) -> bytes:
    """Return the response of an operation with the members of its result."""
    inner = b"".join(result)
    open_result, close_result = f"<{operation}Result>", f"</{operation}Result>"
    if not inner:  # the vendor's writer closes empty elements at once
        open_result, close_result = f"<{operation}Result />", ""
    return b"".join(
        (
            _HEAD,
            f'<{operation}Response xmlns="{service}">{open_result}'.encode(),
            inner,
            f"{close_result}</{operation}Response>".encode(),
            _TAIL,
        )
    )


def soap_fault(fault: errors.SoapFaultError) -> bytes:
    """Return a response with a `soap:Fault`."""
    return b"".join(
        (
            _HEAD,
            f"<soap:Fault><faultcode>soap:{fault.code}</faultcode>".encode(),
            f"<faultstring>{fragments.escape(fault.text)}</faultstring>".encode(),
            b"<detail /></soap:Fault>",
            _TAIL,
        )
    )


def atws_response(
    code: int,
    result_type: str,
    *,
    records: Iterable[bytes] = (),
    messages: Iterable[str] = (),
    infos: Iterable[bytes] = (),
) -> bytes:
    """Return the members of an ATWSResponse with one of the return codes."""
    faults = (
        f"<ATWSError>{fragments.element('Message', text)}</ATWSError>".encode()
        for text in messages
    )
    return b"".join(
        (
            f"<ReturnCode>{code}</ReturnCode>".encode(),
            _list("EntityResults", records),
            fragments.element("EntityResultType", result_type).encode(),
            _list("Errors", faults),
            _list("EntityReturnInfoResults", infos),
        )
    )


def _list(name: str, members: Iterable[bytes]) -> bytes:
    inner = b"".join(members)
    if not inner:
        return f"<{name} />".encode()
    return b"".join((f"<{name}>".encode(), inner, f"</{name}>".encode()))
