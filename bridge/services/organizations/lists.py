"""Lists of the platform's own things: filtered here, they are short.

Source: elements-api 1.9, 5 and appendix A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Literal, Or, Predicate
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidQueryError
from bridge.interfaces import Entity, Field, FieldType, Scalar
from bridge.services.filtering.local_filter import matches
from bridge.services.times import write_time
from bridge.services.values import read_text

_UTC = ZoneInfo("UTC")


def select(
    where: str, types: Mapping[str, FieldType], rows: Sequence[Entity]
) -> list[Entity]:
    """Return the rows that a CEQL text lets pass, as callers see them.

    Raises:
        InvalidQueryError: the text does not parse, names an unknown member, or has a
            value that cannot be compared.
    """
    parsed = parse_where(where)
    expr = None if parsed is None else _type(types, parsed)
    return [
        to_document(row) for row in rows if expr is None or matches(expr, row, _UTC)
    ]


def to_document(row: Entity) -> Entity:
    """Return a row as callers see it: times in one form, what has no value left out."""
    return {
        name: write_time(value) if isinstance(value, datetime) else value
        for name, value in row.items()
        if value is not None
    }


def _type(
    types: Mapping[str, FieldType], expr: Expr[str, Literal]
) -> Expr[Field, Scalar]:
    if isinstance(expr, Predicate):
        return _type_predicate(types, expr)
    items = tuple(_type(types, item) for item in expr.items)
    return And(items) if isinstance(expr, And) else Or(items)


def _type_predicate(
    types: Mapping[str, FieldType], predicate: Predicate[str, Literal]
) -> Predicate[Field, Scalar]:
    names = {name.lower(): name for name in types}
    name = names.get(predicate.field.lower())
    if name is None:
        _refuse(predicate, f"there is no {predicate.field}, only {', '.join(types)},")
    field = Field(name, types[name])
    try:
        values = tuple(read_text(field, literal.text) for literal in predicate.values)
    except ValueError as error:
        _refuse(predicate, f"the value of {predicate.field} {error}")
    return Predicate(field, predicate.operator, values, predicate.column)


def _refuse(predicate: Predicate[str, Literal], reason: str) -> NoReturn:
    raise InvalidQueryError(
        f"Invalid where expression: {reason} at position {predicate.column - 1}.",
        column=predicate.column,
    ) from None
