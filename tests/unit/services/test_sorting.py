"""Records sorted here, by any mix of keys."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from entities import entity
from hypothesis import given
from hypothesis import strategies as st

from bridge.backends.autotask_soap.decode.field_types import UDF_MEMBER
from bridge.interfaces import Entity, Field, FieldType
from bridge.services.records.lists.sorting import SortKey, read_order, sort

REGION = "Region & code"


def ids(entities):
    return [each.id for each in entities]


def keys(fields, text):
    found, notes = read_order(fields, text)
    assert notes == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accountName", [3, 1, 2, 4]),
        ("AccountName asc", [3, 1, 2, 4]),
        ("accountName desc", [4, 2, 1, 3]),
        ("-accountName", [4, 2, 1, 3]),
        (" phone DESC , accountName ", [4, 2, 3, 1]),
        ("Seats", [3, 4, 2, 1]),
        (f"{REGION}", [2, 3, 1, 4]),
        (f"-{REGION}, -seats", [4, 1, 2, 3]),
        (f"{REGION} desc", [4, 1, 2, 3]),
    ],
)
def test_texts_numbers_and_what_is_missing(fields, text, expected):
    entities = [
        {"id": 1, "AccountName": "alpha", "Seats": 10, UDF_MEMBER: {REGION: "b"}},
        {"id": 2, "AccountName": "Beta", "Phone": "1", "Seats": 9},
        {"id": 3, UDF_MEMBER: {REGION: None}},
        {"id": 4, "AccountName": "gamma", "Phone": "2", UDF_MEMBER: {REGION: "C"}},
    ]

    found = [entity(each, fields) for each in entities]

    assert ids(sort(found, keys(fields, text))) == expected


def test_days_and_times_and_amounts_compare_as_such(fields):
    found = keys(fields, "phone")
    values = [
        [datetime(2021, 3, 1, 9, tzinfo=UTC), datetime(2021, 3, 1, 10, tzinfo=UTC)],
        [date(2021, 3, 1), date(2021, 10, 1)],
        [date(2021, 3, 1), datetime(2021, 3, 1, 0, 0, 1, tzinfo=UTC)],
        [datetime(2021, 2, 28, 23, 59, 59, tzinfo=UTC), date(2021, 3, 1)],
        [Decimal("9.5"), Decimal(10)],
        [9, 10.5],
    ]
    for low, high in values:
        entities = [Entity({"id": 1, "Phone": high}), Entity({"id": 2, "Phone": low})]
        assert ids(sort(entities, found)) == [2, 1]


def test_times_in_user_defined_fields_are_sorted_as_they_are_shown(fields):
    texts = ["2021-03-01T20:00:01", "2021-03-02T00:00:00", "2021-03-01T19:00:00", ""]
    # In winter the first and the third are 1:00:01 and 0:00 of the second of March.
    entities = [
        entity({"id": place, UDF_MEMBER: {"Renewal": text}}, fields)
        for place, text in enumerate(texts)
    ]

    assert ids(sort(entities, keys(fields, "renewal"))) == [3, 1, 2, 0]


def test_numbers_in_user_defined_fields_are_sorted_in_any_spelling():
    number = Field("Score", FieldType.DOUBLE, udf=True)
    texts = ["1E+3", "many", " 7 ", "025", ".5", "", "NaN"]
    types = {"Score": number.type}
    entities = [
        entity({"id": place, UDF_MEMBER: {"Score": text}}, types=types)
        for place, text in enumerate(texts)
    ]

    found = sort(entities, [SortKey(number, descending=False)])

    assert ids(found) == [5, 4, 2, 3, 0, 1, 6]


def test_what_is_not_a_field_is_named_and_left_out(fields):
    found, notes = read_order(fields, "nonsense desc, phone,,")

    assert [key.field.name for key in found] == ["Phone"]
    assert notes == ["orderBy nonsense desc was ignored: there is no such field."]


@given(data=st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers())))
def test_any_values_can_be_sorted_and_equals_keep_their_order(fields, data):
    entities = [Entity({"id": at, "Phone": value}) for at, value in enumerate(data)]

    for text in ("phone", "-phone"):
        once = sort(entities, keys(fields, text))
        assert sorted(ids(once)) == ids(entities)
        assert sort(once, keys(fields, text)) == once
        for value in data:
            same = [e.id for e in once if e.values["Phone"] == value]
            assert same == sorted(same)
