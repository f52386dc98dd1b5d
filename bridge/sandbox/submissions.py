"""Reads the `<Entities>` of a write call into texts, as the vendor's reader binds them.

What cannot be bound (no or unknown `xsi:type`, an id that is no number, a typed value
whose text is not of its type) fails the whole call with a `soap:Fault`; whether values
suit their fields is judged later, by `checks`.
Source: SOAP contract notes, sections 8.2, 9.3 and 14.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from bridge.sandbox import errors, values
from bridge.sandbox.envelope import XSI_NIL, XSI_TYPE, Request
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.schema import Table, TenantSchema
from bridge.sandbox.xml import line_of

MAX_ENTITIES = 200
"""Source: SOAP help, create and update."""

_SCHEMA_TYPES = {
    "string": values.TEXT,
    "short": values.SHORT,
    "int": values.INTEGER,
    "integer": values.LONG,
    "long": values.LONG,
    "decimal": values.DECIMAL,
    "double": values.DOUBLE,
    "float": values.DOUBLE,
    "boolean": values.BOOLEAN,
}
"""Types whose texts the reader itself converts; times are left to the engine."""
_TRUE = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class Value:
    """The text of one member; `typed` tells whether it carried an `xsi:type`."""

    text: str
    typed: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """One `<Entity>`: its 1-based number, its id and its members by lower-case name.

    A member that is nil or absent is not there. A UDF without value is None.
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
        BusinessError: more than 200 entities, or several types.
    """
    service = request.namespace
    parent = request.body.find(f"{{{service}}}Entities")
    elements = [] if parent is None else parent.findall(f"{{{service}}}Entity")
    found = [
        _submission(number, element, schema, service)
        for number, element in enumerate(elements, start=1)
        if not _is_nil(element)
    ]
    if len(found) > MAX_ENTITIES:
        raise BusinessError(errors.TOO_MANY_ENTITIES, entity=found[0].table.entity.name)
    if len({item.table for item in found}) > 1:
        raise BusinessError(errors.MIXED_ENTITIES, entity=found[0].table.entity.name)
    return found


def _submission(
    number: int, element: etree._Element, schema: TenantSchema, service: str
) -> Submission:
    return read_entity(number, element, _table(element, schema, service), service)


def read_entity(
    number: int, element: etree._Element, table: Table, service: str
) -> Submission:
    """Return one entity of a known type; its number is its place in the call.

    Raises:
        SoapFaultError: it cannot be bound.
    """
    record_id = 0
    members: dict[str, Value] = {}
    udfs: dict[str, str | None] = {}
    for child in element:
        name = child.tag.removeprefix(f"{{{service}}}")
        if name == "id":
            record_id = _id(child)
        elif name == "UserDefinedFields":
            udfs = dict(_udf(udf, service) for udf in child)
        elif name != "Fields" and not _is_nil(child):
            members[name.lower()] = _value(child)
    return Submission(number, table, record_id, members, udfs)


def _table(element: etree._Element, schema: TenantSchema, service: str) -> Table:
    declared = element.get(XSI_TYPE)
    line = line_of(element)
    at = f"at <Entity xmlns='{service}'>."
    if declared is None:
        raise errors.unreadable(
            line,
            1,
            "System.InvalidOperationException: The specified type is abstract: "
            f"name='Entity', namespace='{service}', {at}",
        )
    prefix, _, local = declared.strip().rpartition(":")
    space = element.nsmap.get(prefix or None)
    table = schema.tables.get(local) if space == service else None
    if table is None:
        raise errors.unreadable(
            line,
            1,
            "System.InvalidOperationException: The specified type was not recognized: "
            f"name='{local}', namespace='{space or ''}', {at}",
        )
    return table


def _id(element: etree._Element) -> int:
    try:
        return int(values.LONG.read(element.text or ""))
    except ValueError as error:
        raise errors.bad_format(line_of(element)) from error


def _value(element: etree._Element) -> Value:
    text = element.text or ""
    declared = element.get(XSI_TYPE)
    if declared is None:
        return Value(text, typed=False)
    kind = _SCHEMA_TYPES.get(declared.rpartition(":")[2])
    if kind is not None:
        try:
            kind.read(text)
        except ValueError as error:
            raise errors.bad_format(line_of(element)) from error
    return Value(text, typed=True)


def _udf(element: etree._Element, service: str) -> tuple[str, str | None]:
    name = element.findtext(f"{{{service}}}Name") or ""
    value = element.find(f"{{{service}}}Value")
    return name, None if value is None or _is_nil(value) else value.text


def _is_nil(element: etree._Element) -> bool:
    return element.get(XSI_NIL, "").strip() in _TRUE
