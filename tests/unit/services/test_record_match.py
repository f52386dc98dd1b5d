"""Which records could be the one that was sent, and which could not."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bridge.services.records.creates.record_match import MatchResult, match_record
from bridge.services.records.members import read_members
from bridge.services.records.validation import validate_create

BODY = {
    "accountName": "Harbor",
    "accountType": 1,
    "ownerID": 4,
    "phone": "202 555",
    "amount": "12.5",
    "closeDate": "6/30/2019",
    "visitTime": "2020-05-01T10:00:00Z",
    "active": True,
    "userDefinedFields": {
        "userDefinedField": [{"name": "Region & code", "value": "EU"}]
    },
}
STORED = {
    "id": 7,
    "AccountName": "Harbor",
    "Phone": "202 555",
    "AccountType": 1,
    "Amount": Decimal("12.5000"),
    "CloseDate": date(2019, 6, 30),
    "VisitTime": datetime(2020, 5, 1, 10, 0, 0, 3000, UTC),
    "Active": True,
    "OwnerID": 4,
    "City": "set by nobody",
    "UserDefinedFields": {"Region & code": "EU", "Colour": None},
}


def validate_new(fields, body):
    return validate_create(fields, read_members(body))


def likeness(fields, body=(), stored=()):
    draft = validate_new(fields, BODY | dict(body))
    assert not draft.problems
    return match_record(draft, STORED | dict(stored))


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ({}, {}),
        ({"accountName": " Harbor "}, {}),
        ({"phone": "202  555"}, {}),
        ({"amount": "12.50004"}, {}),
        ({}, {"VisitTime": datetime(2020, 5, 1, 10, 0, 0, 997000, UTC)}),
        ({"phone": None}, {"Phone": "set by the vendor"}),
        ({"phone": ""}, {"Phone": "set by the vendor"}),
        ({"seats": None}, {"Seats": 3}),
        ({"stockSymbol": "HRBR"}, {}),
        # An instant on a field of days: the vendor's day of it, or that in UTC.
        ({"closeDate": "2019-06-30T23:30:00-0400"}, {}),
        ({"closeDate": "2019-06-30T23:30:00-0400"}, {"CloseDate": date(2019, 7, 1)}),
    ],
)
def test_a_record_with_all_that_was_sent_is_the_same(fields, body, stored):
    assert likeness(fields, body, stored) is MatchResult.SAME


@pytest.mark.parametrize(
    "stored",
    [
        {"AccountName": "HARBOR"},
        {"Phone": "(202) 555"},
        {"AccountType": 0},
        {"Amount": Decimal("12.6")},
        {"Amount": None},
        {"Active": False},
        {"CloseDate": date(2019, 7, 1)},
        {"VisitTime": datetime(2020, 5, 1, 11, tzinfo=UTC)},
        {"OwnerID": 5},
        {"UserDefinedFields": {"Region & code": "US"}},
        {"UserDefinedFields": {}},
    ],
)
def test_a_record_with_the_same_texts_and_another_value_is_in_doubt(fields, stored):
    assert likeness(fields, stored=stored) is MatchResult.UNCERTAIN


@pytest.mark.parametrize(
    "stored", [{"AccountName": "Harbour"}, {"Phone": "202 556"}, {"Phone": None}]
)
def test_a_record_with_another_text_is_another(fields, stored):
    assert likeness(fields, stored=stored) is MatchResult.DIFFERENT


@pytest.mark.parametrize("shown", ["12", "12.0", "12.0000"])
def test_a_number_in_a_udf_is_compared_as_a_number(fields, shown):
    udfs = {"userDefinedFields": {"userDefinedField": [{"name": "Seats", "value": 12}]}}

    same = likeness(fields, udfs, {"UserDefinedFields": {"Seats": shown}})
    other = likeness(fields, udfs, {"UserDefinedFields": {"Seats": "13"}})

    assert (same, other) == (MatchResult.SAME, MatchResult.UNCERTAIN)
