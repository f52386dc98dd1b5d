"""Convert texts of a reply to Python values, by XML Schema type.

The service description declares entity fields without types, so the `xsi:type` of
each element decides. Source: SOAP help, "Data types"; captured replies.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from bridge.errors import ProviderProtocolError

RawEntity: TypeAlias = dict[str, object]
"""One entity as a reply has it, by vendor name, in the vendor's order.

A field that is null is absent; an empty text is `""`. The member `UserDefinedFields`,
present when the entity has any, maps a UDF's name to its text, None without a value.
"""

UDF_MEMBER: Final = "UserDefinedFields"

ReadTime: TypeAlias = Callable[[str, str], object]
"""Turn a field's name and its dateTime text into a value; ValueError if it cannot."""


def read_boolean(text: str) -> bool:
    """Read an `xsd:boolean`; ValueError for anything but its four spellings."""
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError(text)


CONVERSIONS: Final[dict[str, Callable[[str], object]]] = {
    "int": int,
    "short": int,
    "long": int,
    "integer": int,
    "byte": int,
    "boolean": read_boolean,
    "double": float,
    "float": float,
    "decimal": Decimal,
}
"""By local name of the type; `dateTime` needs the field's name and is not here."""

DECLARED_TYPES: Final[dict[str, str | None]] = {
    "id": "long",
    "IsActive": "boolean",
    "IsDeleted": "boolean",
    "IsTemplateJob": "boolean",
    "Fields": None,
    "UserDefinedFields": None,
}
"""The elements of an entity whose type stands in the service description.

They alone come without `xsi:type`: every other field is an `anyType` there. None is
for the two that have no value of their own. Source: WSDL 1.6.0, `Entity` and
`NotificationHistory`.
"""


def read_value(name: str, kind: str, text: str, read_time: ReadTime) -> object | None:
    """Return the value of a field, or None where an empty text means null.

    Texts of string and unknown types stay exactly as they are.

    Raises:
        ProviderProtocolError: the text is not of its type.
    """
    convert = CONVERSIONS.get(kind)
    if convert is None and kind != "dateTime":
        return text
    trimmed = text.strip()
    if not trimmed:
        return None
    try:
        return convert(trimmed) if convert else read_time(name, trimmed)
    except (ValueError, ArithmeticError) as error:
        raise ProviderProtocolError(
            f"Autotask sent a value that is no {kind} in field {name}."
        ) from error


class ReturnInfo(NamedTuple):
    """The vendor's message about one entity; texts are "" when absent."""

    entity_id: int
    message: str
    duplicate_found: bool
    duplicate_ignored: bool
    match_info: str
