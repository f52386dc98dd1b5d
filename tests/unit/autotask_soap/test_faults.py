"""The table of sentences, and that nothing falls through it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.connections import WireError
from bridge.backends.autotask_soap.request import Request
from bridge.errors import (
    ProviderError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)

READ = Request("query", b"", "Account", authorization="Basic eA==")
WRITE = Request("create", b"", "Account", writes=True, authorization="Basic eA==")


def known(text):
    return any(
        re.search(row.pattern, text, re.IGNORECASE) for row in faults.VENDOR_MESSAGES
    )


@pytest.mark.parametrize("row", faults.VENDOR_MESSAGES, ids=lambda row: row.pattern)
def test_every_row_names_its_source_and_ends_in_its_error(row):
    text = row.pattern.partition("|")[0].upper()

    failure = faults.refused(READ, [text])

    assert row.source.startswith(("Source: ", "Unverified: "))
    assert type(failure.error) is row.error
    assert failure.error.provider_message == text
    assert failure.transient == (row.transient and row.certain)
    assert failure.not_applied


@given(st.lists(st.text(), max_size=4))
def test_any_other_refusal_is_kept_whole(messages):
    failure = faults.refused(READ, messages)

    if not known("\n".join(messages)):
        assert type(failure.error) is ProviderRejectedError
    kept = failure.error.provider_message or ""
    assert kept == "\n".join(message for message in messages if message.strip())
    assert not failure.transient or known(kept)


@given(st.text(), st.text())
def test_any_fault_ends_in_an_error_with_its_text(code, text):
    failure = faults.soap_fault(READ, code, text)

    assert isinstance(failure.error, ProviderError)
    assert (failure.error.provider_message or "") == text


@given(st.integers(200, 599), st.binary(max_size=200))
def test_any_page_ends_in_an_error_with_a_text(status, body):
    failure = faults.page(READ, "host", status, body)

    assert isinstance(failure.error, ProviderError)
    assert failure.error.provider_message
    assert failure.not_applied == (300 <= status < 500 or status in (501, 505))
    assert failure.wrong_zone == (status == 401 or 300 <= status < 400)


@given(st.booleans(), st.booleans())
def test_any_broken_exchange_ends_in_a_retryable_error(sent, timed_out):
    wire = WireError("reason", sent=sent, timed_out=timed_out)

    failure = faults.no_answer(WRITE, "host", wire)

    assert failure.error.retryable
    assert failure.transient
    assert failure.not_applied == failure.wrong_zone == (not sent)


def test_a_fault_of_a_busy_database_may_have_come_after_the_write():
    text = "System.Data.SqlClient.SqlException: Timeout expired."

    failure = faults.soap_fault(WRITE, "soap:Server", text)

    assert failure.transient
    assert not failure.not_applied


def test_an_unknown_outcome_keeps_the_vendors_text():
    failure = faults.page(WRITE, "host", 503, b"<title>Down</title>")

    error = faults.final_error(WRITE, "host", failure)

    assert isinstance(error, ProviderOutcomeUnknownError)
    assert error.provider_message == "Down"


def test_permission_texts_are_not_taken_for_missing_records_or_back():
    missing = (
        "No matching records found. The logged in resource may not have the required"
        " permissions to update the data."
    )

    assert type(faults.refused(READ, [missing]).error) is ProviderRejectedError


def test_nothing_secret_shows_in_the_repr_of_a_request():
    request = Request(
        "query", b"SECRET", authorization="Basic SECRET", secrets=("SECRET",)
    )

    assert "SECRET" not in repr(request)
    assert request.clean("a SECRET b") == "a ******** b"
