"""Whether a member of a body repeats the stored value: then nothing is written.

A caller that sends back what it read must change nothing, whatever the type. Callers
see whole seconds, days as midnight UTC, and decimals as JSON numbers, which most
programs read as binary floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.interfaces import UDF_MEMBER, Entity, Field, FieldType, Scalar
from bridge.services.fields import EntityFields
from bridge.services.times import parse_time, read_vendor_time
from bridge.services.values import read_json
from bridge.types import JSON


def stored_udfs(
    fields: EntityFields, stored: Entity, zone: ZoneInfo
) -> dict[str, object]:
    """Return the values of a record's user-defined fields, with times parsed.

    `zone` is the time zone of the vendor's texts. None is an empty field.
    """
    found = stored.get(UDF_MEMBER)
    texts: Mapping[str, object] = found if isinstance(found, Mapping) else {}
    values: dict[str, object] = {}
    for name, text in texts.items():
        info = fields.udfs.get(name)
        is_time = info is not None and info.type is FieldType.DATETIME
        values[name] = _time(text, zone) if is_time else text
    return values


def _time(text: object, zone: ZoneInfo) -> object:
    try:
        return read_vendor_time(str(text), zone)
    except ValueError:
        return text


def repeats(field: Field, given: JSON, value: Scalar | None, stored: object) -> bool:
    """Return whether a member repeats the stored value, as callers see it.

    `value` is what `given` was parsed as. An empty text and null are equal.
    """
    if value is None or value == "":
        return stored is None or stored == ""
    if isinstance(given, str) and isinstance(stored, date):
        return parse_time(given).equals(stored)
    before = _read_again(field, stored)
    # Python compares True and 1 as equal.
    if isinstance(value, bool) is not isinstance(before, bool):
        return False
    if isinstance(given, float) and isinstance(before, int | float | Decimal):
        return given == float(before)
    return value == before


def _read_again(field: Field, stored: object) -> object:
    """Return a stored value as it would be parsed from a body that repeats it."""
    if isinstance(stored, Decimal):
        return stored
    if isinstance(stored, str | bool | int | float):
        try:
            return read_json(field, stored)
        except ValueError:
            return stored
    return stored
