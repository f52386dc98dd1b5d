"""Field values in their three forms: text on the wire, stored in SQLite, compared.

The only module that knows number formats and service time. Service time is US Eastern
with daylight saving and no offset in the text, both ways; or UTC, which is chosen for
the whole process before anything is read. Fields that are days are in no zone, see
`DAY` and `DAY_BY_VALUE`.
Source: SOAP help, dates and time zones; other pages of it say UTC.

Stored forms keep SQLite's order equal to the vendor's: decimals are integers of
ten-thousandths, times are texts of fixed width, booleans are 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bridge.sandbox.declarations import rule

Stored: TypeAlias = str | int | float

EASTERN = "eastern"
SERVICE_ZONES: Mapping[str, ZoneInfo] = MappingProxyType(
    {EASTERN: ZoneInfo("America/New_York"), "utc": ZoneInfo("UTC")}
)

DECIMAL_PLACES = 10_000
_INT32 = 2**31
_MIN_YEAR = 1753  # the first year the vendor's database can hold

_INTEGER = re.compile(r"-?[0-9]{1,19}\Z")
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z"
)
_DATETIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)
_BOOLEANS = {"true": 1, "1": 1, "false": 0, "0": 0}


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of field reads, stores and writes its values.

    `read` raises ValueError for an invalid text; `noun` is the name of the type in the
    vendor's conversion fault, `database_type` the one in messages of its database.
    """

    noun: str
    sql_type: str
    read: Callable[[str], Stored]
    write: Callable[[Stored], str]
    database_type: str

    @property
    def is_text(self) -> bool:
        """Whether values are texts, for which empty and null differ."""
        return self is TEXT

    @property
    def is_time(self) -> bool:
        """Whether values are times, those of days included."""
        return self.noun == DATETIME.noun

    def read_compared(self, text: str) -> Stored:
        """Return the stored form of a value that a query compares a field with.

        A day is compared as any other time. Source: working clients, which send no
        offset in queries because a time with an offset finds no days.

        Raises:
            ValueError: the text is not a value of this kind.
        """
        return _read_datetime(text) if self.is_time else self.read(text)


def _integer(limit: int) -> Callable[[str], Stored]:
    def read(text: str) -> Stored:
        stripped = text.strip()
        if not _INTEGER.match(stripped) or not -limit <= int(stripped) < limit:
            raise ValueError(text)
        return int(stripped)

    return read


def _number(text: str) -> Decimal:
    stripped = text.strip()
    if not _DECIMAL.match(stripped):
        raise ValueError(text)
    try:
        return Decimal(stripped)
    except InvalidOperation as error:
        raise ValueError(text) from error


def _read_decimal(text: str) -> Stored:
    # Integers of ten-thousandths: SQLite would compare decimals as floats.
    scaled = round(_number(text) * DECIMAL_PLACES)
    if not -(2**63) <= scaled < 2**63:
        raise ValueError(text)
    return scaled


def _write_decimal(stored: Stored) -> str:
    whole, places = divmod(abs(int(stored)), DECIMAL_PLACES)
    return f"{'-' if int(stored) < 0 else ''}{whole}.{places:04d}"


def _read_double(text: str) -> Stored:
    value = float(_number(text))
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def _write_double(stored: Stored) -> str:
    return repr(float(stored)).removesuffix(".0").replace("e", "E")


def _read_boolean(text: str) -> Stored:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


_SERVICE_TIME = {"name": EASTERN}  # set once, before anything is read


@rule("Values", "Service time as UTC, optional", source="help")
def set_service_time(name: str) -> None:
    """Set the zone of service time, a key of `SERVICE_ZONES`, for the whole process."""
    _SERVICE_TIME["name"] = name


def service_time_name() -> str:
    """Return the name of the zone of service time."""
    return _SERVICE_TIME["name"]


def _zone() -> ZoneInfo:
    return SERVICE_ZONES[_SERVICE_TIME["name"]]


@rule(
    "Values",
    "Eastern time with daylight saving, no offset; an hour that is skipped is an error",
    source="help",
)
def read_time(text: str) -> datetime:
    """Return the service time of a text, to the millisecond.

    A text with an offset is converted; one without is service time already.

    Raises:
        ValueError: not a time, or a time that the spring change-over skips.
    """
    value, offset = _parse(text)
    if offset:
        value = service_time(datetime.fromisoformat(f"{value}{offset}"))
    if value.year < _MIN_YEAR or _in_spring_gap(value):
        raise ValueError(text)
    return value


def _parse(text: str) -> tuple[datetime, str | None]:
    """Return the time without its offset, to the millisecond, and the offset."""
    parts = _DATETIME.match(text.strip())
    if parts is None or (parts["offset"] and not parts["time"]):
        raise ValueError(text)
    value = datetime.fromisoformat(f"{parts['date']}T{parts['time'] or '00:00'}")
    value += timedelta(milliseconds=int((parts["fraction"] or "0").ljust(3, "0")[:3]))
    return value, parts["offset"]


