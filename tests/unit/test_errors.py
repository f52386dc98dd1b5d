"""Messages contain texts of others, and no sentence ends in two full stops."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import errors
from bridge.backends.autotask_soap import faults
from bridge.backends.autotask_soap.connections import WireError
from bridge.backends.autotask_soap.faults import AttemptError
from bridge.backends.autotask_soap.request import Request
from bridge.errors import BridgeError, single_full_stops
from bridge.web.http.errors import envelope

READ = Request("query", b"", "Account", authorization="Basic eA==")
WRITE = Request("create", b"", "Account", writes=True, authorization="Basic eA==")
HOST = "webservices5.autotask.net"
CLOSING = r"[)\]}\"'\u201d\u2019]*"
DOUBLED = re.compile(rf"\.{CLOSING}\s*\.{CLOSING}\s*\Z")
SIMULATOR = Path(__file__).parents[2] / "bridge" / "sandbox"
SOURCES = [SIMULATOR / "errors.py", *sorted((SIMULATOR / "rules").glob("*.py"))]
VENDOR_TEXTS = [
    "IntegrationCode is invalid.",
    "Value does not exist for the required field AccountName.",
    "String value exceeds maximum length (field:AccountName). ",
    (
        "Reference value on field: TerritoryID of type: ResourceRole does not exist or "
        "is invalid."
    ),
    (
        "No matching records found. The logged in resource may not have the required "
        "permissions to update the data."
    ),
    "An assigned Resource requires a value for the field AssignedResourceRoleID..",
    "Deadlock; see log.)",
    "Timeout expired.\nPlease wait...",
    "Object reference not set to an instance of an object",
    "",
    *re.findall(
        r'"([A-Z][^"\n]{20,}\.+)"', "".join(source.read_text() for source in SOURCES)
    ),
]


def messages_with(text):
    """Yield every message in which the client embeds a text of the vendor."""
    refused = faults.refused(WRITE, [text]).error
    broken = faults.no_answer(READ, HOST, WireError(text, sent=True)).error
    yield refused
    yield broken
    yield faults.soap_fault(READ, "soap:Server", text).error
    yield faults.duplicate(WRITE, text).error
    yield faults.no_answer(READ, HOST, WireError(text, sent=False)).error
    for error in (refused, broken):
        yield faults.final_error(WRITE, HOST, AttemptError(error))
        yield BridgeError(f"returnTotalCount was ignored: {error.message}.")
        yield BridgeError(f"Cannot be told ({error.message}). Nothing was sent.")


@pytest.mark.parametrize("text", VENDOR_TEXTS)
def test_a_vendor_text_never_doubles_a_full_stop(text):
    for error in messages_with(text):
        assert not DOUBLED.search(error.message)
        assert not re.search(rf"\w\.{CLOSING}\.\s", error.message)
        assert str(error) == error.message


@given(st.text(alphabet="ab .)'\"]\n", max_size=12), st.sampled_from(VENDOR_TEXTS))
def test_no_message_ends_in_two_full_stops(tail, text):
    for error in messages_with(text + tail):
        assert not DOUBLED.search(error.message)
    told = json.loads(envelope("id", f"No such path: {tail}."))["message"]
    assert not DOUBLED.search(told)


def test_the_vendor_text_itself_stays_whole():
    text = "requires a value for the field AssignedResourceRoleID.."

    assert faults.refused(WRITE, [text]).error.provider_message == text


@given(st.text(max_size=30))
def test_a_corrected_message_keeps_its_text_and_is_not_corrected_twice(text):
    mended = single_full_stops(text)

    assert single_full_stops(mended) == mended
    assert re.findall(r"\w+", mended) == re.findall(r"\w+", text)


@pytest.mark.parametrize(
    ("message", "mended"),
    [
        ("Refused (Autotask: X is invalid.).", "Refused (Autotask: X is invalid.)"),
        ("No such path: /hubs/crm/x..", "No such path: /hubs/crm/x."),
        ("The name is 'a.'.", "The name is 'a.'"),
        ("Please wait.... Then ask (see below).", None),
        ("1.5 is no file name, nor is .. one.", None),
        ("Look at (section 2.1).", None),
    ],
)
def test_only_doubled_full_stops_change(message, mended):
    error = errors.InvalidRequestError(message)

    assert error.message == (mended or message)


def error_classes(kind=BridgeError):
    yield kind
    for child in kind.__subclasses__():
        yield from error_classes(child)


@given(
    st.sampled_from(sorted(error_classes(), key=lambda kind: kind.__name__)),
    st.text(),
    st.none() | st.text(),
)
def test_encoded_error_is_decoded_as_it_was(kind, text, provider_message):
    error = kind(text)
    error.provider_message = provider_message

    decoded = errors.decode_error(json.loads(json.dumps(errors.encode_error(error))))

    assert type(decoded) is kind
    assert decoded.message == str(decoded) == error.message
    assert decoded.provider_message == provider_message
    assert decoded.retryable is error.retryable


def test_error_with_a_cure_is_decoded_with_its_message():
    error = errors.StoreError("The file is missing", cure="restore it")

    assert errors.decode_error(errors.encode_error(error)).message == error.message


def test_error_of_an_unknown_class_is_decoded_as_a_provider_error():
    document = {"error": "BridgeErrors", "message": "No.", "provider_message": None}

    assert type(errors.decode_error(document)) is errors.ProviderError
