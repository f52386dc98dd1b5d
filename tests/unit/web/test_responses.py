"""Values as JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.http.responses import json_object, to_json

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
    lambda value: abs(value.adjusted()) < 100
)


@given(DECIMALS)
def test_decimals_keep_every_digit_as_numbers(value):
    written = to_json({"v": value})

    assert json.loads(written, parse_float=Decimal, parse_int=Decimal)["v"] == value
    assert b"E" not in written.upper()


def test_decimals_look_as_in_the_vendors_text():
    assert to_json([Decimal("1550.7500"), Decimal("1E+3")]) == b"[1550.7500,1000]"


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_written_to_the_second_with_an_offset_without_colon(value):
    written = json.loads(to_json(value))

    assert written == f"{value.replace(tzinfo=None, microsecond=0).isoformat()}+0000"


def test_times_of_other_zones_are_written_in_utc():
    zone = timezone(timedelta(hours=-5))
    value = datetime(2019, 3, 14, 4, 26, 53, 999_999, tzinfo=zone)

    assert to_json(value) == b'"2019-03-14T09:26:53+0000"'


def test_dates_are_midnight():
    assert to_json(date(2012, 5, 15)) == b'"2012-05-15T00:00:00+0000"'


@pytest.mark.parametrize("value", [datetime(2019, 3, 14), Decimal("NaN"), object()])
def test_a_value_without_a_json_form_is_refused(value):
    with pytest.raises(TypeError):
        to_json(value)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("returnTotalCount was ignored: X is invalid..", "X is invalid."),
        (
            "orderBy was ignored: (Autotask: X is invalid.).",
            "(Autotask: X is invalid.)",
        ),
        ("These members were ignored: a..", "ignored: a."),
    ],
)
def test_a_note_ends_in_one_full_stop(note, told):
    answer = json_object({}, notes=[note, note])

    error = answer.headers["Elements-Error"]
    assert error.endswith(told)
    assert error.count(told) == 2
    assert ".." not in error
