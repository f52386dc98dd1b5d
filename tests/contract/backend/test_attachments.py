"""Files and links belong to a record, and come back byte for byte."""

from __future__ import annotations

import io

import pytest
from backend_harness import Failure
from backend_records import mark, value_of

from bridge.errors import (
    ProviderCredentialsError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)
from bridge.interfaces import Field, FieldType, Parent

TITLE = Field("Title", FieldType.STRING)
PATH = Field("FullPath", FieldType.STRING)


@pytest.fixture
def home(records):
    """The account that the attachments belong to."""
    _, (entity_id,) = records.accounts({})
    return Parent("Account", entity_id)


def values(parent, title, kind="FILE_ATTACHMENT"):
    return {
        Field("ParentID", FieldType.LONG): parent.id,
        Field("ParentType", FieldType.INTEGER): 1,
        Field("Type", FieldType.STRING): kind,
        TITLE: title,
        PATH: "https://harbor.example/a?b=1&c=2" if kind == "URL" else "a <&>.bin",
        Field("Publish", FieldType.INTEGER): 1,
    }


@pytest.mark.parametrize(
    "data", [b"x", bytes(range(256)), b"\0" * 49_152 + b"end", bytes(200_001)]
)
def test_a_file_comes_back_as_it_was_attached(harness, backend, home, data):
    before = harness.calls()

    number = backend.create_attachment(home, values(home, "Plan"), io.BytesIO(data))
    found = backend.attachment(home, number)

    assert harness.calls() == before + 2
    assert found.data == data
    assert (found.info.id, value_of(found.info, TITLE)) == (number, "Plan")
    assert value_of(found.info, PATH) == "a <&>.bin"


def test_a_file_is_read_from_where_it_stands(backend, home):
    file = io.BytesIO(b"read before and now")
    file.read(len(b"read before "))

    number = backend.create_attachment(home, values(home, "Rest"), file)

    assert backend.attachment(home, number).data == b"and now"


def test_a_link_has_no_bytes(backend, home):
    number = backend.create_attachment(home, values(home, "Site", "URL"), None)

    found = backend.attachment(home, number)

    assert found.data is None
    assert value_of(found.info, PATH) == "https://harbor.example/a?b=1&c=2"


@pytest.mark.parametrize("named", [True, False])
def test_an_attachment_is_found_and_deleted_with_or_without_its_parent(
    backend, home, named
):
    parent = home if named else None
    number = backend.create_attachment(home, values(home, "Draft"), io.BytesIO(b"d"))
    assert backend.attachment(parent, number).data == b"d"

    backend.delete_attachment(parent, number)

    with pytest.raises(ProviderRejectedError):
        backend.delete_attachment(parent, number)


def test_a_parent_that_does_not_exist_is_refused(backend):
    nowhere = Parent("Account", 10**8)

    with pytest.raises(ProviderRejectedError):
        backend.create_attachment(nowhere, values(nowhere, "Lost"), io.BytesIO(b"l"))


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_a_preview_has_no_bytes_and_sends_nothing(harness, backend, home, operation):
    title = mark()
    given = values(home, title) if operation == "create" else {}
    before = harness.calls()

    shown = backend.preview_attachment(operation, home, 4711, given)

    assert harness.calls() == before
    assert title in shown if operation == "create" else "4711" in shown


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure.CREDENTIALS, ProviderCredentialsError),
        (Failure.CUT, ProviderOutcomeUnknownError),
        (Failure.CUT_LATE, ProviderOutcomeUnknownError),
        (Failure.NONSENSE, ProviderOutcomeUnknownError),
    ],
)
def test_an_upload_that_fails_is_refused_or_unknown(harness, home, failure, error):
    with harness.failing(failure) as failing, pytest.raises(error):
        failing.create_attachment(home, values(home, "Lost"), io.BytesIO(b"lost"))
