"""How large an answer may be, by operation."""

from __future__ import annotations

import gzip

import pytest

from bridge.backends.autotask_soap.request import (
    MAX_DESCRIPTION_BYTES,
    MAX_REPLY_BYTES,
    Request,
)
from bridge.errors import ProviderOutcomeUnknownError, ProviderProtocolError
from bridge.interfaces import CallDefinition, EntityType, Field, FieldType

ACCOUNT = EntityType("Account")
NAME = {Field("AccountName", FieldType.STRING): "Acme"}


def padded(answer, size):
    """Return a canned answer made `size` bytes long by blanks, packed on its way."""
    status, headers, content = answer
    packed = {**headers, "Content-Encoding": "gzip"}
    return status, packed, gzip.compress(content.ljust(size), 1)


def description(vendor, operation):
    return vendor.soap(
        f'<{operation}Response xmlns="http://autotask.net/ATWS/v1_6/">'
        f"<{operation}Result><EntityInfo><Name>Account</Name></EntityInfo>"
        f"</{operation}Result></{operation}Response>"
    )


def call(operation, vendor, backend, *, size):
    vendor.script = [padded(description(vendor, operation), size)]
    definition = CallDefinition(headers={"soapaction": operation})
    return backend.call_stored(definition, {}.get)


@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        ("getEntityInfo", 32_000_000),
        ("GetFieldInfo", 32_000_000),
        ("getUDFInfo", 32_000_000),
        ("GetInvoiceMarkup", 32_000_000),
        ("query", 256_000_000),
        ("GetAttachment", 256_000_000),
        ("create", 4_000_000),
        ("update", 4_000_000),
        ("delete", 4_000_000),
        ("CreateAttachment", 4_000_000),
        ("getZoneInfo", 4_000_000),
        ("getThresholdAndUsageInfo", 4_000_000),
        ("GetWsdlVersion", 4_000_000),
        ("anythingElse", 4_000_000),
    ],
)
def test_each_operation_has_its_limit(operation, limit):
    assert Request(operation, b"").max_reply_bytes == limit


def test_a_write_of_several_records_may_have_a_long_response():
    assert Request("create", b"", rows=3).max_reply_bytes == 12_000_000
    assert Request("create", b"", rows=200).max_reply_bytes == 256_000_000


@pytest.mark.parametrize("operation", ["getThresholdAndUsageInfo", "GetWsdlVersion"])
def test_response_above_the_limit_is_refused_and_not_retried(
    operation, vendor, backend
):
    assert call(operation, vendor, backend, size=MAX_REPLY_BYTES)

    with pytest.raises(ProviderProtocolError, match=f"{operation} is larger than 4000"):
        call(operation, vendor, backend, size=MAX_REPLY_BYTES + 1)

    assert vendor.operations == [operation] * 2


def test_write_with_a_response_above_the_limit_has_an_unknown_outcome(vendor, backend):
    done = vendor.accounts(7, operation="create")
    vendor.script = [padded(done, MAX_REPLY_BYTES)]
    assert backend.create(ACCOUNT, NAME)["id"] == 7

    vendor.script = [padded(done, MAX_REPLY_BYTES + 1)]
    with pytest.raises(ProviderOutcomeUnknownError, match="larger than 4000000 bytes"):
        backend.create(ACCOUNT, NAME)


def test_descriptions_have_a_limit_of_their_own(vendor, backend):
    answer = description(vendor, "getEntityInfo")
    vendor.script = [padded(answer, MAX_REPLY_BYTES + 1)]
    assert [found.name for found in backend.entities()] == ["Account"]

    vendor.script = [padded(answer, MAX_DESCRIPTION_BYTES + 1)]
    with pytest.raises(ProviderProtocolError, match="larger than 32000000 bytes"):
        backend.entities()


def test_records_have_no_limit_of_a_few_megabytes(vendor, backend):
    vendor.script = [padded(vendor.accounts(7), MAX_REPLY_BYTES + 1)]

    assert [row["id"] for row in backend.query(ACCOUNT, None).entities] == [7]
