"""A filter evaluated in this process on one entity, as the vendor would evaluate it.

Texts compare without case and without trailing blanks. Null fails every test but IS
NULL; an empty text counts as null. Unverified: the collation of the vendor's database
is assumed to be the usual one, and the order of letters that of Unicode.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bridge.ceql.ast import AFFIRMED_EQUALITIES, And, Expr, Operator, Or, Predicate
from bridge.interfaces import UDF_MEMBER, Entity, Field, FieldType, Scalar
from bridge.services.times import local_time
from bridge.services.values import BOOLEANS

Value: TypeAlias = str | bool | Decimal | datetime
"""A value as compared: times are naive and in the vendor's zone."""

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


def matches(where: Expr[Field, Scalar], entity: Entity, zone: ZoneInfo) -> bool:
    """Return whether an entity passes a filter; `zone` is the vendor's."""
    if isinstance(where, And):
        return all(matches(item, entity, zone) for item in where.items)
    if isinstance(where, Or):
        return any(matches(item, entity, zone) for item in where.items)
    return _passes(where, _value(where.field, entity, zone), zone)


def _passes(
    predicate: Predicate[Field, Scalar], value: Value | None, zone: ZoneInfo
) -> bool:
    operator_ = predicate.operator
    operands = [_comparable(predicate.field, item, zone) for item in predicate.values]
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


def _value(field: Field, entity: Entity, zone: ZoneInfo) -> Value | None:
    """Return an entity's value; None where it has no value that can be compared."""
    if not field.udf:
        value = entity.get(field.name)
        return None if value is None else _comparable(field, value, zone)
    udfs = entity.get(UDF_MEMBER)
    text = udfs.get(field.name) if isinstance(udfs, Mapping) else None
    return None if text is None else _read_udf(field.type, str(text), zone)


def _read_udf(type_: FieldType, text: str, zone: ZoneInfo) -> Value | None:
    """Read a UDF's text by its type. Source: vendor help, UDF values."""
    if type_ is FieldType.STRING:
        return text
    if type_ is FieldType.BOOLEAN:
        return BOOLEANS.get(text.strip().lower())
    try:
        if type_ is FieldType.DATETIME:
            return _local(datetime.fromisoformat(text.strip()), zone)
        return Decimal(text.strip())
    except (ValueError, InvalidOperation):
        return None


def _comparable(field: Field, value: object, zone: ZoneInfo) -> Value:
    """Return a typed value in the form in which values are compared."""
    if isinstance(value, str | Decimal):
        return value
    if isinstance(value, bool):
        return Decimal(value) if field.type.is_number else value
    if isinstance(value, datetime):
        return _local(value, zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive here
    return Decimal(str(value))


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time as the vendor writes it; a naive time is in the vendor's zone.

    Both passes of autumn's repeated hour then compare equal.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return local_time(moment, zone)
