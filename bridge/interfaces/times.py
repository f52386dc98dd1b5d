"""Times as callers write and see them, and what a vendor makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from bridge.ceql.ast import Expr, Predicate
from bridge.interfaces.data import Field, Scalar


@dataclass(frozen=True, slots=True)
class CallerTime:
    """A time as a caller wrote it: the instant, aware and UTC, and the day as written.

    `is_midnight` is true when the time of day, as written, is midnight or left out.
    """

    instant: datetime
    day: date
    is_midnight: bool

    def equals(self, stored: date | datetime) -> bool:
        """Return whether this equals a stored value, as far as callers see that.

        They see whole seconds, and a day as midnight UTC.
        """
        if not isinstance(stored, datetime) and self.value == stored:
            return True
        return self.instant in (stored, shown_instant(stored))

    @property
    def value(self) -> date | datetime:
        """The day if the time was written as midnight, else the instant."""
        return self.day if self.is_midnight else self.instant


class StoredTimes(Protocol):
    """How a vendor stores times, which decides how it compares them."""

    def condition(self, predicate: Predicate[Field, CallerTime]) -> Expr[Field, Scalar]:
        """Return the condition on stored values that compares what callers see.

        A list becomes a list that a query plan can divide. For every value that is not
        null, either a condition or its opposite holds. No vendor call.
        """

    def comparable(self, value: date) -> datetime:
        """Return a day or an instant in the form in which the vendor compares it.

        Naive; equal for values that the vendor cannot tell apart.
        """


def shown_instant(value: date | datetime) -> datetime:
    """Return the instant at which callers see a value: whole seconds, a day at 0:00."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return midnight_utc(value)


def midnight_utc(day: date) -> datetime:
    """Return the instant at which callers see a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
