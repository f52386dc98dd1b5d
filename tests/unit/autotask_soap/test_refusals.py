"""Refusals keep the vendor's text and are not retried."""

from __future__ import annotations

import pytest

from bridge.errors import (
    ProviderCredentialsError,
    ProviderForbiddenError,
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderRejectedError,
    ProviderThresholdError,
)
from bridge.interfaces import Credentials, EntityType, Field, FieldType, Zone

ACCOUNT = EntityType("Account")
NAME = {Field("AccountName", FieldType.STRING): "Acme"}
REFUSALS = [
    ("IntegrationCode is invalid.", ProviderCredentialsError),
    (
        (
            "The logged in Resource does not have the adequate permissions to query"
            " this entity type."
        ),
        ProviderForbiddenError,
    ),
    (
        (
            "You have exceeded the maximum number of requests allowed per hour for this"
            " database."
        ),
        ProviderThresholdError,
    ),
    (
        (
            "No matching records found. The logged in resource may not have the"
            " required permissions to update the data."
        ),
        ProviderRejectedError,
    ),
    ("Something nobody has seen before.", ProviderRejectedError),
]


@pytest.mark.parametrize(("text", "error"), REFUSALS)
def test_refusals_keep_the_vendors_text_and_are_never_repeated(
    backend, vendor, text, error
):
    vendor.script = [vendor.result("update", code=-1, errors=[text, "Second."])]

    with pytest.raises(error) as caught:
        backend.update(ACCOUNT, 7, NAME, {})

    assert caught.value.provider_message == f"{text}\nSecond."


def test_missing_and_refused_integration_codes_have_different_messages(
    service, vendor, ana
):
    refusal = vendor.result("query", code=-1, errors=["IntegrationCode is invalid."])
    vendor.script = [refusal, refusal]
    none = Credentials(ana.username, ana.password, ana.server_url)
    messages = []

    for credentials in (ana, none):
        backend = service.open_backend(credentials, Zone(vendor.url, 1), print)
        with pytest.raises(ProviderCredentialsError) as caught:
            backend.query(ACCOUNT, None)
        messages.append(caught.value.message)

    assert "refused" in messages[0]
    assert "BRIDGE_INTEGRATION_CODE" in messages[1]


def test_return_code_0_without_a_message_is_a_refusal(backend, vendor):
    vendor.script = [vendor.result("query", code=0)]

    with pytest.raises(ProviderRejectedError) as caught:
        backend.query(ACCOUNT, None)

    assert caught.value.provider_message is None


def test_the_message_of_an_entity_is_read_when_there_are_no_errors(backend, vendor):
    info = (
        "<EntityReturnInfo><EntityId>0</EntityId><Message>Why not</Message>"
        "</EntityReturnInfo>"
    )
    vendor.script = [vendor.result("create", code=-1, infos=info)]

    with pytest.raises(ProviderRejectedError) as caught:
        backend.create(ACCOUNT, NAME)

    assert caught.value.provider_message == "Why not"


def test_a_duplicate_is_a_refusal_that_names_the_match(backend, vendor):
    info = (
        "<EntityReturnInfo><EntityId>7</EntityId><DuplicateStatus><Found>true</Found>"
        "<MatchInfo>AccountName</MatchInfo><Ignored>false</Ignored></DuplicateStatus>"
        "</EntityReturnInfo>"
    )
    vendor.script = [vendor.result("create", infos=info)]

    with pytest.raises(ProviderRejectedError, match="AccountName"):
        backend.create(ACCOUNT, NAME)


def test_an_ignored_duplicate_was_created(backend, vendor):
    info = (
        "<EntityReturnInfo><EntityId>7</EntityId><DuplicateStatus><Found>true</Found>"
        "<MatchInfo>AccountName</MatchInfo><Ignored>true</Ignored></DuplicateStatus>"
        "</EntityReturnInfo>"
    )
    vendor.script = [vendor.result("create", infos=info)]

    assert backend.create(ACCOUNT, NAME).id == 7


def test_a_create_confirmed_without_an_id_is_unknown(backend, vendor):
    vendor.script = [vendor.result("create")]

    with pytest.raises(ProviderOutcomeUnknownError):
        backend.create(ACCOUNT, NAME)


def test_a_fault_of_the_request_is_a_refusal_with_its_whole_text(backend, vendor):
    text = "System.Web: Server was unable to read request. ---&gt; a\n   --- End ---"
    vendor.script = [vendor.fault(text, code="soap:Client")]

    with pytest.raises(ProviderRejectedError) as caught:
        backend.create(ACCOUNT, NAME)

    assert caught.value.provider_message == text.replace("&gt;", ">")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, ProviderForbiddenError),
        (404, ProviderProtocolError),
        (415, ProviderProtocolError),
    ],
)
def test_other_pages_say_what_they_are(backend, vendor, status, error):
    vendor.script = [vendor.page(status, f"Status {status}")]

    with pytest.raises(error) as caught:
        backend.create(ACCOUNT, NAME)

    assert caught.value.provider_message == f"Status {status}"


@pytest.mark.parametrize("body", [b"", b'{"a":1}', b"<html><p></html>", b"<a/>"])
def test_other_content_is_a_protocol_error(backend, vendor, body):
    vendor.script = [(200, {"Content-Type": "text/xml"}, body)]

    with pytest.raises(ProviderProtocolError):
        backend.query(ACCOUNT, None)


def test_no_secret_is_repeated_even_when_the_vendor_does(backend, vendor, ana):
    echo = f"User {ana.username} / {ana.password} / {ana.integration_code}"
    vendor.script = [
        vendor.result("query", code=-1, errors=[echo]),
        vendor.page(403, echo),
    ]

    for _ in range(2):
        with pytest.raises((ProviderRejectedError, ProviderForbiddenError)) as caught:
            backend.query(ACCOUNT, None)
        message = repr(caught.value) + str(caught.value.provider_message)
        assert ana.password not in message
        assert ana.integration_code not in message
        assert "********" in message
