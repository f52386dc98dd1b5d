"""CEQL on short lists of JSON documents, typed by the values in them. Pure.

Source: elements-api 3.1, appendix E, and 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from bridge.ceql.ast import And, Expr, Literal, Or, Predicate, join
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldType, Scalar
from bridge.services.filtering.local_filter import GetValue, matches, utc_time
from bridge.services.values import read_text
from bridge.types import JSON

D = TypeVar("D", bound=Mapping[str, JSON])

_TYPES: tuple[tuple[type, FieldType], ...] = (
    (bool, FieldType.BOOLEAN),
    (int, FieldType.LONG),
    (float, FieldType.DOUBLE),
    (str, FieldType.STRING),
)


def select_documents(where: str, documents: Sequence[D]) -> list[D]:
    """Return the documents that match a CEQL text.

    Members are named in any case, members of a nested object with a dot. A condition on
    a member that no document has is left out: old clients send names such as `abridged`
    that only limit what is returned.

    Raises:
        InvalidQueryError: the text does not parse, or a value is not of the member's
            type.
    """
    parsed = parse_where(where)
    if parsed is None:
        return [*documents]
    types = {
        name: kind
        for document in documents
        for name, value in _members(document)
        if (kind := _type_of(value)) is not None
    }
    expr = _type(types, parsed)
    return [
        document
        for document in documents
        if expr is None or matches(expr, _getter(document), utc_time)
    ]


def _getter(document: Mapping[str, JSON]) -> GetValue:
    members = dict(_members(document))
    return lambda field: members.get(field.name)


def _members(document: Mapping[str, JSON]) -> Iterator[tuple[str, JSON]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{part}".lower(), v) for part, v in value.items())
        else:
            yield name.lower(), value


def _type_of(value: JSON) -> FieldType | None:
    return next((kind for cls, kind in _TYPES if isinstance(value, cls)), None)


def _type(
    types: Mapping[str, FieldType], expr: Expr[str, Literal]
) -> Expr[Field, Scalar] | None:
    """Return the typed filter on known members; None when it names none of them."""
    if isinstance(expr, Predicate):
        return _type_predicate(types, expr)
    typed = (_type(types, item) for item in expr.items)
    items = [item for item in typed if item is not None]
    if not items:
        return None
    return join(And, items) if isinstance(expr, And) else join(Or, items)


def _type_predicate(
    types: Mapping[str, FieldType], predicate: Predicate[str, Literal]
) -> Predicate[Field, Scalar] | None:
    name = predicate.field.lower()
    if name not in types:
        return None
    field = Field(name, types[name])
    try:
        values = tuple(read_text(field, literal.text) for literal in predicate.values)
    except ValueError as error:
        raise InvalidQueryError(
            f"Invalid where expression: the value of {predicate.field} {error} at "
            f"position {predicate.column - 1}.",
            column=predicate.column,
        ) from None
    return Predicate(field, predicate.operator, values, predicate.column)
