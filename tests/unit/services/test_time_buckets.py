"""Spans of time are cut into equal pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import InvalidRequestError
from bridge.services.usage.time_buckets import read_interval, start_of, starts, width


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NINE = at("2019-03-14T09:26:53.500")


@pytest.mark.parametrize(
    ("interval", "until", "expected"),
    [
        (
            "second",
            "2019-03-14T09:26:54",
            ["2019-03-14T09:26:53", "2019-03-14T09:26:54"],
        ),
        ("hour", "2019-03-14T10:00", ["2019-03-14T09:00", "2019-03-14T10:00"]),
        ("hour", "2019-03-14T09:59:59", ["2019-03-14T09:00"]),
        ("day", "2019-03-15T01:00", ["2019-03-14", "2019-03-15"]),
        ("week", "2019-03-20", ["2019-03-11", "2019-03-18"]),
        ("month", "2019-05-01", ["2019-03-01", "2019-04-01", "2019-05-01"]),
        (
            "quarter",
            "2019-12-31",
            ["2019-01-01", "2019-04-01", "2019-07-01", "2019-10-01"],
        ),
        ("year", "2021-01-01", ["2019-01-01", "2020-01-01", "2021-01-01"]),
    ],
)
def test_both_ends_are_in(interval, until, expected):
    assert starts(NINE, at(until), interval) == [at(text) for text in expected]


def test_an_hour_has_sixty_one_minutes():
    assert len(starts(NINE, NINE + timedelta(hours=1), "minute")) == 61


def test_ten_thousand_pieces_are_the_most():
    assert len(starts(NINE, NINE + timedelta(seconds=9999), "second")) == 10_000
    with pytest.raises(InvalidRequestError, match="longer interval"):
        starts(NINE, NINE + timedelta(seconds=10_000), "second")


@pytest.mark.parametrize("interval", ["second", "week", "month", "quarter", "year"])
def test_the_calendar_ends(interval):
    last = at("9999-12-31T23:59:59")

    assert len(starts(last, last, interval)) == 1


@pytest.mark.parametrize(
    ("span", "interval"),
    [
        (timedelta(0), "minute"),
        (timedelta(hours=3), "minute"),
        (timedelta(days=1), "hour"),
        (timedelta(days=7), "hour"),
        (timedelta(days=8), "day"),
        (timedelta(days=366), "day"),
        (timedelta(days=367), "month"),
        (timedelta(days=3660), "month"),
        (timedelta(days=3661), "year"),
    ],
)
def test_an_interval_suits_the_span(span, interval):
    assert read_interval(" ", NINE, NINE + span) == interval


def test_words_are_read_in_any_case_and_others_refused():
    assert read_interval(" Quarter", NINE, NINE) == "quarter"
    with pytest.raises(InvalidRequestError, match="interval must be one of second"):
        read_interval("fortnight", NINE, NINE)


@pytest.mark.parametrize(
    ("interval", "start"),
    [
        ("second", "2019-03-14T09:26:53"),
        ("minute", "2019-03-14T09:26"),
        ("hour", "2019-03-14T09:00"),
        ("day", "2019-03-14"),
        ("week", "2019-03-11"),
        ("month", "2019-03-01"),
        ("quarter", "2019-01-01"),
        ("year", "2019-01-01"),
    ],
)
def test_a_written_time_is_put_into_its_piece(interval, start):
    written = "2019-03-14 09:26:53.500000"[: width(interval)]

    assert start_of(written, interval) == at(start)
