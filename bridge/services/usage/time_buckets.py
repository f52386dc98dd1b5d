"""Spans of time cut into equal pieces, to count by. Pure.

Source: elements-api 7.8 (interval words, both ends included, most pieces).
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
"""Interval words, with how much of a written time tells the piece it is in."""

_MIN_TIME = "0001-01-01 00:00:00"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_STEPS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_DERIVED = (
    (timedelta(hours=3), "minute"),
    (timedelta(days=7), "hour"),
    (timedelta(days=366), "day"),
    (timedelta(days=3660), "month"),
)


def read_interval(word: str, since: datetime, until: datetime) -> str:
    """Return an interval word; one that suits the span when none is given.

    Raises:
        InvalidRequestError: the word is unknown.
    """
    interval = word.strip().lower()
    if not interval:
        suiting = (fine for span, fine in _DERIVED if until - since <= span)
        return next(suiting, "year")
    if interval not in _WIDTHS:
        raise InvalidRequestError(f"interval must be one of {', '.join(_WIDTHS)}.")
    return interval


def width(interval: str) -> int:
    """Return how many characters of a written time are needed for `start_of`."""
    return _WIDTHS[interval]


def starts(since: datetime, until: datetime, interval: str) -> list[datetime]:
    """Return the starts of all pieces from that of `since` to that of `until`.

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
    """Return where the piece starts that the beginning of a written time is in."""
    text = written + _MIN_TIME[len(written) :]
    return _floor(datetime.fromisoformat(f"{text}+00:00"), interval)


def _floor(moment: datetime, interval: str) -> datetime:
    """Return the start of the piece that a UTC time is in; weeks start on Monday."""
    if interval == "second":
        return moment.replace(microsecond=0)
    if interval == "minute":
        return moment.replace(second=0, microsecond=0)
    if interval == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    if interval in _MONTHS:
        passed = (day.month - 1) % _MONTHS[interval]
        return day.replace(month=day.month - passed, day=1)
    return day


def _following(start: datetime, interval: str) -> datetime | None:
    """Return the start of the next piece; None where the calendar ends."""
    try:
        if interval in _STEPS:
            return start + _STEPS[interval]
        months = start.month - 1 + _MONTHS[interval]
        return start.replace(year=start.year + months // 12, month=months % 12 + 1)
    except (OverflowError, ValueError):
        return None
