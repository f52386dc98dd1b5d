"""A caller's filter turned into the vendor's: names, types and values checked.

Every mistake is reported here with its column and costs no vendor call. The result
means the same whether the vendor evaluates it or `local_filter`.

An empty text is null, whatever the field's type: `= ''` matches null, and a stored
text without content matches neither a comparison nor its negation. Unverified: whether
the vendor's IsNotNull excludes such a text; either way it matches exactly one of
`IS NULL` and `!= 'x'`, because every comparison but an equality is sent with IsNotNull.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

from bridge.ceql.ast import (
    AFFIRMED_EQUALITIES,
    EQUALITIES,
    ORDERINGS,
    PATTERNS,
    And,
    Expr,
    Literal,
    Operator,
    Or,
    Predicate,
    join_list,
)
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldInfo, FieldType, Limits, Scalar
from bridge.interfaces.texts import sendable_text
from bridge.interfaces.times import StoredTimes
from bridge.services.fields import EntityFields
from bridge.services.values import read_text, read_time_text

ReadCondition: TypeAlias = Callable[[Predicate[str, Literal]], Expr[Field, Scalar]]
"""Returns the vendor's condition for a caller's: `RecordMapping.read_condition`."""

_NEED_CONTENT = ORDERINGS | {Operator.NOT_EQUAL, Operator.NOT_IN, Operator.NOT_LIKE}


def read_filter(
    expr: Expr[str, Literal], read_condition: ReadCondition
) -> Expr[Field, Scalar]:
    """Return the vendor's filter for a caller's, one condition after the other.

    Raises:
        InvalidQueryError: as `read_condition`.
    """
    if isinstance(expr, Predicate):
        return read_condition(expr)
    items = tuple(read_filter(item, read_condition) for item in expr.items)
    return And(items) if isinstance(expr, And) else Or(items)


def read_condition(
    fields: EntityFields,
    predicate: Predicate[str, Literal],
    times: StoredTimes,
    limits: Limits,
) -> Expr[Field, Scalar]:
    """Return the vendor's condition for a caller's, with values as its field has them.

    Values of a list are typed, and duplicates removed. `times` and `limits` are those
    of the backend.

    Raises:
        InvalidQueryError: the field is unknown or cannot be searched, or a value is not
            of the field's type.
    """
    name = predicate.field
    info = fields.find(name)
    if info is None:
        _refuse(predicate, f"{fields.resource.name} has no field {name}")
    if not info.queryable:
        _refuse(predicate, f"Autotask cannot search by {name}")
    _check_operator(info, predicate, limits)
    try:
        return _type_predicate(fields.typed(info), predicate, times)
    except ValueError as error:
        _refuse(predicate, f"the value of {name} {error}")


def names_unknown(fields: EntityFields, expr: Expr[str, Literal]) -> bool:
    """Return whether a filter names a field that is not among these."""
    if isinstance(expr, Predicate):
        return fields.find(expr.field) is None
    return any(names_unknown(fields, item) for item in expr.items)


def _type_predicate(
    field: Field, predicate: Predicate[str, Literal], times: StoredTimes
) -> Expr[Field, Scalar]:
    """Type one test; an empty text in a list becomes a test for null beside it."""
    operator, column = predicate.operator, predicate.column
    texts = [sendable_text(literal.text) for literal in predicate.values]
    if operator in PATTERNS and "%" not in texts[0]:
        operator = Operator.EQUAL if operator is Operator.LIKE else Operator.NOT_EQUAL
    rest = [text for text in texts if not _is_empty(field, text)]
    if operator not in EQUALITIES or len(rest) == len(texts):
        return _compare(field, operator, texts, column, times)
    is_null = operator in AFFIRMED_EQUALITIES
    null_test: Predicate[Field, Scalar] = Predicate(
        field, Operator.IS_NULL if is_null else Operator.IS_NOT_NULL, (), column
    )
    if not rest:
        return null_test
    test = _compare(field, operator, rest, column, times)
    return join_list([test, null_test], affirmed=is_null)


def _compare(
    field: Field,
    operator: Operator,
    texts: list[str],
    column: int,
    times: StoredTimes,
) -> Expr[Field, Scalar]:
    if texts and field.type is FieldType.DATETIME:
        written = tuple(map(read_time_text, texts))
        return times.condition(Predicate(field, operator, written, column))
    values = tuple(dict.fromkeys(read_text(field, text) for text in texts))
    test: Predicate[Field, Scalar] = Predicate(field, operator, values, column)
    of_blanks = operator is Operator.LIKE and not texts[0].strip("% ")
    if field.type is FieldType.STRING and (operator in _NEED_CONTENT or of_blanks):
        return And((test, Predicate(field, Operator.IS_NOT_NULL, (), column)))
    return test


def _is_empty(field: Field, text: str) -> bool:
    """Return whether a text has no content; the vendor ignores trailing blanks."""
    return not (text.strip(" ") if field.type is FieldType.STRING else text.strip())


def _check_operator(
    info: FieldInfo, predicate: Predicate[str, Literal], limits: Limits
) -> None:
    """Refuse an operator that the vendor does not have for the field's type."""
    if limits.supports(info.type, predicate.operator):
        return
    if predicate.operator in PATTERNS and info.type is not FieldType.STRING:
        _refuse(predicate, f"LIKE needs a text field, and {predicate.field} is none")
    kind = "is true or false and " if info.type is FieldType.BOOLEAN else ""
    _refuse(
        predicate,
        f"{predicate.field} {kind}cannot be compared by {predicate.operator}",
    )


def _refuse(predicate: Predicate[str, Literal], reason: str) -> NoReturn:
    raise InvalidQueryError(
        f"Invalid where expression: {reason} at position {predicate.column - 1}.",
        column=predicate.column,
    )
