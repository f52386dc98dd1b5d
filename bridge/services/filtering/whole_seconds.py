"""Equality with times as callers see them: in whole seconds. Pure.

The vendor stores fractions of a second that responses leave out. A time without a
fraction therefore equals every instant of its second; a time with a fraction equals
that instant only. Source: vendor contract notes, 8 (times carry fractions).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.ceql.ast import AFFIRMED_EQUALITIES, And, Expr, Operator, Or, Predicate
from bridge.interfaces import Field, Scalar
from bridge.services.times import local_time

_SECOND = timedelta(seconds=1)


def equality(
    predicate: Predicate[Field, datetime], zone: ZoneInfo
) -> Expr[Field, Scalar]:
    """Return the condition on stored instants for an equality or its negation.

    `zone` is the time zone of the vendor's times.
    """
    affirmed = predicate.operator in AFFIRMED_EQUALITIES
    moments = dict.fromkeys(predicate.values)
    tests = [
        same_second(predicate.field, predicate.column, moment, zone, affirmed=affirmed)
        for moment in moments
    ]
    return join_list(tests, affirmed=affirmed)


def same_second(
    field: Field,
    column: int,
    moment: datetime,
    zone: ZoneInfo,
    *,
    affirmed: bool,
    but_not_itself: bool = False,
) -> Expr[Field, Scalar]:
    """Return the condition for instants shown as `moment`, or for all others.

    `but_not_itself` leaves out the whole second and matches its fractions only.
    """

    def compare(operator: Operator, value: datetime) -> Predicate[Field, Scalar]:
        operator = operator if affirmed else operator.opposite
        return Predicate(field, operator, (value,), column)

    if moment.microsecond:
        return compare(Operator.EQUAL, moment)
    start = Operator.GREATER if but_not_itself else Operator.GREATER_OR_EQUAL
    end = next_second(moment, zone)
    bounds = (compare(start, moment), compare(Operator.LESS, end))
    return And(bounds) if affirmed else Or(bounds)


def join_list(
    tests: list[Expr[Field, Scalar]], *, affirmed: bool
) -> Expr[Field, Scalar]:
    """Return the condition for a list of values, from one test for each value.

    Any of the tests must hold; for a negated list all of them.
    """
    if len(tests) == 1:
        return tests[0]
    return Or(tuple(tests), is_list=True) if affirmed else And(tuple(tests))


def next_second(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant that the vendor writes one second later than `moment`.

    That is one second later, except at the end of autumn's repeated hour: the vendor
    writes both passes of that hour alike, so there it is an hour and a second later.
    """
    try:
        end = moment + _SECOND
        back = local_time(moment, zone) + _SECOND - local_time(end, zone)
        return end + max(back, timedelta())
    except OverflowError:
        # `moment` is the last second that a datetime can hold.
        return moment.replace(microsecond=999_000)
