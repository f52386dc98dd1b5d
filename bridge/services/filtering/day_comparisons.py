"""Comparisons with date fields of which a value decides whether it is a day.

Callers see a day and the instant at 0:00 UTC of it alike, and no fraction of a second,
so they compare what they see: `times.shown_instant` of the stored value. The vendor
compares what it stores, and stores a day as midnight in its zone. A condition is
therefore sent as one that finds, by what is stored, the records that meet it by what is
seen.

A caller's time stands for what is seen at its instant. At midnight with an offset it
stands for that day too, which is seen at another instant: it equals both, and in order
it is the span between them. An instant at midnight of the vendor's zone cannot be
stored; it equals only what is later by a fraction of a second. Pure. Source: DESIGN 12,
Times.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Operator, Or, Predicate
from bridge.interfaces import Field, Scalar
from bridge.services.filtering import whole_seconds
from bridge.services.times import CallerTime, local_time, midnight_utc

_FROM_THE_START = frozenset({Operator.LESS, Operator.GREATER_OR_EQUAL})
_LESS = frozenset({Operator.LESS, Operator.LESS_OR_EQUAL})
_WITH_EQUAL = frozenset({Operator.LESS_OR_EQUAL, Operator.GREATER_OR_EQUAL})
_UP_TO = {
    Operator.LESS_OR_EQUAL: Operator.LESS,
    Operator.GREATER: Operator.GREATER_OR_EQUAL,
}
_MIDNIGHT = time()


def condition(
    predicate: Predicate[Field, CallerTime], zone: ZoneInfo
) -> Expr[Field, Scalar]:
    """Return the condition on stored values that compares what callers see.

    `zone` is the one that the vendor's times are written in. Negations are exact: of a
    value that is there, a condition or its opposite holds, and not both.
    """
    if predicate.operator in whole_seconds.EQUALITIES:
        return _equality(predicate, zone)
    [written] = predicate.values
    seen = [written.instant]
    if written.is_midnight:
        seen.append(midnight_utc(written.day))
    if predicate.operator in _FROM_THE_START:
        return _order(predicate, min(seen), zone)
    bound = max(seen)
    if bound.microsecond:
        return _order(predicate, bound, zone)
    # What is seen at the bound is stored up to the next second.
    after = dataclasses.replace(predicate, operator=_UP_TO[predicate.operator])
    return _order(after, whole_seconds.next_second(bound, zone), zone)


def _equality(
    predicate: Predicate[Field, CallerTime], zone: ZoneInfo
) -> Expr[Field, Scalar]:
    days = [written.day for written in predicate.values if written.is_midnight]
    instants = dict.fromkeys(written.instant for written in predicate.values)
    days += [item.date() for item in instants if item.time() == _MIDNIGHT]
    affirmed = predicate.operator in whole_seconds.AFFIRMED
    tests: list[Expr[Field, Scalar]] = []
    if days:
        operator = Operator.IN if affirmed else Operator.NOT_IN
        tests.append(_test(predicate, operator, *dict.fromkeys(days)))
    for instant in instants:
        is_stored_as_day = local_time(instant, zone).time() == _MIDNIGHT
        tests.append(
            whole_seconds.same_second(
                predicate.field,
                predicate.column,
                instant,
                zone,
                affirmed=affirmed,
                but_not_itself=is_stored_as_day,
            )
        )
    return whole_seconds.joined(tests, affirmed=affirmed)


def _order(
    predicate: Predicate[Field, CallerTime], bound: datetime, zone: ZoneInfo
) -> Expr[Field, Scalar]:
    """Compare with what is seen at one instant.

    Instants are stored in the order in which they are seen. A day is not: it is stored
    as midnight of the vendor's zone and seen at 0:00 UTC. The bound can lie between the
    two for one day at most, which is then added or left out by name.
    """
    whole = _test(predicate, predicate.operator, bound)
    stored_bound, seen_bound = local_time(bound, zone), bound.replace(tzinfo=None)
    for days in (-1, 0, 1):
        try:
            day = bound.date() + timedelta(days=days)
        except OverflowError:
            continue
        moment = datetime.combine(day, _MIDNIGHT)
        stored = _holds(predicate.operator, moment, stored_bound)
        seen = _holds(predicate.operator, moment, seen_bound)
        if seen and not stored:
            return Or((whole, _test(predicate, Operator.EQUAL, day)))
        if stored and not seen:
            return And((whole, _test(predicate, Operator.NOT_EQUAL, day)))
    return whole


def _test(
    predicate: Predicate[Field, CallerTime], operator: Operator, *values: Scalar
) -> Predicate[Field, Scalar]:
    return Predicate(predicate.field, operator, values, predicate.column)


def _holds(operator: Operator, value: datetime, bound: datetime) -> bool:
    if value == bound:
        return operator in _WITH_EQUAL
    return (value < bound) is (operator in _LESS)
