"""A caller's filter turned into the vendor's: names, types and values checked.

Every mistake ends here with its column; no vendor call is spent on it. The result says
the same whoever tests it, the vendor or `matching`.

An empty text is null, whatever the field's type: `= ''` asks for null, and a stored
text without content matches neither a comparison nor its negation. Unverified: whether
the vendor's IsNotNull leaves such a text out; either way it matches exactly one of
`IS NULL` and `!= 'x'`, because every comparison but an equality is sent with IsNotNull.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Literal, Operator, Or, Predicate
from bridge.errors import InvalidQueryError
from bridge.interfaces import DateKind, Field, FieldInfo, FieldType, Scalar
from bridge.services.fields import EntityFields
from bridge.services.filtering import day_comparisons, whole_seconds
from bridge.services.times import CallerTime
from bridge.services.values import read_text, read_time_text, sendable

_LIKE = frozenset({Operator.LIKE, Operator.NOT_LIKE})
_ORDER = frozenset(
    {
        Operator.LESS,
        Operator.LESS_OR_EQUAL,
        Operator.GREATER,
        Operator.GREATER_OR_EQUAL,
    }
)


_NEED_CONTENT = _ORDER | {Operator.NOT_EQUAL, Operator.NOT_IN, Operator.NOT_LIKE}


def read_filter(
    fields: EntityFields, expr: Expr[str, Literal], zone: Callable[[], ZoneInfo]
) -> Expr[Field, Scalar]:
    """Return the vendor's filter for a caller's.

    Values of a list are typed and then stand in it once each. `zone` is the one the
    vendor's times are written in; it is read only where times are compared.

    Raises:
        InvalidQueryError: it names an unknown or unsearchable field, or compares with
            a value that the field cannot hold.
    """
    if isinstance(expr, And):
        return And(tuple(read_filter(fields, item, zone) for item in expr.items))
    if isinstance(expr, Or):
        return Or(tuple(read_filter(fields, item, zone) for item in expr.items))
    info = fields.find(expr.field)
    if info is None:
        _refuse(expr, f"{fields.resource.name} has no field {expr.field}")
    if not info.queryable:
        _refuse(expr, f"Autotask cannot search by {expr.field}")
    _check_operator(info, expr)
    try:
        return _type_predicate(fields.typed(info), expr, zone)
    except ValueError as error:
        _refuse(expr, f"the value of {expr.field} {error}")


def names_unknown(fields: EntityFields, expr: Expr[str, Literal]) -> bool:
    """Tell whether a filter names a field that is none of these."""
    if isinstance(expr, Predicate):
        return fields.find(expr.field) is None
    return any(names_unknown(fields, item) for item in expr.items)


def _type_predicate(
    field: Field, predicate: Predicate[str, Literal], zone: Callable[[], ZoneInfo]
) -> Expr[Field, Scalar]:
    """Type one test; a list without its empty texts is joined to the test for null."""
    operator, column = predicate.operator, predicate.column
    texts = [sendable(literal.text) for literal in predicate.values]
    if operator in _LIKE and "%" not in texts[0]:
        operator = Operator.EQUAL if operator is Operator.LIKE else Operator.NOT_EQUAL
    rest = [text for text in texts if not _is_empty(field, text)]
    if operator not in whole_seconds.EQUALITIES or len(rest) == len(texts):
        return _compare(field, operator, texts, column, zone)
    is_null = operator in whole_seconds.AFFIRMED
    null_test: Predicate[Field, Scalar] = Predicate(
        field, Operator.IS_NULL if is_null else Operator.IS_NOT_NULL, (), column
    )
    if not rest:
        return null_test
    test = _compare(field, operator, rest, column, zone)
    return Or((test, null_test)) if is_null else And((test, null_test))


def _compare(
    field: Field,
    operator: Operator,
    texts: list[str],
    column: int,
    zone: Callable[[], ZoneInfo],
) -> Expr[Field, Scalar]:
    if texts and field.date_kind is DateKind.BY_VALUE:
        times = tuple(map(read_time_text, texts))
        written: Predicate[Field, CallerTime] = Predicate(
            field, operator, times, column
        )
        return day_comparisons.condition(written, zone())
    if _is_instant(field) and operator in whole_seconds.EQUALITIES:
        moments = tuple(read_time_text(text).instant for text in texts)
        return whole_seconds.equality(
            Predicate(field, operator, moments, column), zone()
        )
    values = tuple(dict.fromkeys(_read_value(field, text) for text in texts))
    test: Predicate[Field, Scalar] = Predicate(field, operator, values, column)
    of_blanks = operator is Operator.LIKE and not texts[0].strip("% ")
    if field.type is FieldType.STRING and (operator in _NEED_CONTENT or of_blanks):
        return And((test, Predicate(field, Operator.IS_NOT_NULL, (), column)))
    return test


def _is_instant(field: Field) -> bool:
    return field.type is FieldType.DATETIME and field.date_kind is DateKind.INSTANT


def _is_empty(field: Field, text: str) -> bool:
    """Tell whether a text has no content; the vendor ignores blanks at the end."""
    return not (text.strip(" ") if field.type is FieldType.STRING else text.strip())


def _read_value(field: Field, text: str) -> Scalar:
    """Read a value; of a time compared with a day, the day as written."""
    if field.date_kind is DateKind.DAY:
        return read_time_text(text).day
    return read_text(field, text)


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
