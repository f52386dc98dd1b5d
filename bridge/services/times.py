"""Times as callers write and read them; everything inside is aware and UTC.

Source: elements-api 4.3 (dates in and out) and 4.2 (US short dates on input).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

_ISO = re.compile(
    r"""(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
        (?:[Tt\ ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})
           (?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
           \s*(?P<zone>[Zz]|[+\-]?\d{2}:?\d{2})?)?""",
    re.VERBOSE | re.ASCII,
)
_US = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})", re.ASCII)
_CENTURY_PIVOT = 70


def write_time(value: datetime) -> str:
    """Return a platform time such as `2019-03-14T09:26:53Z`, seconds only."""
    utc = value.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return f"{utc.isoformat()}Z"


def read_time(text: str) -> datetime:
    """Return the UTC time a caller wrote, in any of the forms seen on the wire.

    ISO dates with or without time, fraction and zone; a zone without colon, or with a
    blank where an unencoded plus was lost; US month/day/year with two or four digits
    of the year. Without a zone the time is UTC.

    Raises:
        ValueError: none of these, or no such day.
    """
    text = text.strip()
    if match := _ISO.fullmatch(text):
        return _read_iso(match)
    if match := _US.fullmatch(text):
        return datetime(
            _full_year(match["year"]),
            int(match["month"]),
            int(match["day"]),
            tzinfo=UTC,
        )
    raise ValueError(f"not a date or time: {text[:40]!r}")


def read_date(text: str) -> date:
    """Return the day a caller wrote: the day in the zone as written, never shifted.

    Raises:
        ValueError: as `read_time`.
    """
    text = text.strip()
    if match := _ISO.fullmatch(text):
        _read_iso(match)
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    return read_time(text).date()


def read_day_or_time(text: str) -> date | datetime:
    """Return a day when the time, as written, is midnight or left out; else the time.

    For user-defined fields, of which no metadata tells whether they hold days.

    Raises:
        ValueError: as `read_time`.
    """
    match = _ISO.fullmatch(text.strip())
    clock = [] if match is None else match.group("hour", "minute", "second", "fraction")
    return read_time(text) if any(int(part or 0) for part in clock) else read_date(text)


def show_vendor_time(text: str, zone: ZoneInfo) -> str:
    """Return a vendor's text of a time as callers read times; others as they are.

    The text stands in the vendor's zone. One at midnight is a day, and is not shifted.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.time() != time():
            moment = moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}+0000"


def _read_iso(match: re.Match[str]) -> datetime:
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    try:
        local = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int(fraction),
            tzinfo=_read_zone(match["zone"]),
        )
        return local.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None


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
    return year + (1900 if year >= _CENTURY_PIVOT else 2000)
