"""Compares a stored record with what was sent: the same, uncertain, or different.

Leading, trailing and repeated blanks do not distinguish texts, nor do decimals beyond
the fourth place or fractions of a second: the vendor may store them otherwise. An
instant sent to a field of days is stored as its day in some zone. A record with the
same texts and another value elsewhere is uncertain, because the tenant's workflow rules
change fields on save; a record with other texts is a different one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

from bridge.interfaces import Entity, FieldInfo, FieldType, Scalar
from bridge.services.records.validation import ValidatedRecord

_MIN_DIFFERENCE = Decimal("0.0001")


class MatchResult(Enum):
    """Whether a record holds what was sent."""

    SAME = "same"
    UNCERTAIN = "uncertain"
    DIFFERENT = "different"


def match_record(sent: ValidatedRecord, entity: Entity) -> MatchResult:
    """Compare a record with what was sent; empty values are not compared."""
    result = MatchResult.SAME
    for info, value, stored in _compared(sent, entity):
        if info.type is FieldType.STRING and not info.udf:
            text = "" if stored is None else str(stored)
            if _letters(str(value)) != _letters(text):
                return MatchResult.DIFFERENT
            if str(value).split() != text.split():
                result = MatchResult.UNCERTAIN
        elif not _agrees(value, stored):
            result = MatchResult.UNCERTAIN
    return result


def _compared(
    sent: ValidatedRecord, entity: Entity
) -> Iterator[tuple[FieldInfo, Scalar, object]]:
    """Yield field, sent value and stored value where the two can be compared.

    A field that cannot be searched may never be shown, as with a password.
    """
    for info, value in sent.given.values():
        stored = entity.get(sent.fields.typed(info))
        hidden = stored is None and not info.queryable
        incomparable = info.udf and info.type in (FieldType.DATETIME, FieldType.BOOLEAN)
        if value not in (None, "") and not hidden and not incomparable:
            yield info, value, stored


def _agrees(value: Scalar, stored: object) -> bool:
    if isinstance(value, datetime) and isinstance(stored, datetime):
        return abs(value - stored) <= timedelta(seconds=1)
    if isinstance(value, datetime) and isinstance(stored, date):
        return abs(value.date() - stored) <= timedelta(days=1)
    if isinstance(value, bool) or isinstance(stored, bool):
        return value == stored
    if isinstance(value, int | float | Decimal):
        return _is_near(Decimal(str(value)), stored)
    if isinstance(value, str) and isinstance(stored, str):
        return value.split() == stored.split() or _is_near(_number(value), stored)
    return value == stored


def _is_near(value: Decimal | None, stored: object) -> bool:
    other = _number(stored)
    if value is None or other is None:
        return False
    return abs(value - other) < _MIN_DIFFERENCE


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
