"""Values as callers send them, turned into what the vendor's field takes.

Lenient in form, strict in meaning: numbers as texts, booleans as 0/1 and US dates are
read; a value that cannot be the field's is refused. Source: elements-api 4.2, 4.3, 5.1.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from bridge.interfaces import DateKind, Field, FieldType, Scalar
from bridge.services.times import CallerTime, parse_time
from bridge.types import JSON

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_INTEGERS = frozenset({FieldType.INTEGER, FieldType.LONG, FieldType.SHORT})
_MAX_BY_TYPE = {
    FieldType.SHORT: 2**15 - 1,
    FieldType.INTEGER: 2**63 - 1,
    FieldType.LONG: 2**63 - 1,
}
_MAX_DIGITS = 38


def sendable(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot carry.

    They are no part of any text at the vendor.
    """
    return _FORBIDDEN.sub("", text)


def read_text(field: Field, text: str) -> Scalar:
    """Return the value that a text stands for in a field of this type.

    A date field takes a time at midnight as written, or without a time of day, as that
    day, unless it holds instants.

    Raises:
        ValueError: it stands for none; the message says what the field takes.
    """
    if field.type is FieldType.STRING:
        return text
    if field.type is FieldType.DATETIME:
        time = read_time_text(text)
        is_instant = field.date_kind is DateKind.INSTANT
        return time.instant if is_instant else time.value
    if field.type is FieldType.BOOLEAN:
        return _read_boolean(text)
    if field.type in _INTEGERS:
        return _read_integer(field.type, text)
    return _read_decimal(text)


def read_json(field: Field, value: JSON) -> Scalar:
    """Return the value that a member of a JSON body stands for; never for null.

    Raises:
        ValueError: it stands for none; the message says what the field takes.
    """
    if isinstance(value, (list, dict)) or value is None:
        raise ValueError("must be a single value")
    if isinstance(value, bool):
        return _read_bool_member(field, value=value)
    if isinstance(value, str):
        return read_text(field, value)
    return read_text(field, _number_text(value))


def _read_bool_member(field: Field, *, value: bool) -> Scalar:
    if field.type is FieldType.BOOLEAN:
        return value
    if field.type is FieldType.STRING:
        return "true" if value else "false"
    return read_text(field, "1" if value else "0")


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def read_time_text(text: str) -> CallerTime:
    """Return the time that a text stands for.

    Raises:
        ValueError: it stands for none; the message says what is taken.
    """
    try:
        return parse_time(text)
    except ValueError:
        raise ValueError(
            "must be a time such as 2019-03-14T09:26:53Z or a date such as 2019-03-14"
        ) from None


def _read_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("must be true or false")


def _read_integer(type_: FieldType, text: str) -> int:
    word = text.strip().lower()
    if word in ("true", "false"):
        return int(word == "true")
    number = _read_decimal(word, kind="a whole number")
    if number != number.to_integral_value():
        raise ValueError("must be a whole number")
    if abs(number) > _MAX_BY_TYPE[type_]:
        raise ValueError("is too large a number")
    return int(number)


def _read_decimal(text: str, *, kind: str = "a number") -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError(f"must be {kind}")
    if abs(number.adjusted()) > _MAX_DIGITS:
        raise ValueError("is too large or too small a number")
    return number
