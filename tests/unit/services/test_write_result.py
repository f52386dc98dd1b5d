"""What is kept of a write is given again exactly."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bridge import errors
from bridge.services.records.write_result import (
    WriteResult,
    decode_result,
    encode_result,
)


def test_a_record_comes_back_with_every_kind_of_value():
    record = {
        "id": 2**60,
        "name": "Ünï 😀 'quoted'",
        "none": None,
        "flag": True,
        "ratio": 0.1,
        "amount": Decimal("980.5000"),
        "made": datetime(2026, 3, 8, 7, 0, 1, 267000, UTC),
        "day": date(2019, 3, 1),
        "userDefinedFields": {"userDefinedField": [{"name": "x", "value": None}]},
    }
    written = WriteResult(record, ("shoeSize",), "a notice")

    again = decode_result(encode_result(written))

    assert again == WriteResult(record, ("shoeSize",), "a notice", replayed=True)
    assert list(again.record) == list(record)
    assert [type(value) for value in again.record.values()] == [
        type(value) for value in record.values()
    ]


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