def service_time(moment: datetime) -> datetime:
    """Return an aware moment as naive service time.

    Raises:
        ValueError: the moment lies at an end of the calendar.
    """
    try:
        return moment.astimezone(_zone()).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(str(moment)) from error


def _in_spring_gap(value: datetime) -> bool:
    try:
        # A time that is skipped comes back from UTC as another one.
        there = value.replace(tzinfo=_zone()).astimezone(UTC)
        return there.astimezone(_zone()).replace(tzinfo=None) != value
    except OverflowError:  # the first or last hours of the calendar
        return False


def store_time(value: datetime) -> str:
    """Return naive service time as a text whose order is that of time."""
    return value.isoformat(timespec="milliseconds")


def stamp(now: datetime) -> str:
    """Return the stored form of an aware moment, rounded as the vendor's database does.

    Unverified: seen only as .267, .553 and .58 in captured responses.
    """
    moment = service_time(now)
    # SQL Server's datetime counts in 1/300 s: times end in 0, 3 or 7 milliseconds.
    ticks = moment.microsecond * 3 // 10_000
    milliseconds = (ticks * 10 + 1) // 3
    return store_time(moment.replace(microsecond=milliseconds * 1000))


def _read_datetime(text: str) -> Stored:
    return store_time(read_time(text))


@rule(
    "Values",
    "Fields without a time in the user interface: the date as "
    "written, at midnight, in no zone",
    source="help",
)
def _read_day(text: str) -> Stored:
    """Return the midnight of the date as written, without time of day and offset.

    Source: the vendor's help on its other API, whose engine this is, timestamp format.
    """
    value, _ = _parse(text)
    if value.year < _MIN_YEAR:
        raise ValueError(text)
    return store_time(datetime.combine(value.date(), time()))


@rule(
    "Values",
    "Fields that people enter as dates, and user-defined times: the "
    "same for exactly midnight, else an instant",
    source="unverified",
)
def _read_day_by_value(text: str) -> Stored:
    """Return a midnight as the date that is written, another time as an instant.

    Unverified: nothing is published about these fields.
    """
    value, _ = _parse(text)
    return _read_day(text) if value.time() == time() else _read_datetime(text)


def _write_datetime(stored: Stored) -> str:
    whole, _, fraction = str(stored).partition(".")
    trimmed = fraction.rstrip("0")
    return f"{whole}.{trimmed}" if trimmed else whole


TEXT = Kind("string", "TEXT", str, str, "varchar")
SHORT = Kind("numeric", "INTEGER", _integer(2**15), str, "int")
INTEGER = Kind("numeric", "INTEGER", _integer(_INT32), str, "int")
LONG = Kind("numeric", "INTEGER", _integer(2**63), str, "int")
DECIMAL = Kind("numeric", "INTEGER", _read_decimal, _write_decimal, "decimal")
DOUBLE = Kind("numeric", "REAL", _read_double, _write_double, "float")
BOOLEAN = Kind(
    "boolean",
    "INTEGER",
    _read_boolean,
    lambda stored: "true" if stored else "false",
    "bit",
)
DATETIME = Kind("datetime", "TEXT", _read_datetime, _write_datetime, "datetime")
# Times without a time of day in the user interface: dates, in no zone.
DAY = replace(DATETIME, read=_read_day)
# Times that people enter as dates: exactly midnight is the date, in no zone.
DAY_BY_VALUE = replace(DATETIME, read=_read_day_by_value)

# By the type that metadata names.
BY_TYPE: Mapping[str, Kind] = {
    "string": TEXT,
    "short": SHORT,
    "integer": INTEGER,
    "long": LONG,
    "decimal": DECIMAL,
    "double": DOUBLE,
    "float": DOUBLE,
    "boolean": BOOLEAN,
    "datetime": DATETIME,
}


def store(kind: Kind, value: object) -> Stored | None:
    """Return the stored form of a Python value of a data set."""
    match value:
        case None:
            return None
        case datetime():
            return kind.read(store_time(value)) if kind is DAY else store_time(value)
        case bool():
            return (
                kind.read("true" if value else "false") if kind is BOOLEAN else +value
            )
        case _:
            return kind.read(str(value))


def wire_type(kind: Kind, declared: str, stored: Stored) -> str:
    """Return the local name of the `xsi:type` of a value in a response.

    Unverified: numbers of long fields beyond 32 bits are a long; all values seen were
    an int.
    """
    if kind is LONG and declared == "int" and not -_INT32 <= int(stored) < _INT32:
        return "long"
    return declared
