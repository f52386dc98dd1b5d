"""Equality with times as callers see them: in whole seconds.

The vendor keeps fractions of a second that no caller sees. A time without a fraction
therefore equals every instant of its second; one with a fraction is that very instant.
Pure. Source: SOAP contract notes, section 8 (times carry fractions).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.ceql.ast import And, Expr, Operator, Or, Predicate
from bridge.interfaces import Field, Scalar
from bridge.services.times import local_time

AFFIRMED = frozenset({Operator.EQUAL, Operator.IN})
EQUALITIES = AFFIRMED | {Operator.NOT_EQUAL, Operator.NOT_IN}

_SECOND = timedelta(seconds=1)


def equality(
    predicate: Predicate[Field, datetime], zone: ZoneInfo
) -> Expr[Field, Scalar]:
    """Return the condition on stored instants for an equality or its negation.

    `zone` is the one that the vendor's times are written in.
    """
    affirmed = predicate.operator in AFFIRMED
    moments = dict.fromkeys(predicate.values)
    tests = [
        same_second(predicate.field, predicate.column, moment, zone, affirmed=affirmed)
        for moment in moments
    ]
    return joined(tests, affirmed=affirmed)


def same_second(
    field: Field,
    column: int,
    moment: datetime,
    zone: ZoneInfo,
    *,
    affirmed: bool,
    but_not_itself: bool = False,
) -> Expr[Field, Scalar]:
    """Return the condition for instants that are seen at `moment`, or for all others.

    `but_not_itself` leaves the whole second out and takes its fractions only.
    """

    def compare(operator: Operator, value: datetime) -> Predicate[Field, Scalar]:
        operator = operator if affirmed else operator.opposite
        return Predicate(field, operator, (value,), column)

    if moment.microsecond:
        return compare(Operator.EQUAL, moment)
    start = Operator.GREATER if but_not_itself else Operator.GREATER_OR_EQUAL
    end = next_second(moment, zone)
    return joined(
        [compare(start, moment), compare(Operator.LESS, end)], affirmed=not affirmed
    )


def joined(tests: list[Expr[Field, Scalar]], *, affirmed: bool) -> Expr[Field, Scalar]:
    """Return what holds when any of the tests does, or for negations all of them."""
    if len(tests) == 1:
        return tests[0]
    return Or(tuple(tests)) if affirmed else And(tuple(tests))


def next_second(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant that the vendor writes one second later than `moment`.

    That is the second after, but at the end of autumn's repeated hour, whose passes the
    vendor writes alike, it is an hour and a second after.
    """
    try:
        end = moment + _SECOND
        back = local_time(moment, zone) + _SECOND - local_time(end, zone)
        return end + max(back, timedelta())
    except OverflowError:
        return moment.replace(microsecond=999_000)
