"""Reads the `<Entities>` of a write call into texts, as the vendor's reader binds them.

What cannot be bound (no or unknown `xsi:type`, an id that is not a number, a typed
value whose text is not of its type) fails the whole call with a `soap:Fault`;
`rules.field_validation` validates the values.
Source: SOAP contract notes, sections 3, 8.2, 9.3 and 14.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from bridge.sandbox import errors
from bridge.sandbox.data.schema import Table, TenantSchema
from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.soap import primitives
from bridge.sandbox.soap.envelope import XSI_NIL, XSI_TYPE, Request

MAX_ENTITIES = 200  # source: SOAP help, create and update

# The namespaces of the types that the reader knows.
_PRIMITIVE = frozenset(
    {
        "http://www.w3.org/2001/XMLSchema",
        "http://schemas.xmlsoap.org/soap/encoding/",
    }
)
_TRUE = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class Value:
    """The text of one member; `typed` is whether its `xsi:type` is a known one."""

    text: str
    typed: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """One `<Entity>`: its 1-based number, its id and its members by lower-case name.

    Members that are nil are left out, and so are UDFs that are nil or empty. A UDF
    without value is None.
    """

    number: int
    table: Table
    record_id: int
    values: dict[str, Value]
    udfs: dict[str, str | None]


def read_entities(request: Request, schema: TenantSchema) -> list[Submission]:
    """Return the entities of a create, update or delete, in their order.

    Raises:
        SoapFaultError: an entity cannot be bound.
    """
    service = request.namespace
    parent = request.body.find(f"{{{service}}}Entities")
    elements = [] if parent is None else parent.findall(f"{{{service}}}Entity")
    return [
        read_entity(number, element, _table(request, element, schema), request)
        for number, element in enumerate(elements, start=1)
        if not _is_nil(element)
    ]


@rule("Limits", "200 records in a write", source="help")
def validate_batch(found: Sequence[Submission]) -> None:
    """Validate the number and the types of the entities of a call.

    Raises:
        BusinessError: more than 200 entities, or several types.
    """
    if len(found) > MAX_ENTITIES:
        raise BusinessError(errors.TOO_MANY_ENTITIES, entity=found[0].table.entity.name)
    if len({item.table for item in found}) > 1:
        raise BusinessError(errors.MIXED_ENTITIES, entity=found[0].table.entity.name)


def read_entity(
    number: int, element: etree._Element, table: Table, request: Request
) -> Submission:
    """Return one entity of a known type; its number is its place in the call.

    Raises:
        SoapFaultError: it cannot be bound.
    """
    service = request.namespace
    record_id = 0
    members: dict[str, Value] = {}
    udfs: dict[str, str | None] = {}
    for child in element:
        name = child.tag.removeprefix(f"{{{service}}}")
        if name == "id":
            record_id = int(request.converted(child, "long"))
        elif name == "UserDefinedFields":
            udfs = dict(_udfs(child, service))
        elif name != "Fields" and not _is_nil(child):
            members[name.lower()] = _value(request, child)
    return Submission(number, table, record_id, members, udfs)


@rule(
    "Write",
    "An id that is not a number, or a type that is unknown, is a fault",
    source="clients",
)
def _table(request: Request, element: etree._Element, schema: TenantSchema) -> Table:
    declared = element.get(XSI_TYPE)
    service = request.namespace
    at = f"at <Entity xmlns='{service}'>."
    if declared is None:
        raise request.unreadable(
            element,
            "System.InvalidOperationException: The specified type is abstract: "
            f"name='Entity', namespace='{service}', {at}",
        )
    space, local = _qualified(request, element, declared)
    table = schema.tables.get(local) if space == service else None
    if table is None:
        raise request.unreadable(
            element,
            "System.InvalidOperationException: The specified type was not recognized: "
            f"name='{local}', namespace='{space}', {at}",
        )
    return table


def _qualified(
    request: Request, element: etree._Element, declared: str
) -> tuple[str, str]:
    """Return namespace and local name of a QName; without prefix the default's."""
    name = declared.strip()
    prefix, _, local = name.rpartition(":")
    space = element.nsmap.get(prefix or None)
    if not prefix:
        return space or "", name
    if space is None:
        raise request.unreadable(
            element,
            "System.InvalidOperationException: Namespace prefix "
            f"'{prefix}' is not defined.",
        )
    return space, local


@rule(
    "Write",
    "The xsi:type of a value is a qualified name; its text must suit it",
    source="stack",
)
@rule(
    "Write",
    "A value of a type that the reader does not know counts as untyped",
    source="unverified",
)
def _value(request: Request, element: etree._Element) -> Value:
    """Return the value of a member that may be of any type.

    The reader converts the types of XML Schema that it knows. Source: the .NET
    serializer. Unverified: how the vendor treats values of other types, which the
    reader passes on like untyped ones, as nodes of the document.
    """
    text = element.text or ""
    declared = element.get(XSI_TYPE)
    if declared is None:
        return Value(text, typed=False)
    space, local = _qualified(request, element, declared)
    if space not in _PRIMITIVE or not primitives.is_known(local):
        return Value(text, typed=False)
    return Value(request.converted(element, local), typed=True)


@rule("Write", "Nil and empty user-defined fields are ignored", source="clients")
def _udfs(parent: etree._Element, service: str) -> Iterator[tuple[str, str | None]]:
    """Yield name and value of each UDF; nil and empty elements are ignored.

    Source: PHP's SOAP client encodes an empty list as one nil element. Unverified: that
    an element without name and value counts as nil too.
    """
    for element in parent:
        name = element.findtext(f"{{{service}}}Name") or ""
        value = element.find(f"{{{service}}}Value")
        text = None if value is None or _is_nil(value) else value.text
        if not _is_nil(element) and (name or text):
            yield name, text


def _is_nil(element: etree._Element) -> bool:
    return element.get(XSI_NIL, "").strip() in _TRUE
