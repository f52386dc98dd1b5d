"""Conditions on date fields of which a value decides: they compare what callers see."""

import operator
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridge.backends.autotask_soap.encode.day_comparisons import condition
from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.backends.autotask_soap.encode.values import local_time
from bridge.ceql.ast import Operator, Predicate
from bridge.interfaces import DateKind, Entity, Field, FieldType
from bridge.interfaces.times import shown_instant
from bridge.services.filtering.local_filter import matches
from bridge.services.times import parse_time

FIELD = Field("ShipDate", FieldType.DATETIME, date_kind=DateKind.BY_VALUE)
UDF = Field("Renewal", FieldType.DATETIME, udf=True, date_kind=DateKind.BY_VALUE)
ZONES = [
    "America/New_York",
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Pacific/Pago_Pago",
]
COMPARED = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
# Both changes of the clock, in the north and in the south, and a day of neither.
DAYS = [
    datetime(2024, 3, 10),
    datetime(2024, 11, 3),
    datetime(2024, 4, 7),
    datetime(2024, 9, 29),
    datetime(2024, 7, 5),
]
MOMENTS = st.builds(
    lambda day, half_hours, seconds: (
        day + timedelta(minutes=30 * half_hours, seconds=seconds)
    ),
    st.sampled_from(DAYS),
    st.integers(-96, 96),
    st.sampled_from([0, 0, 0, 1, -1, 1799]),
)
# What the vendor stores has fractions of a second that callers do not see.
STORED = st.builds(
    lambda moment, ms: moment + timedelta(milliseconds=ms),
    MOMENTS,
    st.sampled_from([0, 0, 3, 500, 997, 999]),
)
OFFSETS = st.sampled_from([0, 0, -240, -300, 60, 120, 330, 780])


def stored_value(wall, zone):
    """Return what is read of a text that the vendor stores."""
    if wall.time() == time():
        return wall.date()
    return wall.replace(tzinfo=zone).astimezone(UTC)


def is_certain(instant, zone):
    """Tell whether an instant is read as it was written: no second pass, no gap."""
    return local_time(instant, zone).replace(tzinfo=zone).astimezone(UTC) == instant


def key_of(zone):
    return WallClockTimes(zone).comparable


def answers(text, sign, value, zone, *, field=FIELD):
    expr = condition(Predicate(field, sign, (parse_time(text),)), zone)
    return matches(
        expr, Entity({"ShipDate": value}).get, WallClockTimes(zone).comparable
    )


@given(STORED, MOMENTS, st.sampled_from(ZONES), st.sampled_from(sorted(COMPARED)))
@example(datetime(2024, 7, 4, 20), datetime(2024, 7, 5), ZONES[0], Operator.EQUAL)
@example(datetime(2024, 7, 5), datetime(2024, 7, 5), ZONES[0], Operator.EQUAL)
@example(datetime(2024, 7, 5), datetime(2024, 7, 5, 4), ZONES[0], Operator.EQUAL)
@example(
    datetime(2024, 7, 4, 20, 0, 0, 500_000),
    datetime(2024, 7, 5),
    ZONES[0],
    Operator.EQUAL,
)
def test_a_time_in_utc_compares_with_what_is_seen(wall, asked, name, sign):
    zone = ZoneInfo(name)
    value, instant = stored_value(wall, zone), asked.replace(tzinfo=UTC)
    assume(is_certain(instant, zone))
    assume(not isinstance(value, datetime) or local_time(value, zone) == wall)

    found = answers(f"{asked.isoformat()}Z", sign, value, zone)

    assert found is COMPARED[sign](shown_instant(value), instant)


@given(STORED, MOMENTS, OFFSETS, st.sampled_from(ZONES))
def test_a_time_with_an_offset_is_its_instant_or_its_day(wall, asked, minutes, name):
    zone = ZoneInfo(name)
    written = asked.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    value = stored_value(wall, zone)
    assume(is_certain(written.astimezone(UTC), zone))
    assume(not isinstance(value, datetime) or local_time(value, zone) == wall)
    seen = shown_instant(value)
    meant = {written.astimezone(UTC)}
    if asked.time() == time():
        meant.add(asked.replace(tzinfo=UTC))
    said = seen == written.astimezone(UTC) or value == (
        asked.date() if asked.time() == time() else None
    )
    expected = {
        Operator.EQUAL: said,
        Operator.NOT_EQUAL: not said,
        Operator.LESS: seen < min(meant),
        Operator.GREATER_OR_EQUAL: seen >= min(meant),
        Operator.LESS_OR_EQUAL: seen <= max(meant),
        Operator.GREATER: seen > max(meant),
    }

    text = written.isoformat()

    assert {sign: answers(text, sign, value, zone) for sign in expected} == expected
    assert parse_time(text).equals(value) is said


@given(st.lists(MOMENTS, min_size=1, max_size=4), STORED, st.sampled_from(ZONES))
def test_lists_and_their_negation_are_exact_opposites(listed, wall, name):
    zone = ZoneInfo(name)
    times = tuple(parse_time(f"{moment.isoformat()}Z") for moment in listed)
    entity = Entity({}, {"Renewal": stored_value(wall, zone)})

    found, left = (
        matches(
            condition(Predicate(UDF, sign, times), zone),
            entity.get,
            WallClockTimes(zone).comparable,
        )
        for sign in (Operator.IN, Operator.NOT_IN)
    )

    assert found is not left
    alone = (condition(Predicate(UDF, Operator.EQUAL, (t,)), zone) for t in times)
    assert found is any(matches(one, entity.get, key_of(zone)) for one in alone)


@pytest.mark.parametrize("sign", [*COMPARED, Operator.IN, Operator.NOT_IN])
def test_what_is_not_there_matches_nothing(sign):
    zone = ZoneInfo("America/New_York")

    for text in ("2024-07-05", "2024-07-05T04:00:00Z", "2024-07-05T02:30:00Z"):
        expr = condition(Predicate(FIELD, sign, (parse_time(text),)), zone)
        assert not matches(expr, Entity({}).get, key_of(zone))


@pytest.mark.parametrize("text", ["01/01/0001 00:00:00", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("name", ZONES)
def test_the_ends_of_the_calendar_can_be_compared(text, name):
    zone = ZoneInfo(name)

    assert answers(text, Operator.NOT_EQUAL, date(2024, 7, 5), zone)
    is_low = text.startswith("01")
    assert answers(text, Operator.GREATER, date(2024, 7, 5), zone) is is_low
