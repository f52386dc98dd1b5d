"""A caller's filter turned into the vendor's: names, types and values checked.

Every mistake ends here with its column; no vendor call is spent on it.
"""

from __future__ import annotations

from typing import NoReturn

from bridge.ceql.ast import And, Expr, Literal, Operator, Or, Predicate
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldInfo, FieldType, Scalar
from bridge.services.fields import EntityFields
from bridge.services.values import read_text, sendable

_LIKE = frozenset({Operator.LIKE, Operator.NOT_LIKE})
_ORDER = frozenset(
    {
        Operator.LESS,
        Operator.LESS_OR_EQUAL,
        Operator.GREATER,
        Operator.GREATER_OR_EQUAL,
    }
)


def read_filter(fields: EntityFields, expr: Expr[str, Literal]) -> Expr[Field, Scalar]:
    """Return the vendor's filter for a caller's.

    Values of a list are typed and then stand in it once each.

    Raises:
        InvalidQueryError: it names an unknown or unsearchable field, or compares with
            a value that the field cannot hold.
    """
    if isinstance(expr, And):
        return And(tuple(read_filter(fields, item) for item in expr.items))
    if isinstance(expr, Or):
        return Or(tuple(read_filter(fields, item) for item in expr.items))
    return _type_predicate(fields, expr)


def names_unknown(fields: EntityFields, expr: Expr[str, Literal]) -> bool:
    """Tell whether a filter names a field that is none of these."""
    if isinstance(expr, Predicate):
        return fields.find(expr.field) is None
    return any(names_unknown(fields, item) for item in expr.items)


def _type_predicate(
    fields: EntityFields, predicate: Predicate[str, Literal]
) -> Predicate[Field, Scalar]:
    info = fields.find(predicate.field)
    if info is None:
        _refuse(predicate, f"{fields.resource.name} has no field {predicate.field}")
    if not info.queryable:
        _refuse(predicate, f"Autotask cannot search by {predicate.field}")
    _check_operator(info, predicate)
    field = fields.typed(info)
    try:
        values = tuple(
            dict.fromkeys(
                read_text(field, sendable(literal.text)) for literal in predicate.values
            )
        )
    except ValueError as error:
        _refuse(predicate, f"the value of {predicate.field} {error}")
    return Predicate(field, predicate.operator, values, predicate.column)


def _check_operator(info: FieldInfo, predicate: Predicate[str, Literal]) -> None:
    """Refuse what the vendor's operator table leaves out. Source: SOAP help, query."""
    if predicate.operator in _LIKE and info.type is not FieldType.STRING:
        _refuse(predicate, f"LIKE needs a text field, and {predicate.field} is none")
    if predicate.operator in _ORDER and info.type is FieldType.BOOLEAN:
        _refuse(
            predicate,
            f"{predicate.field} is true or false and cannot be compared by "
            f"{predicate.operator}",
        )


def _refuse(predicate: Predicate[str, Literal], reason: str) -> NoReturn:
    raise InvalidQueryError(
        f"Invalid where expression: {reason} at position {predicate.column - 1}.",
        column=predicate.column,
    )
