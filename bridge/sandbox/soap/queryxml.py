"""Parses queryxml documents; `filters` validates their names and values.

Source: SOAP help, QueryXML; names are matched without case as working clients need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lxml import etree

from bridge.sandbox.declarations import rule
from bridge.sandbox.errors import INVALID_QUERY, TOO_MANY_ORS, BusinessError
from bridge.sandbox.soap import xml_reader
from bridge.sandbox.soap.xml_reader import UnreadableXmlError

MAX_OR_CONDITIONS = 500  # source: SOAP help, QueryXML limits

Joiner: TypeAlias = Literal["AND", "OR"]

_JOINERS: dict[str, Joiner] = {"and": "AND", "or": "OR"}


@dataclass(frozen=True, slots=True)
class Expression:
    """One comparison as written: operator in lower case, value untouched."""

    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its expressions, which are alternatives."""

    name: str
    udf: bool
    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A bracket. Each item is joined to everything before it, left to right.

    The joiner of the first item has no meaning.
    """

    items: tuple[tuple[Joiner, Field | Condition], ...]

    def walk(self) -> Iterator[tuple[Joiner, Field | Condition]]:
        """Yield all items, those of inner brackets too."""
        for joiner, item in self.items:
            yield joiner, item
            if isinstance(item, Condition):
                yield from item.walk()


@dataclass(frozen=True, slots=True)
class Query:
    """A whole document; a query without items has an empty `where`."""

    entity: str
    where: Condition


@rule("Limits", "500 OR conditions in a query", source="help")
@rule(
    "Query",
    "Names and operators without case, names of user-defined fields "
    "with it; white space around names",
    source="clients",
)
def parse(document: str) -> Query:
    """Return the query of a document.

    Raises:
        BusinessError: not well formed, of another shape, or with too many ORs.
    """
    try:
        # The text was decoded with the envelope, whatever encoding it declares itself.
        root = xml_reader.read(document.strip().encode(), encoding="utf-8")
    except UnreadableXmlError as error:
        raise BusinessError(INVALID_QUERY.format(error.message)) from error
    if root.tag.lower() != "queryxml":
        raise BusinessError(INVALID_QUERY.format("The root element must be queryxml."))
    entity = _text(_child(root, "entity"))
    if not entity:
        raise BusinessError(
            INVALID_QUERY.format("The entity element must name an entity.")
        )
    where = _condition(_child(root, "query"))
    if _or_count(where) > MAX_OR_CONDITIONS:
        raise BusinessError(TOO_MANY_ORS, entity=entity)
    return Query(entity, where)


def _child(parent: etree._Element, name: str) -> etree._Element:
    for child in parent:
        if child.tag.lower() == name:
            return child
    raise BusinessError(INVALID_QUERY.format(f"The {name} element is missing."))


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _condition(element: etree._Element) -> Condition:
    return Condition(tuple(_items(element)))


def _items(element: etree._Element) -> Iterator[tuple[Joiner, Field | Condition]]:
    for child in element:
        match child.tag.lower():
            case "field":
                yield "AND", _field(child)
            case "condition":
                bracket = _condition(child)
                if bracket.items:
                    yield _joiner(child), bracket
            case other:
                raise BusinessError(
                    INVALID_QUERY.format(f"Unexpected element {other}.")
                )


def _joiner(element: etree._Element) -> Joiner:
    operator = element.get("operator", "AND")
    try:
        return _JOINERS[operator.strip().lower()]
    except KeyError:
        raise BusinessError(
            INVALID_QUERY.format(f"Unknown condition operator {operator}.")
        ) from None


def _field(element: etree._Element) -> Field:
    name = _text(element)
    if not name:
        raise BusinessError(INVALID_QUERY.format("A field element must name a field."))
    expressions = tuple(_expression(name, child) for child in element)
    if not expressions:
        raise BusinessError(INVALID_QUERY.format(f"Field {name} has no expression."))
    udf = element.get("udf", "").strip().lower() in {"true", "1"}
    return Field(name, udf, expressions)


def _expression(name: str, element: etree._Element) -> Expression:
    if element.tag.lower() != "expression":
        raise BusinessError(INVALID_QUERY.format(f"Unexpected element {element.tag}."))
    operator = element.get("op")
    if operator is None:
        raise BusinessError(INVALID_QUERY.format(f"An expression of {name} has no op."))
    return Expression(operator.strip().lower(), element.text or "")


def _or_count(condition: Condition) -> int:
    count = 0
    for joiner, item in condition.walk():
        count += joiner == "OR"
        if isinstance(item, Field):
            count += len(item.expressions) - 1
    return count
