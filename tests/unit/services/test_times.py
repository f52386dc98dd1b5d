import contextlib
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.services.times import (
    parse_time,
    read_time,
    write_time,
)

MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 2),
    max_value=datetime(2100, 1, 1),
).map(lambda moment: moment.replace(microsecond=0))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


@given(MOMENTS, OFFSETS, st.sampled_from(["%z", "colon", "blank"]))
def test_a_time_is_read_in_its_own_zone(moment, offset, form):
    aware = moment.replace(tzinfo=offset)
    zone = aware.strftime("%z")
    if form == "colon":
        zone = f"{zone[:3]}:{zone[3:]}"
    elif form == "blank":
        zone = zone.replace("+", " ")

    assert read_time(aware.strftime("%Y-%m-%dT%H:%M:%S") + zone) == aware


@given(MOMENTS)
def test_without_a_zone_a_time_is_utc(moment):
    expected = moment.replace(tzinfo=UTC)

    assert read_time(moment.strftime("%Y-%m-%dT%H:%M:%S")) == expected
    assert read_time(moment.strftime("%Y-%m-%d %H:%M:%S")) == expected
    assert read_time(write_time(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-03-14", datetime(2019, 3, 14, tzinfo=UTC)),
        ("3/1/19", datetime(2019, 3, 1, tzinfo=UTC)),
        ("6/30/2019", datetime(2019, 6, 30, tzinfo=UTC)),
        ("12/31/70", datetime(1970, 12, 31, tzinfo=UTC)),
        ("12/31/69", datetime(2069, 12, 31, tzinfo=UTC)),
        (" 2019-03-14T09:26:53.5Z ", datetime(2019, 3, 14, 9, 26, 53, 500000, UTC)),
        ("2012-05-25T11:13:29-0500", datetime(2012, 5, 25, 16, 13, 29, tzinfo=UTC)),
        ("2018-06-02T17:05:44-07:00", datetime(2018, 6, 3, 0, 5, 44, tzinfo=UTC)),
        ("2019-03-14T09:26:53 0000", datetime(2019, 3, 14, 9, 26, 53, tzinfo=UTC)),
        ("2019-03-14T09:26", datetime(2019, 3, 14, 9, 26, tzinfo=UTC)),
        ("05/31/2022 00:00:00", datetime(2022, 5, 31, tzinfo=UTC)),
        ("5/31/2022 12:00:00 AM", datetime(2022, 5, 31, tzinfo=UTC)),
        ("5/31/2022 12:00:00 PM", datetime(2022, 5, 31, 12, tzinfo=UTC)),
        ("5/1/22 3:07 pm", datetime(2022, 5, 1, 15, 7, tzinfo=UTC)),
        ("5/31/2022, 3:07:09\u202fPM", datetime(2022, 5, 31, 15, 7, 9, tzinfo=UTC)),
        ("05/31/2022 15:07:09.5", datetime(2022, 5, 31, 15, 7, 9, 500000, UTC)),
        ("5/31/2022 12:30:00 AM +02:00", datetime(2022, 5, 30, 22, 30, tzinfo=UTC)),
        ("01/01/0001 00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_forms_seen_on_the_wire(text, expected):
    assert read_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2019-13-01",
        "2019-02-30",
        "13/1/19",
        "1/2/3",
        "2019-03-14T25:00:00Z",
        "0001-01-01T00:00:00+1400",
        "9999-12-31T23:59:59-1400",
        "2019-03-14T09:26:53X",
        "2019-03-14T09:26:53+99:99",
        "٢٠١٩-03-14",
        "5/31/2022 13:00:00 PM",
        "5/31/2022 0:30:00 AM",
        "5/31/2022 24:00:00",
        "5/31/2022 noon",
        "31/5/2022 12:00:00 AM",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_time(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        assert read_time(text).tzinfo is UTC


@given(MOMENTS, st.sampled_from(["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"]))
def test_a_time_as_dotnet_prints_it_is_read(moment, form):
    printed = moment.strftime(form)

    for text in (printed, printed.lower(), printed.lstrip("0").replace("/0", "/")):
        written = parse_time(text)
        assert written.instant == moment.replace(tzinfo=UTC)
        assert written.day == moment.date()
        assert written.is_midnight is (moment.time() == time())


@pytest.mark.parametrize(
    ("text", "midnight"),
    [
        ("6/30/2019", True),
        ("6/30/2019 12:00:00 AM", True),
        ("2019-06-30T00:00:00-0500", True),
        ("2019-06-30T00:00:00.000Z", True),
        ("2019-06-30T00:00:00.5Z", False),
        ("6/30/2019 12:00:00 PM", False),
    ],
)
def test_midnight_as_written_is_the_day(text, midnight):
    written = parse_time(text)

    assert written.value == (date(2019, 6, 30) if midnight else written.instant)


def day(text):
    return parse_time(text).day


def test_a_date_keeps_the_day_as_written():
    assert day("2019-06-30T23:30:00-0500") == date(2019, 6, 30)
    assert day("6/30/2019") == date(2019, 6, 30)
    assert day("2019-06-30T00:00:00+0000") == date(2019, 6, 30)
