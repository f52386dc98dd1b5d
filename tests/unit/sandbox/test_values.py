"""Field values: wire text to stored form and back; service time."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.data import values


@given(st.decimals(-(10**14), 10**14, places=4))
def test_decimals_have_four_places_and_keep_their_order(number):
    stored = values.DECIMAL.read(str(number))

    assert Decimal(values.DECIMAL.write(stored)) == number
    assert values.DECIMAL.write(stored)[-5] == "."
    assert (stored < 0) == (number < 0)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_survive(number):
    stored = values.DOUBLE.read(repr(number))

    assert float(values.DOUBLE.write(stored)) == number
    assert "e" not in values.DOUBLE.write(stored)


@given(st.datetimes(datetime(1753, 1, 2), datetime(9999, 12, 30)))
def test_times_keep_milliseconds_and_order(moment):
    text = moment.isoformat()
    try:
        stored = values.DATETIME.read(text)
    except ValueError:
        assert moment.month in (3, 4)  # the spring gap
        return

    written = values.DATETIME.write(stored)
    assert datetime.fromisoformat(f"{stored}000") == moment.replace(
        microsecond=moment.microsecond // 1000 * 1000
    )
    assert len(stored) == 23
    whole, _, fraction = written.partition(".")
    assert (whole, fraction) == (stored[:19], stored[20:].rstrip("0"))


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("2021-06-01T00:00:00", "2021-06-01T00:00:00"),
        ("2021-06-01 00:00:00", "2021-06-01T00:00:00"),
        ("2021-06-01", "2021-06-01T00:00:00"),
        ("2021-06-01T08:30", "2021-06-01T08:30:00"),
        ("2021-06-01T00:00:00.1000", "2021-06-01T00:00:00.1"),
        ("2021-06-01T00:00:00.5809999", "2021-06-01T00:00:00.58"),
        ("2021-06-01T12:00:00Z", "2021-06-01T08:00:00"),
        ("2021-01-01T12:00:00Z", "2021-01-01T07:00:00"),
        ("2021-06-01T12:00:00.25+02:00", "2021-06-01T06:00:00.25"),
        ("2021-03-14T07:30:00Z", "2021-03-14T03:30:00"),
        ("2021-11-07T06:30:00Z", "2021-11-07T01:30:00"),
        ("9999-12-31T23:59:59.997", "9999-12-31T23:59:59.997"),
    ],
)
def test_times_are_service_time_on_the_wire(text, wire):
    assert values.DATETIME.write(values.DATETIME.read(text)) == wire


OFFSETS = st.sampled_from(["", "Z", "-05:00", "+14:00", "-12:00"])
MOMENTS = st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31))


@given(MOMENTS, OFFSETS)
def test_a_day_is_the_date_as_written(moment, offset):
    for kind, written in (
        (values.DAY, f"{moment.isoformat()}{offset}"),
        (values.DAY_BY_VALUE, f"{moment.date().isoformat()}T00:00:00.000{offset}"),
    ):
        stored = kind.read(written)
        assert stored == f"{moment.date().isoformat()}T00:00:00.000"
        assert kind.read(kind.write(stored)) == stored


@given(MOMENTS, OFFSETS)
def test_by_value_a_time_of_day_is_an_instant(moment, offset):
    written = f"{moment.date().isoformat()}T12:34:56{offset}"
    try:
        expected = values.DATETIME.read(written)
    except ValueError:
        assert moment.year in (1753, 9999)
        return

    assert values.DAY_BY_VALUE.read(written) == expected


@given(MOMENTS)
def test_queries_compare_days_as_other_times(moment):
    written = f"{moment.date().isoformat()}T12:00:00"

    for kind in (values.DAY, values.DAY_BY_VALUE):
        assert kind.read_compared(written) == values.DATETIME.read(written)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (values.DAY, "8/8/16"),
        (values.DAY, "2021-02-30T00:00:00"),
        (values.DAY, "1700-01-01"),
        (values.DAY, "2021-06-01Z"),
        (values.DAY_BY_VALUE, "2021-03-14T02:30:00"),
        (values.DAY_BY_VALUE, "1752-12-31T00:00:00Z"),
        (values.DATETIME, "8/8/16"),
        (values.DATETIME, "2021-02-30T00:00:00"),
        (values.DATETIME, "2021-03-14T02:30:00"),
        (values.DATETIME, "1700-01-01T00:00:00"),
        (values.DATETIME, "9999-12-31T23:59:59-12:00"),
        (values.DATETIME, "2021-06-01T25:00:00"),
        (values.DATETIME, "2021-06-01Z"),
        (values.DATETIME, "now"),
        (values.INTEGER, "1.0"),
        (values.INTEGER, "2147483648"),
        (values.INTEGER, "٣"),
        (values.SHORT, "40000"),
        (values.LONG, "9" * 19),
        (values.DECIMAL, "1,5"),
        (values.DECIMAL, "1e20"),
        (values.DECIMAL, "1e999"),
        (values.DOUBLE, "NaN"),
        (values.DOUBLE, "1e999"),
        (values.BOOLEAN, "yes"),
        (values.BOOLEAN, ""),
    ],
)
def test_texts_that_are_no_value(kind, text):
    with pytest.raises(ValueError, match=r".*"):
        kind.read(text)


@pytest.mark.parametrize(
    ("kind", "text", "wire"),
    [
        (values.INTEGER, " -5 ", "-5"),
        (values.DECIMAL, "175", "175.0000"),
        (values.DECIMAL, "-0.00014", "-0.0001"),
        (values.DOUBLE, "0.0", "0"),
        (values.DOUBLE, "12.50", "12.5"),
        (values.DOUBLE, "1e20", "1E+20"),
        (values.BOOLEAN, "TRUE", "true"),
        (values.BOOLEAN, "0", "false"),
        (values.TEXT, " as is ", " as is "),
    ],
)
def test_wire_forms(kind, text, wire):
    assert kind.write(kind.read(text)) == wire


def test_a_stamp_is_now_and_ends_as_the_databases_clock_does():
    now = datetime(2021, 7, 1, 12, 0, 0, 268_999, tzinfo=UTC)

    assert values.stamp(now) == "2021-07-01T08:00:00.267"


def test_longs_beyond_32_bits_are_called_long():
    assert values.wire_type(values.LONG, "int", 2**31) == "long"
    assert values.wire_type(values.LONG, "int", 2**31 - 1) == "int"
