"""Convert values and times to the vendor's texts, and times back.

Autotask writes and reads times without an offset, in US Eastern time with daylight
saving unless a tenant is configured otherwise; everywhere else in Bridge a time is
aware and UTC. A date is sent as midnight and is never shifted.
Source: SOAP help, "Time zones"; Unverified: that no tenant answers in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.errors import InvalidRequestError
from bridge.interfaces import DateKind, EntityType, Field, FieldType, Scalar

_HOUR_TEXT = len("2021-06-11T16")
_SECONDS_TEXT = len("2021-06-11T16:02:45")
_MAX_HOURS = 20_000
_INT32 = range(-(2**31), 2**31)
_INT16 = range(-(2**15), 2**15)


class VendorTimes:
    """Times of one zone, both ways. Shared by threads; keeps offsets by local hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._offsets: dict[str, timedelta | None] = {}

    def read(self, text: str) -> datetime:
        """Return the moment a vendor text names, aware and UTC.

        The repeated hour of autumn reads as its first pass. A time inside the gap of
        spring, which the vendor never writes, reads with the offset before the gap;
        one outside the calendar once shifted reads as the calendar's end.

        Raises:
            ValueError: not a time at all.
        """
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return _shift(moment.replace(tzinfo=UTC), -(moment.utcoffset() or _ZERO))
        hour = text[:_HOUR_TEXT]
        offset = self._offsets.get(hour)
        if offset is None:
            offset = self._find_offset(hour, moment)
        return _shift(moment.replace(tzinfo=UTC), -offset)

    def find(self, text: str) -> datetime | None:
        """Return the moment as `read` does, None for one outside the calendar.

        Raises:
            ValueError: not a time at all.
        """
        moment = datetime.fromisoformat(text)
        try:
            return moment.replace(tzinfo=moment.tzinfo or self._zone).astimezone(UTC)
        except OverflowError:
            return None

    def write(self, moment: datetime) -> str:
        """Return the vendor's text, to the millisecond, trailing zeros trimmed.

        Source: SOAP help, "Time zones"; captured replies (`.58`, `.267`).
        """
        if moment.tzinfo is None:
            raise InvalidRequestError("A time without a zone cannot be sent.")
        try:
            local = moment.astimezone(self._zone)
        except OverflowError:
            local = moment
        # Cut before the offset, which the vendor neither writes nor expects.
        text = local.isoformat(timespec="seconds")[:_SECONDS_TEXT]
        thousandths = local.microsecond // 1000
        return f"{text}.{thousandths:03d}".rstrip("0") if thousandths else text

    def reader(self, entity: EntityType) -> Callable[[str, str], datetime | date]:
        """Return the function by which an entity's `xsd:dateTime` texts are read.

        It takes a field's name and text, and raises ValueError for any other text.
        """
        kinds = entity.date_kinds
        read = self.read

        def read_time(field_name: str, text: str) -> datetime | date:
            kind = kinds.get(field_name)
            if kind is None or kind is DateKind.INSTANT:
                return read(text)
            moment = datetime.fromisoformat(text)
            if kind is DateKind.DAY or moment.time() == _MIDNIGHT:
                return moment.date()
            return read(text)

        return read_time

    def _find_offset(self, hour: str, moment: datetime) -> timedelta:
        """Return the offset at a local time; keep it when it holds the whole hour."""
        offset = moment.replace(tzinfo=self._zone).utcoffset() or _ZERO
        start = moment.replace(minute=0, second=0, microsecond=0, tzinfo=self._zone)
        end = start.replace(minute=59, second=59)
        # An hour with a change of daylight saving has two offsets and is not cached.
        if start.utcoffset() == end.utcoffset() == offset:
            # Far more hours than a tenant uses; clearing is simpler than evicting.
            if len(self._offsets) >= _MAX_HOURS:
                self._offsets.clear()
            self._offsets[hour] = offset
        return offset


_ZERO = timedelta()
_MIDNIGHT = time()
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return _FIRST if by < _ZERO else _LAST


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant as the vendor writes it: naive, in its zone, whole ms."""
    try:
        local = moment.astimezone(zone)
    except OverflowError:
        local = moment
    thousandths = local.microsecond // 1000
    return local.replace(microsecond=thousandths * 1000, tzinfo=None)


@lru_cache(maxsize=64)
def vendor_times(zone_name: str) -> VendorTimes:
    """Return the times of a zone by its IANA name.

    Raises:
        InvalidRequestError: no such zone.
    """
    try:
        return VendorTimes(ZoneInfo(zone_name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequestError(
            f"Unknown time zone {zone_name!r}: give an IANA name, for example"
            " America/New_York or UTC."
        ) from None


def wire_text(field: Field, value: Scalar, times: VendorTimes) -> str:
    """Return a value's text as the vendor reads it in `field`; not yet escaped.

    Numbers have a point and no exponent. A boolean in a numeric field is 1 or 0, as
    `Contact.Active` requires. Source: captured replies; SOAP help, query values.

    Raises:
        InvalidRequestError: a number that has no digits (nan, inf).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value)) if field.type.is_number else str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return times.write(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    # `repr` is the shortest text that reads back as the same float.
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        raise InvalidRequestError(f"{field.name} cannot be {value}.")
    return format(number, "f")


_XSD_TYPES = {
    FieldType.STRING: "string",
    FieldType.BOOLEAN: "boolean",
    FieldType.DOUBLE: "double",
    FieldType.FLOAT: "double",
    FieldType.DECIMAL: "decimal",
    FieldType.DATETIME: "dateTime",
}


def wire_type(field: Field, value: Scalar) -> str:
    """Return the XML Schema type, without prefix, that a value of `field` is sent as.

    The vendor converts any numeric type to the field's own, so a whole number is
    widened to what holds it. A text where another type is expected is sent as a string,
    for the vendor to validate. Source: SOAP help, samples; captured requests of
    clients.
    """
    if isinstance(value, str):
        return "string"
    named = _XSD_TYPES.get(field.type)
    if named is not None:
        return named
    if not isinstance(value, int):
        return "decimal"
    if field.type is FieldType.SHORT and value in _INT16:
        return "short"
    return "int" if value in _INT32 else "long"
