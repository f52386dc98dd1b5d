"""What is kept of a write is given again exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bridge import errors
from bridge.services.records.write_result import (
    StoredWrite,
    WriteResult,
    decode_result,
    encode_result,
)


def test_an_entity_comes_back_with_every_kind_of_value():
    entity = {
        "id": 2**60,
        "Name": "Ünï 😀 'quoted'",
        "None": None,
        "Flag": True,
        "Ratio": 0.1,
        "Amount": Decimal("980.5000"),
        "Made": datetime(2026, 3, 8, 7, 0, 1, 267000, UTC),
        "Day": date(2019, 3, 1),
        "UserDefinedFields": {"x": None},
    }
    written = StoredWrite(
        entity, ["shoeSize"], "a notice", ["a note"], [("Account", 7, "Harbor")]
    )

    again = decode_result(encode_result(written))

    assert again == written
    assert list(again.entity) == list(entity)
    assert [type(value) for value in again.entity.values()] == [
        type(value) for value in entity.values()
    ]


@pytest.mark.parametrize(
    "udfs", [{}, {"$time": "2020-01-01"}, {"$date": None}, {"id": "1", "format": "2"}]
)
def test_user_defined_fields_of_any_name_come_back(udfs):
    written = StoredWrite({"id": 1, "UserDefinedFields": udfs})

    assert decode_result(encode_result(written)).entity == written.entity


def test_a_record_that_an_older_release_stored_is_replayed_as_it_is():
    text = (
        '{"record": {"id": 7, "amount": {"$decimal": "980.5000"}, '
        '"made": {"$time": "2026-03-08T07:00:01+00:00"}}, '
        '"ignored": ["shoeSize"], "notice": "a notice"}'
    )

    assert decode_result(text) == WriteResult(
        {
            "id": 7,
            "amount": Decimal("980.5000"),
            "made": datetime(2026, 3, 8, 7, 0, 1, tzinfo=UTC),
        },
        ("shoeSize",),
        "a notice",
        replayed=True,
    )


@pytest.mark.parametrize(
    "kind",
    [
        errors.InvalidRequestError,
        errors.ProviderRejectedError,
        errors.ProviderOutcomeUnknownError,
        errors.InvalidQueryError,
    ],
)
def test_an_error_comes_back_as_what_it_was(kind):
    error = kind("what went wrong")
    error.provider_message = "the vendor's words"

    again = decode_result(encode_result(error))

    assert type(again) is kind
    assert again.message == "what went wrong"
    assert again.provider_message == "the vendor's words"
    assert again.replayed
    assert not error.replayed
