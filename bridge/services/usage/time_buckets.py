"""Time buckets to count by. Pure.

Source: elements-api 7.8 (interval names, both ends included, maximum number).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.errors import InvalidRequestError

MAX_BUCKETS = 10_000

_WIDTHS = {
    "second": 19,
    "minute": 16,
    "hour": 13,
    "day": 10,
    "week": 10,
    "month": 7,
    "quarter": 7,
    "year": 4,
}
"""Interval names, with the length of the prefix of a timestamp that has its bucket."""

_MIN_TIME = "0001-01-01 00:00:00"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_STEPS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_PARTS_OF_DAY = ("second", "minute", "hour")
_DERIVED = (
    (timedelta(hours=3), "minute"),
    (timedelta(days=7), "hour"),
    (timedelta(days=366), "day"),
    (timedelta(days=3660), "month"),
)


def read_interval(word: str, since: datetime, until: datetime) -> str:
    """Return an interval name, by default a suitable one for the time span.

    Raises:
        InvalidRequestError: the name is unknown.
    """
    interval = word.strip().lower()
    if not interval:
        suiting = (fine for span, fine in _DERIVED if until - since <= span)
        return next(suiting, "year")
    if interval not in _WIDTHS:
        raise InvalidRequestError(f"interval must be one of {', '.join(_WIDTHS)}.")
    return interval


def width(interval: str) -> int:
    """Return how many characters of a timestamp `start_of` needs."""
    return _WIDTHS[interval]


def starts(since: datetime, until: datetime, interval: str) -> list[datetime]:
    """Return the starts of all buckets from that of `since` to that of `until`.

    Raises:
        InvalidRequestError: there are more than 10,000.
    """
    found: list[datetime] = []
    start: datetime | None = _floor(since, interval)
    while start is not None and start <= until:
        found.append(start)
        if len(found) > MAX_BUCKETS:
            raise InvalidRequestError(
                f"The time from {since.date()} to {until.date()} has more than "
                f"{MAX_BUCKETS} pieces of one {interval}: choose a longer interval."
            )
        start = _following(start, interval)
    return found


def start_of(written: str, interval: str) -> datetime:
    """Return the start of the bucket of a timestamp, given by its prefix."""
    text = written + _MIN_TIME[len(written) :]
    return _floor(datetime.fromisoformat(f"{text}+00:00"), interval)


def _floor(moment: datetime, interval: str) -> datetime:
    """Return the start of the bucket of a UTC time; weeks start on Monday."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval in _PARTS_OF_DAY:
        return moment - (moment - day) % _STEPS[interval]
    if interval == "week":
        return day - timedelta(days=day.weekday())
    if interval in _MONTHS:
        passed = (day.month - 1) % _MONTHS[interval]
        return day.replace(month=day.month - passed, day=1)
    return day


def _following(start: datetime, interval: str) -> datetime | None:
    """Return the start of the next bucket; None at the end of the calendar."""
    try:
        if interval in _STEPS:
            return start + _STEPS[interval]
        months = start.month - 1 + _MONTHS[interval]
        return start.replace(year=start.year + months // 12, month=months % 12 + 1)
    # After the year 9999.
    except (OverflowError, ValueError):
        return None
