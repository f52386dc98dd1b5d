"""A filter tested here on one entity, as the vendor would test it.

Texts compare without case and without trailing blanks; nulls fail every test but IS
NULL, for which an empty text is null too. Unverified: the vendor's collation is taken
for that of its database's usual set-up, its order of letters for that of Unicode.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Operator, Or, Predicate
from bridge.interfaces import UDF_MEMBER, Entity, Field, FieldType, Scalar
from bridge.services.times import local_time

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
_AFFIRMATIONS = frozenset({Operator.EQUAL, Operator.IN, Operator.LIKE})
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def matches(where: Expr[Field, Scalar], entity: Entity, zone: ZoneInfo) -> bool:
    """Tell whether an entity passes a filter; `zone` is the vendor's."""
    if isinstance(where, And):
        return all(matches(item, entity, zone) for item in where.items)
    if isinstance(where, Or):
        return any(matches(item, entity, zone) for item in where.items)
    return _passes(where, _value(where.field, entity, zone), zone)


def _passes(
    predicate: Predicate[Field, Scalar], value: Value | None, zone: ZoneInfo
) -> bool:
    asked = predicate.operator
    wanted = [_compared(predicate.field, item, zone) for item in predicate.values]
    if asked in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return _is_empty(value) is (asked is Operator.IS_NULL)
    if value is None:
        # An empty text is asked for as null, which the vendor's texts may be as well.
        return asked in _AFFIRMATIONS and "" in wanted
    if asked is Operator.LIKE:
        return _like(str(value), str(wanted[0]))
    if asked is Operator.NOT_LIKE:
        pattern = str(wanted[0])
        return bool(pattern.strip("%")) and not _like(str(value), pattern)
    quantifier = all if asked in (Operator.NOT_EQUAL, Operator.NOT_IN) else any
    return quantifier(_compare(asked, value, item) for item in wanted)


def _is_empty(value: Value | None) -> bool:
    return value is None or (isinstance(value, str) and not _folded(value))


def _compare(asked: Operator, value: Value, wanted: Value) -> bool:
    if isinstance(value, str):
        return _COMPARISONS[asked](_folded(value), _folded(str(wanted)))
    return _COMPARISONS[asked](value, wanted)


def _folded(text: str) -> str:
    return text.rstrip(" ").casefold()


def _like(text: str, pattern: str) -> bool:
    """Match a pattern of `%`; one without any is an equality.

    One of nothing but wildcards asks for any value, and blank is none.
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


def _value(asked: Field, entity: Entity, zone: ZoneInfo) -> Value | None:
    """Return an entity's value; None where there is none that could be compared."""
    if not asked.udf:
        value = entity.get(asked.name)
        return None if value is None else _compared(asked, value, zone)
    udfs = entity.get(UDF_MEMBER)
    text = udfs.get(asked.name) if isinstance(udfs, Mapping) else None
    return None if text is None else _read_udf(asked.type, str(text), zone)


def _read_udf(type_: FieldType, text: str, zone: ZoneInfo) -> Value | None:
    """Read a UDF's text by its type. Source: SOAP help, UDF values."""
    if type_ is FieldType.STRING:
        return text
    if type_ is FieldType.BOOLEAN:
        return _BOOLEANS.get(text.strip().lower())
    try:
        if type_ is FieldType.DATETIME:
            return _local(datetime.fromisoformat(text.strip()), zone)
        return Decimal(text.strip())
    except (ValueError, InvalidOperation):
        return None


def _compared(asked: Field, value: object, zone: ZoneInfo) -> Value:
    """Return a typed value in the form in which two are compared."""
    if isinstance(value, str | Decimal):
        return value
    if isinstance(value, bool):
        return Decimal(value) if asked.type.is_number else value
    if isinstance(value, datetime):
        return _local(value, zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive here
    return Decimal(str(value))


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time as the vendor writes it; one without a zone stands in the vendor's.

    So both passes of a repeated hour are one, and compare alike.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return local_time(moment, zone)
