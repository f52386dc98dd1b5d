"""Wire texts and the vendor's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.backends.autotask_soap.encode.values import (
    vendor_times,
    wire_text,
    wire_type,
)
from bridge.errors import InvalidRequestError
from bridge.interfaces import DateKind, EntityType, Field, FieldType

EASTERN = vendor_times("America/New_York")
ZONES = ("America/New_York", "UTC", "Europe/Berlin", "Australia/Lord_Howe")


def test_times_are_read_in_the_vendor_zone_with_daylight_saving():
    assert EASTERN.read("2021-06-11T16:02:45.717") == datetime(
        2021, 6, 11, 20, 2, 45, 717_000, UTC
    )
    assert EASTERN.read("2018-12-29T00:45:48.58") == datetime(
        2018, 12, 29, 5, 45, 48, 580_000, UTC
    )


def test_the_repeated_november_hour_reads_as_its_first_pass():
    first_pass = datetime(2021, 11, 7, 5, 30, tzinfo=UTC)

    assert EASTERN.read("2021-11-07T01:30:00") == first_pass
    assert EASTERN.write(first_pass) == "2021-11-07T01:30:00"
    assert EASTERN.write(first_pass + timedelta(hours=1)) == "2021-11-07T01:30:00"


def test_a_time_inside_the_spring_gap_reads_without_a_crash():
    assert EASTERN.read("2021-03-14T02:30:00") == datetime(
        2021, 3, 14, 7, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999"])
@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_the_calendar_read_without_a_crash(text, zone):
    moment = vendor_times(zone).read(text)

    assert moment.tzinfo is UTC
    assert abs(moment.year - int(text[:4])) <= 1


def test_a_text_with_an_offset_means_what_it_says():
    expected = datetime(2021, 6, 1, 10, tzinfo=UTC)

    assert EASTERN.read("2021-06-01T10:00:00Z") == expected
    assert EASTERN.read("2021-06-01T12:00:00+02:00") == expected


def test_invalid_time_is_a_value_error():
    with pytest.raises(ValueError, match="soon"):
        EASTERN.read("soon")


@pytest.mark.parametrize("zone", ZONES)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.integers(0, 999),
)
def test_every_moment_reads_back_but_for_the_second_pass_of_autumn(zone, naive, ms):
    moment = naive.replace(microsecond=ms * 1000, tzinfo=UTC)
    times = vendor_times(zone)
    repeated = moment.astimezone(ZoneInfo(zone)).fold == 1

    text = times.write(moment)

    assert len(text.partition(".")[2]) <= 3
    assert not text.partition(".")[2].endswith("0")
    read = times.read(text)
    if repeated:
        assert timedelta() < moment - read <= timedelta(hours=1)
    else:
        assert read == moment


@given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)))
def test_reading_agrees_with_the_standard_library_on_every_wall_time(naive):
    # The vendor's text does not say which pass of a repeated hour it is.
    naive = naive.replace(fold=0)
    for zone in ZONES:
        expected = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

        assert vendor_times(zone).read(naive.isoformat()) == expected


def test_a_transition_in_the_middle_of_an_hour_is_not_blurred():
    times = vendor_times("Africa/Monrovia")  # clocks moved by 44:30 in 1972

    for minute in (10, 50, 10):
        text = f"1972-01-07T00:{minute}:00"
        naive = datetime.fromisoformat(text)
        expected = naive.replace(tzinfo=ZoneInfo("Africa/Monrovia")).astimezone(UTC)
        assert times.read(text) == expected


def test_days_are_read_by_the_kind_of_the_field_and_never_shifted():
    kinds = {"ProjectedCloseDate": DateKind.DAY, "LostDate": DateKind.BY_VALUE}
    read_time = EASTERN.reader(EntityType("Opportunity", kinds))
    field = Field("ProjectedCloseDate", FieldType.DATETIME, date_kind=DateKind.DAY)

    assert read_time("ProjectedCloseDate", "2021-07-30T00:00:00") == date(2021, 7, 30)
    assert read_time("ProjectedCloseDate", "2021-07-30T20:00:00") == date(2021, 7, 30)
    assert read_time("LostDate", "2021-07-30T00:00:00") == date(2021, 7, 30)
    assert read_time("LostDate", "2021-07-30T20:00:00") == datetime(
        2021, 7, 31, tzinfo=UTC
    )
    assert read_time("CreateDate", "2021-07-30T00:00:00") == datetime(
        2021, 7, 30, 4, tzinfo=UTC
    )
    assert wire_text(field, date(2021, 7, 30), EASTERN) == "2021-07-30T00:00:00"
    late = datetime(2021, 7, 30, 23, tzinfo=UTC)
    assert wire_text(field, late, EASTERN) == "2021-07-30T19:00:00"


def test_an_unknown_zone_and_a_naive_time_are_refused():
    with pytest.raises(InvalidRequestError, match="Middle/Earth"):
        vendor_times("Middle/Earth")
    with pytest.raises(InvalidRequestError):
        EASTERN.write(datetime(2021, 1, 1))


@pytest.mark.parametrize(
    ("kind", "value", "xsd", "text"),
    [
        (FieldType.INTEGER, 237, "int", "237"),
        (FieldType.INTEGER, 2**31, "long", "2147483648"),
        (FieldType.INTEGER, True, "int", "1"),
        (FieldType.LONG, 5, "int", "5"),
        (FieldType.SHORT, 1, "short", "1"),
        (FieldType.SHORT, 40_000, "int", "40000"),
        (FieldType.STRING, "", "string", ""),
        (FieldType.INTEGER, "12", "string", "12"),
        (FieldType.BOOLEAN, False, "boolean", "false"),
        (FieldType.BOOLEAN, 1, "boolean", "1"),
        (FieldType.DOUBLE, 1e-7, "double", "0.0000001"),
        (FieldType.DECIMAL, Decimal("175.0000"), "decimal", "175.0000"),
        (FieldType.DECIMAL, Decimal("1E+3"), "decimal", "1000"),
        (FieldType.INTEGER, Decimal("2.5"), "decimal", "2.5"),
        (
            FieldType.DATETIME,
            datetime(2021, 1, 1, 12, tzinfo=UTC),
            "dateTime",
            "2021-01-01T07:00:00",
        ),
    ],
)
def test_types_and_texts_on_the_wire(kind, value, xsd, text):
    field = Field("X", kind)

    assert wire_type(field, value) == xsd
    assert wire_text(field, value, EASTERN) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_numbers_without_digits_are_refused(value):
    with pytest.raises(InvalidRequestError):
        wire_text(Field("X", FieldType.DOUBLE), value, EASTERN)
