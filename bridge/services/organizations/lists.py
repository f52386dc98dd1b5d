"""Filtered lists of accounts and users; they are short enough to filter in memory.

Source: elements-api 1.9, 5 and appendix A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NoReturn

from bridge.ceql.ast import And, Expr, Literal, Or, Predicate
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldType, Scalar
from bridge.services.filtering.local_filter import matches, utc_time
from bridge.services.organizations.bodies import Document
from bridge.services.times import write_time
from bridge.services.values import read_text


def select(
    where: str, types: Mapping[str, FieldType], rows: Sequence[Document]
) -> list[Document]:
    """Return the rows that match a CEQL filter, as documents.

    Raises:
        InvalidQueryError: the filter does not parse, names an unknown member, or has a
            value that cannot be compared.
    """
    parsed = parse_where(where)
    expr = None if parsed is None else _type(types, parsed)
    return [
        to_document(row)
        for row in rows
        if expr is None or matches(expr, partial(_value, row), utc_time)
    ]


def _value(row: Document, field: Field) -> object:
    return row.get(field.name)


def to_document(row: Document) -> Document:
    """Return a row as a document: times as texts, without null members."""
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
    # Names are compared without case, as in filters of records.
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
