"""`orderBy`: records sorted in this process.

Autotask sorts by id only, so a list must be read completely before it is sorted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bridge.interfaces import Entity, Field, Scalar
from bridge.interfaces.times import shown_instant
from bridge.services.fields import EntityFields
from bridge.services.values import read_number

_PART = re.compile(r"(-?)(.*?)(?:\s+(asc|desc))?", re.IGNORECASE | re.DOTALL)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MAX_SORTED = 5000
"""Records of a list that is sorted; a longer list stays in the order of ids."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field to sort by."""

    field: Field
    descending: bool


def read_order(fields: EntityFields, text: str) -> tuple[list[SortKey], list[str]]:
    """Return the keys of an `orderBy`, and a note for each unknown field in it.

    Parts are `field`, `field asc`, `field desc` or `-field`, separated by commas.
    """
    keys: list[SortKey] = []
    notes: list[str] = []
    for part, name, descending in _parts(text):
        info = fields.find(name)
        if info is None:
            notes.append(f"orderBy {part} was ignored: there is no such field.")
        else:
            keys.append(SortKey(fields.typed(info), descending))
    return keys, notes


def names_unknown(fields: EntityFields, text: str) -> bool:
    """Return whether an `orderBy` names a field that is not among these."""
    return any(fields.find(name) is None for _, name, _ in _parts(text))


def _parts(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield each part, the name in it, and whether it is descending."""
    for part in filter(None, map(str.strip, text.split(","))):
        match = _PART.fullmatch(part)
        backwards, name, direction = match.groups("") if match else ("", part, "")
        yield part, name, backwards == "-" or direction.lower() == "desc"


def sort(entities: Sequence[Entity], keys: Sequence[SortKey]) -> list[Entity]:
    """Return the entities sorted; equal ones keep their order.

    Records without a value come first, last when descending. Texts are compared without
    case, times as callers see them, a day as 0:00 UTC.
    """
    ordered = list(entities)
    # The sort is stable, so the most significant key comes last.
    for key in reversed(keys):
        ordered.sort(
            key=lambda entity: _rank(_value(key.field, entity)), reverse=key.descending
        )
    return ordered


def _value(field: Field, entity: Entity) -> Scalar | None:
    value = entity.get(field)
    if field.udf and field.type.is_number and isinstance(value, str):
        number = read_number(value)
        return value if number is None else number
    return value


def _rank(value: Scalar | None) -> tuple[int, float | Decimal, str]:
    if value is None or value == "":
        return 0, 0, ""
    if isinstance(value, date):
        seen = value if isinstance(value, datetime) else shown_instant(value)
        return 1, (seen - _EPOCH) // _MICROSECOND, ""
    if isinstance(value, int | float | Decimal):
        # By its digits: `Decimal(0.1)` is not the 0.1 that callers see.
        return 1, value if isinstance(value, int) else Decimal(str(value)), ""
    return 2, 0, str(value).casefold()
