"""Write the hot requests, `query` and the writes, as bytes.

Held equal to zeep's output by canonical XML for every entity of the service
description; the schema prefixes are declared once, on the envelope. Every value of an
entity carries its type: the vendor cannot read an empty element without one.
Source: SOAP help, update; captured failures of clients that left the type out.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.backends.autotask_soap.encode.values import (
    VendorTimes,
    wire_text,
    wire_type,
)
from bridge.backends.autotask_soap.encode.xmltext import escape, is_name
from bridge.errors import InvalidRequestError
from bridge.interfaces import Credentials, Field, Scalar, Values
from bridge.telemetry.redaction import is_secret_name

NAMESPACE = "http://autotask.net/ATWS/v1_6/"

NEW = 0
"""The id of an entity that does not exist yet. Source: SOAP help, create()."""

_TYPE_PREFIXES = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)
_OPEN = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    f"{_TYPE_PREFIXES}>"
)
_CLOSE = "</soap:Body></soap:Envelope>"


def query_request(document: str, credentials: Credentials) -> bytes:
    """Return the envelope of a query."""
    body = f'<query xmlns="{NAMESPACE}"><sXML>{escape(document)}</sXML></query>'
    return envelope(body, credentials, writes=False)


def write_request(
    operation: str,
    entity: str,
    rows: Iterable[tuple[int, Values]],
    *,
    credentials: Credentials,
    times: VendorTimes,
) -> bytes:
    """Return the envelope of a write for (id, values) of one entity.

    Raises:
        InvalidRequestError: a name that cannot be an element's.
    """
    body = write_body(operation, entity, rows, times=times)
    return envelope(body, credentials, writes=True)


def write_body(
    operation: str,
    entity: str,
    rows: Iterable[tuple[int, Values]],
    *,
    times: VendorTimes,
) -> str:
    """Return the element of a write.

    The operation is `create`, `update` or `delete`, which takes no values.
    A field with the value None is left out, which clears it on update; a user-defined
    field with None is sent empty. Unverified: that an empty UDF value clears it.

    Raises:
        InvalidRequestError: a name that cannot be an element's.
    """
    if not is_name(entity):
        raise InvalidRequestError(f"{entity!r} is not the name of an entity.")
    parts = [f'<{operation} xmlns="{NAMESPACE}"><Entities>']
    for entity_id, values in rows:
        parts.append(f'<Entity xsi:type="{entity}"><id>{entity_id}</id>')
        parts.append(write_members(values, times))
        parts.append("</Entity>")
    parts.append(f"</Entities></{operation}>")
    return "".join(parts)


def standalone(body: str) -> str:
    """Return a request's element with the prefixes that its envelope would declare."""
    return body.replace(" xmlns=", f"{_TYPE_PREFIXES} xmlns=", 1)


def write_members(values: Values, times: VendorTimes) -> str:
    """Return the elements of an entity's fields, as `write_body` does.

    They stand in the order of the metadata, which is that of the schema.
    """
    udfs: list[str] = []
    fields: list[str] = []
    # The schema is a sequence: members in another order are refused.
    for field, value in sorted(values.items(), key=_place):
        if field.udf:
            text = "" if value is None else wire_text(field, value, times)
            udfs.append(
                f"<UserDefinedField><Name>{escape(field.name)}</Name>"
                f"<Value>{escape(text)}</Value></UserDefinedField>"
            )
        elif value is not None and field.name != "id":
            fields.append(_typed(field, value, times))
    members = "".join(fields)
    # The schema's order: user-defined fields before the typed ones.
    if udfs:
        return f"<UserDefinedFields>{''.join(udfs)}</UserDefinedFields>{members}"
    return members


def _place(item: tuple[Field, Scalar | None]) -> int:
    return item[0].place


def secret_texts(values: Values) -> tuple[str, ...]:
    """Return the texts of secret fields, such as a portal user's password."""
    return tuple(
        value
        for field, value in values.items()
        if isinstance(value, str) and value and is_secret_name(field.name)
    )


def _typed(field: Field, value: Scalar, times: VendorTimes) -> str:
    name = field.name
    if not is_name(name):
        raise InvalidRequestError(f"{name!r} is not the name of a field.")
    if isinstance(value, str):
        return f'<{name} xsi:type="xsd:string">{escape(value)}</{name}>'
    text = wire_text(field, value, times)
    return f'<{name} xsi:type="xsd:{wire_type(field, value)}">{text}</{name}>'


def frame(credentials: Credentials, *, writes: bool) -> tuple[str, str]:
    """Return what stands before a request's element and behind it."""
    header = _header(credentials, writes=writes)
    return f"{_OPEN}{header}<soap:Body>", _CLOSE


def envelope(body: str, credentials: Credentials, *, writes: bool) -> bytes:
    """Return the message of a request's element."""
    start, end = frame(credentials, writes=writes)
    return f"{start}{body}{end}".encode()


def _header(credentials: Credentials, *, writes: bool) -> str:
    """Write the integration code, and the author where something is written.

    A query that names an author is refused, and an empty member cannot be read, so
    what is not needed is left out. Source: SOAP help, impersonation.
    """
    members = []
    code = credentials.integration_code.strip()
    if code:
        members.append(f"<IntegrationCode>{escape(code)}</IntegrationCode>")
    author = credentials.impersonate_resource_id
    if writes and author is not None:
        members.append(f"<ImpersonateAsResourceID>{author}</ImpersonateAsResourceID>")
    if not members:
        return ""
    return (
        f'<soap:Header><AutotaskIntegrations xmlns="{NAMESPACE}">{"".join(members)}'
        "</AutotaskIntegrations></soap:Header>"
    )
