"""Converts the texts of typed values as the vendor's reader does, before validation.

Values stay texts, which `rules` validates later. A value of a type that the reader does
not know counts as untyped.
Source: the .NET serializer, which is open source, and its messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.sandbox.errors import BAD_FORMAT

_WHITE = " \t\r\n"
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)\Z")
_DOUBLE = re.compile(
    r"(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN|-?INF)\Z"
)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)
_BOOLEANS = frozenset({"true", "false", "1", "0"})
_MAX_DECIMAL = 2**96


class BadPrimitiveError(ValueError):
    """A text is not of its type; `inner` is the reader's exception."""

    def __init__(self, inner: str) -> None:
        super().__init__(inner)
        self.inner = inner


def convert(type_: str, text: str) -> str:
    """Return the text that the reader makes of a text of an XML Schema type.

    Raises:
        BadPrimitiveError: the text is not of the type.
    """
    conversion = _CONVERSIONS.get(type_)
    return text if conversion is None else conversion(text)


def is_known(type_: str) -> bool:
    """Return whether the reader knows a type of XML Schema by its local name."""
    return type_ in _CONVERSIONS or type_ in _TEXTS


def _whole(name: str, lowest: int, beyond: int) -> Callable[[str], str]:
    def convert_whole(text: str) -> str:
        stripped = text.strip(_WHITE)
        if not _INTEGER.match(stripped):
            raise BadPrimitiveError(BAD_FORMAT)
        digits = stripped.lstrip("+-").lstrip("0") or "0"
        if len(digits) > len(str(beyond)):  # Python refuses to parse very long numbers
            raise BadPrimitiveError(_out_of_range(name))
        number = -int(digits) if stripped[0] == "-" else int(digits)
        if not lowest <= number < beyond:
            raise BadPrimitiveError(_out_of_range(name))
        return str(number)

    return convert_whole


def _out_of_range(name: str) -> str:
    return (
        f"System.OverflowException: Value was either too large or too small for {name}."
    )


def _decimal(text: str) -> str:
    stripped = text.strip(_WHITE)
    if not _DECIMAL.match(stripped):
        raise BadPrimitiveError(BAD_FORMAT)
    whole = stripped.lstrip("+-").partition(".")[0].lstrip("0")
    longest = len(str(_MAX_DECIMAL))
    if len(whole) > longest or int(whole or "0") >= _MAX_DECIMAL:
        raise BadPrimitiveError(_out_of_range("a Decimal"))
    return text


def _double(text: str) -> str:
    if not _DOUBLE.match(text.strip(_WHITE)):
        raise BadPrimitiveError(BAD_FORMAT)
    return text


def _boolean(text: str) -> str:
    """Accept the four literals, in lower case."""
    if text.strip(_WHITE) not in _BOOLEANS:
        raise BadPrimitiveError(_not_valid(text, "Boolean"))
    return text


def _time(text: str) -> str:
    """Accept a date, or date and time with a T between them.

    Unverified: that it refuses other forms that XML Schema allows.
    """
    parts = _TIME.match(text.strip(_WHITE))
    if parts is None:
        raise BadPrimitiveError(_not_valid(text, "AllXsd"))
    try:
        datetime.fromisoformat(f"{parts[1]}T{parts[2] or '00:00:00'}")
    except ValueError:
        raise BadPrimitiveError(_not_valid(text, "AllXsd")) from None
    return text


def _not_valid(text: str, type_: str) -> str:
    return f"System.FormatException: The string '{text}' is not a valid {type_} value."


_CONVERSIONS: Mapping[str, Callable[[str], str]] = {
    "boolean": _boolean,
    "byte": _whole("a signed byte", -(2**7), 2**7),
    "date": _time,
    "dateTime": _time,
    "decimal": _decimal,
    "double": _double,
    "float": _double,
    "int": _whole("an Int32", -(2**31), 2**31),
    "long": _whole("an Int64", -(2**63), 2**63),
    "short": _whole("an Int16", -(2**15), 2**15),
    "unsignedByte": _whole("an unsigned byte", 0, 2**8),
    "unsignedInt": _whole("a UInt32", 0, 2**32),
    "unsignedLong": _whole("a UInt64", 0, 2**64),
    "unsignedShort": _whole("a UInt16", 0, 2**16),
}
# Types that the reader passes on as texts. Unverified: binary ones, names, times.
_TEXTS = frozenset(
    {
        "anyURI",
        "base64Binary",
        "duration",
        "gDay",
        "gMonth",
        "gMonthDay",
        "gYear",
        "gYearMonth",
        "hexBinary",
        "integer",
        "language",
        "Name",
        "NCName",
        "negativeInteger",
        "NMTOKEN",
        "nonNegativeInteger",
        "nonPositiveInteger",
        "normalizedString",
        "positiveInteger",
        "QName",
        "string",
        "time",
        "token",
    }
)
