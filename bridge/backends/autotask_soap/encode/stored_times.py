"""Times as the vendor stores them: an instant as its wall clock, a day as midnight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bridge.backends.autotask_soap.encode import day_comparisons, whole_seconds
from bridge.backends.autotask_soap.encode.values import local_time
from bridge.ceql.ast import EQUALITIES, Expr, Predicate
from bridge.interfaces import DateKind, Field, Scalar
from bridge.interfaces.times import CallerTime


@dataclass(frozen=True, slots=True)
class WallClockTimes:
    """Implements `interfaces.StoredTimes` for the time zone of the vendor's times."""

    zone: ZoneInfo

    def condition(self, predicate: Predicate[Field, CallerTime]) -> Expr[Field, Scalar]:
        """Return the condition on stored values that compares what callers see."""
        field, operator, column = predicate.field, predicate.operator, predicate.column
        if field.date_kind is DateKind.BY_VALUE:
            return day_comparisons.condition(predicate, self.zone)
        if field.date_kind is DateKind.DAY:
            days = tuple(dict.fromkeys(written.day for written in predicate.values))
            return Predicate(field, operator, days, column)
        instants = tuple(dict.fromkeys(each.instant for each in predicate.values))
        if operator in EQUALITIES:
            listed = Predicate(field, operator, instants, column)
            return whole_seconds.equality(listed, self.zone)
        return Predicate(field, operator, instants, column)

    def comparable(self, value: date) -> datetime:
        """Return a value as the vendor writes it.

        Both passes of autumn's repeated hour are equal.
        """
        if isinstance(value, datetime):
            return local_time(value, self.zone)
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive here
