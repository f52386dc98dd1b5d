"""Convert values as callers send them into values of the vendor's fields.

Formats are lenient, values strict: numbers as texts, booleans as 0/1 and US dates are
accepted; a value that the field cannot have is an error.

Source: elements-api 4.2, 4.3, 5.1.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bridge.interfaces import DateKind, Field, FieldType, Scalar
from bridge.interfaces.times import CallerTime
from bridge.services.times import parse_time
from bridge.types import JSON

BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
# The integer types.
_MAX_BY_TYPE = {
    FieldType.SHORT: 2**15 - 1,
    # Metadata calls references integers, and ids may have 64 bits.
    FieldType.INTEGER: 2**63 - 1,
    FieldType.LONG: 2**63 - 1,
}
_MAX_DIGITS = 38


def read_number(text: str) -> Decimal | None:
    """Return the number of a text in any spelling, such as `1e3` or `.5`."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return None if number.is_nan() else number


def read_text(field: Field, text: str) -> Scalar:
    """Parse a text as a value of a field's type.

    In a date field, a time written as midnight, or without a time of day, is a day,
    unless the field holds instants.

    Raises:
        ValueError: it is not such a value; the message says what the field takes.
    """
    if field.type is FieldType.STRING:
        return text
    if field.type is FieldType.DATETIME:
        time = read_time_text(text)
        is_instant = field.date_kind is DateKind.INSTANT
        return time.instant if is_instant else time.value
    if field.type is FieldType.BOOLEAN:
        return _read_boolean(text)
    if field.type in _MAX_BY_TYPE:
        return _read_integer(field.type, text)
    return _read_decimal(text)


def read_json(field: Field, value: JSON) -> Scalar:
    """Convert a member of a JSON body, which is not null, to a field's type.

    Raises:
        ValueError: it is not such a value; the message says what the field takes.
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
    # Without an exponent: a text field stores it as it is written here.
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def read_time_text(text: str) -> CallerTime:
    """Parse a time.

    Raises:
        ValueError: it is not a time; the message says what is accepted.
    """
    try:
        return parse_time(text)
    except ValueError:
        raise ValueError(
            "must be a time such as 2019-03-14T09:26:53Z or a date such as 2019-03-14"
        ) from None


def _read_boolean(text: str) -> bool:
    value = BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError("must be true or false")
    return value


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
        # Not a number, and so refused below like NaN itself.
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError(f"must be {kind}")
    # `1E999999999` is a short text, but a long number.
    if abs(number.adjusted()) > _MAX_DIGITS:
        raise ValueError("is too large or too small a number")
    return number
