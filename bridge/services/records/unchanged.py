"""Whether a member of a body repeats the stored value: then nothing is written.

A caller that sends back what it read must change nothing, whatever the type. Callers
see whole seconds, days as midnight UTC, and decimals as JSON numbers, which most
programs read as binary floats.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bridge.interfaces import Field, Scalar
from bridge.services.times import parse_time
from bridge.services.values import read_json
from bridge.types import JSON


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
