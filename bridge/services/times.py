"""Times as callers write and read them; everything inside is aware and UTC.

Source: elements-api 4.3 (dates in and out), 4.2 (US short dates on input) and appendix
E (dates as .NET prints them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

_CLOCK = r"""(?P<hour>\d{1,2}):(?P<minute>\d{2})
             (?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"""
_ZONE = r"(?P<zone>[Zz]|[+\-]?\d{2}:?\d{2})?"
_ISO = re.compile(
    rf"""(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})
         (?:[Tt\ ]\s*{_CLOCK}(?P<half>)\s*{_ZONE})?""",
    re.VERBOSE | re.ASCII,
)
_US = re.compile(
    rf"""(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}}|\d{{2}})
         (?:,?\s+{_CLOCK}(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?\s*{_ZONE})?""",
    re.VERBOSE | re.ASCII,
)
_FIRST_YEAR_OF_1900S = 70
_MIDNIGHT = time()
_NOON_HOUR = 12


@dataclass(frozen=True, slots=True)
class CallerTime:
    """A time as a caller wrote it: the instant, aware and UTC, and the day as written.

    `is_midnight` tells that the time of day, as written, is midnight or left out.
    """

    instant: datetime
    day: date
    is_midnight: bool

    def equals(self, stored: date | datetime) -> bool:
        """Tell whether this is what is stored, as far as callers see that.

        The instant at which they see it, the very instant, or for a day that day.
        """
        if not isinstance(stored, datetime) and self.value == stored:
            return True
        return self.instant in (stored, shown_instant(stored))

    @property
    def value(self) -> date | datetime:
        """The day when it is midnight as written, with any offset; else the instant."""
        return self.day if self.is_midnight else self.instant


def write_time(value: datetime) -> str:
    """Return a platform time such as `2019-03-14T09:26:53Z`, seconds only."""
    utc = value.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return f"{utc.isoformat()}Z"


def parse_time(text: str) -> CallerTime:
    """Return what a caller wrote, in any of the forms seen on the wire.

    ISO dates with or without time, fraction and zone; a zone without colon, or with a
    blank where an unencoded plus was lost; US month/day/year with two or four digits
    of the year, and a time with or without AM and PM as .NET and PowerShell print it.
    Without a zone the time is UTC.

    Raises:
        ValueError: none of these, or no such day.
    """
    # Newer .NET and browsers print a narrow no-break space before AM and PM.
    text = text.strip().replace("\u202f", " ").replace("\xa0", " ")
    match = _ISO.fullmatch(text) or _US.fullmatch(text)
    if match is None:
        raise ValueError(f"not a date or time: {text[:40]!r}")
    written = datetime(
        _full_year(match["year"]),
        int(match["month"]),
        int(match["day"]),
        _full_hour(int(match["hour"] or 0), match["half"]),
        int(match["minute"] or 0),
        int(match["second"] or 0),
        int((match["fraction"] or "")[:6].ljust(6, "0")),
        tzinfo=_read_zone(match["zone"]),
    )
    try:
        instant = written.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None
    return CallerTime(instant, written.date(), written.time() == _MIDNIGHT)


def read_time(text: str) -> datetime:
    """Return the UTC time a caller wrote.

    Raises:
        ValueError: as `parse_time`.
    """
    return parse_time(text).instant


def read_vendor_time(text: str, zone: ZoneInfo) -> date | datetime:
    """Return what a vendor's text of a user-defined field holds.

    A day when it is exactly midnight; else an instant, aware and UTC. The text stands
    in the vendor's zone, whose repeated hour of autumn reads as its first pass.

    Raises:
        ValueError: not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.time() == _MIDNIGHT:
        return moment.date()
    try:
        return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant as the vendor writes it: naive, in its zone, whole ms."""
    try:
        local = moment.astimezone(zone)
    except OverflowError:
        local = moment
    thousandths = local.microsecond // 1000
    return local.replace(microsecond=thousandths * 1000, tzinfo=None)


def show_vendor_time(text: str, zone: ZoneInfo) -> str:
    """Return such a text as callers read times; others as they are."""
    try:
        value = shown_instant(read_vendor_time(text, zone))
    except ValueError:
        return text
    return f"{value.replace(tzinfo=None).isoformat()}+0000"


def shown_instant(value: date | datetime) -> datetime:
    """Return the instant at which callers see a value: whole seconds, a day at 0:00."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return midnight_utc(value)


def midnight_utc(day: date) -> datetime:
    """Return the instant at which callers see a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _full_hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    if not 1 <= hour <= _NOON_HOUR:
        raise ValueError("no hour of half a day")
    return hour % _NOON_HOUR + (_NOON_HOUR if half in "Pp" else 0)


def _read_zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:  # noqa: PLR2004 - as many digits as a full year has
        return year
    return year + (1900 if year >= _FIRST_YEAR_OF_1900S else 2000)
