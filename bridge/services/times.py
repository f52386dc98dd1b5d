"""Parse and write times as callers do; all values inside are aware and UTC.

Source: elements-api 4.3 (dates in and out), 4.2 (US short dates on input) and appendix
E (dates as .NET prints them).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone

from bridge.interfaces.times import CallerTime

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
# Two digits from 70 on are years of the 1900s.
_FIRST_YEAR_OF_1900S = 70
_MIDNIGHT = time()
_NOON_HOUR = 12


def write_time(value: datetime) -> str:
    """Return a platform time such as `2019-03-14T09:26:53Z`, seconds only."""
    utc = value.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return f"{utc.isoformat()}Z"


def parse_time(text: str) -> CallerTime:
    """Parse what a caller wrote, in any of the formats seen on the wire.

    ISO dates with or without time, fraction and zone; a zone without colon, or with a
    blank where an unencoded plus was lost; US month/day/year with two or four digits
    of the year, and a time with or without AM and PM as .NET and PowerShell print it.
    Without a zone the time is UTC.

    Raises:
        ValueError: another format, or a day that does not exist.
    """
    # Newer .NET and browsers print a narrow no-break space before AM and PM.
    text = text.strip().replace("\u202f", " ").replace("\xa0", " ")
    # ISO has its year first, so no text matches both.
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
    """Parse a time that a caller wrote, and return it in UTC.

    Raises:
        ValueError: as `parse_time`.
    """
    return parse_time(text).instant


def _full_hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    if not 1 <= hour <= _NOON_HOUR:
        raise ValueError("no hour of half a day")
    return hour % _NOON_HOUR + (_NOON_HOUR if half in "Pp" else 0)


def _read_zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    # Without a sign the offset is positive: a plus became a blank.
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:  # noqa: PLR2004 - as many digits as a full year has
        return year
    return year + (1900 if year >= _FIRST_YEAR_OF_1900S else 2000)
