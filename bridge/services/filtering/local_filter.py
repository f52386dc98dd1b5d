"""A filter evaluated in this process on one record, as the vendor would evaluate it.

Texts compare without case and without trailing blanks. Null fails every test but IS
NULL; an empty text counts as null. Unverified: the collation of the vendor's database
is assumed to be the usual one, and the order of letters that of Unicode.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from bridge.ceql.ast import AFFIRMED_EQUALITIES, And, Expr, Operator, Or, Predicate
from bridge.interfaces import Field, FieldType, Scalar
from bridge.services.values import BOOLEANS, read_number

Value: TypeAlias = str | bool | Decimal | datetime
"""A value as compared: times are naive."""

GetValue: TypeAlias = Callable[[Field], object]
"""Returns a record's value of a field, None without one."""

TimeKey: TypeAlias = Callable[[date], datetime]
"""Returns a day or an instant as it is compared: `StoredTimes.comparable`."""

_COMPARISONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.IN: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.NOT_IN: operator.ne,
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
_AFFIRMATIONS = AFFIRMED_EQUALITIES | {Operator.LIKE}


def matches(where: Expr[Field, Scalar], get: GetValue, time_key: TimeKey) -> bool:
    """Return whether a record passes a filter; `time_key` is the backend's."""
    if isinstance(where, And):
        return all(matches(item, get, time_key) for item in where.items)
    if isinstance(where, Or):
        return any(matches(item, get, time_key) for item in where.items)
    value = _value(where.field, get(where.field), time_key)
    return _passes(where, value, time_key)


def _passes(
    predicate: Predicate[Field, Scalar], value: Value | None, time_key: TimeKey
) -> bool:
    operator_ = predicate.operator
    field = predicate.field
    operands = [_comparable(field, item, time_key) for item in predicate.values]
    if operator_ in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return _is_empty(value) is (operator_ is Operator.IS_NULL)
    if value is None:
        # The vendor is queried for null where a caller compares with an empty text.
        return operator_ in _AFFIRMATIONS and "" in operands
    if operator_ is Operator.LIKE:
        return _like(str(value), str(operands[0]))
    if operator_ is Operator.NOT_LIKE:
        pattern = str(operands[0])
        # `NOT LIKE '%'` matches nothing, although a blank text fails `LIKE '%'`.
        return bool(pattern.strip("%")) and not _like(str(value), pattern)
    quantifier = all if operator_ in (Operator.NOT_EQUAL, Operator.NOT_IN) else any
    return quantifier(_compare(operator_, value, item) for item in operands)


def _is_empty(value: Value | None) -> bool:
    return value is None or (isinstance(value, str) and not _folded(value))


def _compare(operator_: Operator, value: Value, operand: Value) -> bool:
    if isinstance(value, str):
        return _COMPARISONS[operator_](_folded(value), _folded(str(operand)))
    return _COMPARISONS[operator_](value, operand)


def _folded(text: str) -> str:
    return text.rstrip(" ").casefold()


def _like(text: str, pattern: str) -> bool:
    """Match a pattern with `%` wildcards; a pattern without any is an equality.

    A pattern of wildcards alone matches every value that is not blank.
    """
    if not pattern.strip("%"):
        return bool(pattern) is not _is_empty(text)
    head, *middle = pattern.casefold().split("%")
    if not middle:
        return _folded(text) == _folded(pattern)
    tail = middle.pop()
    text = text.casefold()
    end = len(text) - len(tail)
    if end < len(head) or not (text.startswith(head) and text.endswith(tail)):
        return False
    position = len(head)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def _value(field: Field, value: object, time_key: TimeKey) -> Value | None:
    """Return a value as it is compared; None for a value that cannot be."""
    if field.udf and isinstance(value, str) and field.type is not FieldType.STRING:
        return _read_text(field.type, value.strip(), time_key)
    return None if value is None else _comparable(field, value, time_key)


def _read_text(type_: FieldType, text: str, time_key: TimeKey) -> Value | None:
    """Read a text that is not spelt as values of its field's type are.

    A time without an offset already is as the vendor compares it.
    """
    if type_ is FieldType.BOOLEAN:
        return BOOLEANS.get(text.lower())
    if type_.is_number:
        return read_number(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time_key(moment) if moment.tzinfo else moment


def _comparable(field: Field, value: object, time_key: TimeKey) -> Value:
    """Return a typed value in the form in which values are compared."""
    if isinstance(value, str | Decimal):
        return value
    if isinstance(value, bool):
        return Decimal(value) if field.type.is_number else value
    if isinstance(value, date):
        return time_key(value)
    return Decimal(str(value))


def utc_time(value: date) -> datetime:
    """Return a day or an instant as one naive time, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive here
