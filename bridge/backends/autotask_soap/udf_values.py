"""Types user-defined values: a text becomes what its field holds.

The vendor sends user-defined values as texts without types. Source: SOAP help, UDF
values; captured replies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from bridge.backends.autotask_soap.encode.values import VendorTimes
from bridge.interfaces import Entity, EntityType, FieldType, Scalar

_MAY_BE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MIDNIGHT: Final = time()
_BOOLEANS: Final = {"true": True, "false": False}
# In these a shift by an offset stays inside the calendar.
_YEARS: Final = range(2, 9999)


def type_udfs(
    entities: Iterable[Entity], entity_type: EntityType, times: VendorTimes
) -> None:
    """Type the user-defined values of entities; vendor calls as `udf_types`."""
    found = [(each, each.udfs) for each in entities if each.udfs]
    if entity_type.udf_types is None or not found:
        return
    names = set[str]().union(*(udfs for _, udfs in found))
    required = any(
        isinstance(text, str) and _MAY_BE_TIME.match(text)
        for _, udfs in found
        for text in udfs.values()
    )
    types = entity_type.udf_types(names, required=required)
    for entity, udfs in found:
        # Another thread may be copying the values of a shared page.
        entity.udfs = {
            name: read_udf(types.get(name, FieldType.STRING), value, times)
            if isinstance(value, str)
            else value
            for name, value in udfs.items()
        }


def read_udf(kind: FieldType, text: str, times: VendorTimes) -> Scalar:
    """Return a user-defined value; its text where it is not of its type.

    A number is one only in the spelling in which it is sent, and a time only if it
    begins with its day, so that callers read the text that the vendor has.
    """
    if kind is FieldType.STRING:
        return text
    if kind is FieldType.DATETIME:
        found = _MAY_BE_TIME.match(text) and _read_time(text.rstrip(), times)
        return found or text
    if kind is FieldType.BOOLEAN:
        return _BOOLEANS.get(text, text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() and format(number, "f") == text else text


def _read_time(text: str, times: VendorTimes) -> date | datetime | None:
    """Read a day when it is exactly midnight, else an instant; None for neither."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.time() == _MIDNIGHT:
            return moment.date()
        return times.read(text) if moment.year in _YEARS else times.find(text)
    except ValueError:
        return None
