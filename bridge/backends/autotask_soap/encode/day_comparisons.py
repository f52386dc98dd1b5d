"""Comparisons with date fields that hold either a day or an instant. Pure.

The value decides which it is. A caller sees a day as the instant 0:00 UTC of it, and
sees no fraction of a second, so a filter compares what is shown
(`times.shown_instant`). The vendor compares what it stores, and it stores a day as
midnight in its own time zone. A condition is therefore sent in a form that finds, by
stored values, the records that match by shown values.

A caller's time stands for what is shown at its instant. A midnight with an offset
stands for that day too, which is shown at another instant: it equals both, and in
order comparisons it is the span between them. An instant at midnight of the vendor's
zone cannot be stored; it equals only what is later by a fraction of a second.
Source: DESIGN 12, Times.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bridge.backends.autotask_soap.encode import whole_seconds
from bridge.backends.autotask_soap.encode.values import local_time
from bridge.ceql.ast import (
    AFFIRMED_EQUALITIES,
    EQUALITIES,
    And,
    Expr,
    Operator,
    Or,
    Predicate,
    join_list,
)
from bridge.interfaces import Field, Scalar
from bridge.interfaces.times import CallerTime, midnight_utc

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

    `zone` is the time zone of the vendor's times. Negation is exact: for every value
    that is not null, either a condition or its opposite holds, and never both.
    """
    if predicate.operator in EQUALITIES:
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
    # What is shown at the bound is stored anywhere up to the next second.
    after = dataclasses.replace(predicate, operator=_UP_TO[predicate.operator])
    return _order(after, whole_seconds.next_second(bound, zone), zone)


def _equality(
    predicate: Predicate[Field, CallerTime], zone: ZoneInfo
) -> Expr[Field, Scalar]:
    days = [written.day for written in predicate.values if written.is_midnight]
    instants = dict.fromkeys(written.instant for written in predicate.values)
    days += [item.date() for item in instants if item.time() == _MIDNIGHT]
    affirmed = predicate.operator in AFFIRMED_EQUALITIES
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
    return join_list(tests, affirmed=affirmed)


def _order(
    predicate: Predicate[Field, CallerTime], bound: datetime, zone: ZoneInfo
) -> Expr[Field, Scalar]:
    """Compare with what is shown at one instant.

    Instants are stored in the order in which they are shown. Days are not: a day is
    stored as midnight of the vendor's zone and shown at 0:00 UTC. The bound can lie
    between the two for one day at most, which is then included or excluded by name.
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
