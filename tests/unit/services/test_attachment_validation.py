"""What a caller wants attached: defaults, problems, and which records take it."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.catalog.model import Resource, Verb
from bridge.errors import NotFoundError
from bridge.interfaces import FieldInfo, FieldType, PicklistItem
from bridge.services.attachments.parents import link_attachments
from bridge.services.attachments.validation import (
    UploadedFile,
    comparable_record,
    find_name_problem,
    validate_attachment,
)
from bridge.services.fields import compile_fields, write_fields
from bridge.services.records.creates import duplicate_search

KINDS = tuple(PicklistItem(text, text) for text in ("URL", "FILE_ATTACHMENT"))
PARENTS = (
    PicklistItem("1", "Account"),
    PicklistItem("4", "Task Or Ticket"),
    PicklistItem("9", "Configuration Item"),
    PicklistItem("3", "Opportunity"),
    PicklistItem("7", "Project", is_active=False),
)


def info(name, kind=FieldType.STRING, *, required=True, length=0, **more):
    return FieldInfo(
        name, name, kind, length, required=required, read_only=True, **more
    )


INFOS = [
    info("id", FieldType.LONG),
    info("ParentID", FieldType.LONG, required=False),
    info("ParentType", FieldType.INTEGER, is_picklist=True, picklist=PARENTS),
    info("Type", length=30, is_picklist=True, picklist=KINDS),
    info("Title", length=255),
    info("FullPath", length=255),
    info("AttachDate", FieldType.DATETIME, required=False),
    info("FileSize", FieldType.LONG, required=False, queryable=False),
    info(
        "Publish",
        FieldType.INTEGER,
        is_picklist=True,
        picklist=(PicklistItem("1", "All"), PicklistItem("2", "Internal")),
    ),
    info("ContentType", required=False, length=100),
    info("OpportunityID", FieldType.LONG, required=False, reference="Opportunity"),
]


def resource(entity):
    return Resource(
        name=entity,
        id=0,
        singular=entity,
        entity=entity,
        verbs=frozenset({Verb.LIST, Verb.GET}),
        rename={},
    )


FIELDS = compile_fields(
    resource("AttachmentInfo"),
    write_fields(INFOS),
    "hash",
    datetime(2026, 11, 1, tzinfo=UTC),
)
ACCOUNT = link_attachments(FIELDS, resource("Account"), 7)


def draft(upload, link=ACCOUNT):
    return validate_attachment(FIELDS, upload, link)


def sent(drafted):
    return {info.name: value for info, value in drafted.record.given.values()}


def file(name="plan.pdf", data=b"abc", **members):
    return UploadedFile(members, io.BytesIO(data), name)


def test_a_file_says_of_itself_what_its_caller_does_not():
    drafted = draft(file())

    assert drafted.record.problems == []
    assert drafted.size == 3
    assert sent(drafted) == {
        "ParentID": 7,
        "ParentType": 1,
        "Type": "FILE_ATTACHMENT",
        "Title": "plan.pdf",
        "FullPath": "plan.pdf",
        "Publish": 1,
        "ContentType": "application/pdf",
    }


def test_the_parent_of_an_opportunity_is_named_twice():
    link = link_attachments(FIELDS, resource("Opportunity"), 5)

    assert link.field.name == "OpportunityID"
    given = sent(draft(file(), link))
    assert (given["ParentID"], given["ParentType"], given["OpportunityID"]) == (5, 3, 5)


@pytest.mark.parametrize(
    ("entity", "value"), [("Ticket", 4), ("Task", 4), ("InstalledProduct", 9)]
)
def test_a_parent_is_found_by_the_words_of_the_picklist(entity, value):
    link = link_attachments(FIELDS, resource(entity), 5)

    assert link.holds({"ParentID": 5, "ParentType": value})
    assert not link.holds({"ParentID": 5, "ParentType": 1})
    assert link.narrow(None) != link_attachments(FIELDS, resource("Account"), 5).narrow(
        None
    )


def test_other_records_are_refused_and_told_which_can():
    for entity in ("Contact", "Project"):
        with pytest.raises(NotFoundError, match="Account, Task Or Ticket, Config"):
            link_attachments(FIELDS, resource(entity), 5)


def test_accounts_are_found_by_their_number_whatever_they_are_called():
    named = replace(
        FIELDS.standard["ParentType"], picklist=(PicklistItem("1", "Kunde"),)
    )
    fields = replace(FIELDS, standard={**FIELDS.standard, "ParentType": named})

    assert link_attachments(fields, resource("Account"), 0).holds(
        {"ParentID": 0, "ParentType": 1}
    )


def test_uploads_are_told_apart_by_their_bytes():
    first, same, other = (draft(file(data=data)) for data in (b"ab", b"ab", b"ba"))

    assert first.body == same.body
    assert first.body != other.body


def test_an_unanswered_upload_is_recognised_by_its_size_and_not_its_place():
    traced = comparable_record(draft(file()))

    names = {name for _, name in traced.given}
    assert "FileSize" in names
    assert not names & {"FullPath", "ContentType"}
    assert duplicate_search._creation_field(traced).name == "AttachDate"


@pytest.mark.parametrize(
    ("upload", "says"),
    [
        (UploadedFile({}), ["file is missing", "title is required"]),
        (UploadedFile({"type": "FILE_ATTACHMENT"}), ["file is missing for type"]),
        (file(data=b""), ["file is empty"]),
        (file(name=None), ["fileName must be the name"]),
        (file(name="a\r\nb"), ["fileName holds control characters"]),
        (file(fullPath="C:\\a\\b.txt"), ["fileName must be a name without a path"]),
        (file(type="url"), ["type URL is a link"]),
        (file(type="PIGEON"), ["type cannot be PIGEON, one of URL"]),
        (file(data=b"a", Data="YQ=="), ["data and file"]),
        (file(parentId="8"), ["parentID is 7 by the path, and 8"]),
        (file(title="x" * 256, publish="5"), ["title is too long", "publish cannot"]),
        (UploadedFile({"data": "YQ=", "fileName": "a"}), ["data is not valid base64"]),
        (
            UploadedFile({"data": 5, "fileName": "a"}),
            ["data must be the file as base64"],
        ),
        (
            UploadedFile({"data": "YQ==", "fullPath": ["a"]}),
            ["fileName must be the name"],
        ),
    ],
)
def test_all_problems_are_named(upload, says):
    problems = draft(upload).record.problems

    for text in says:
        assert [each for each in problems if each.startswith(text)], problems


def test_names_of_any_script_are_names():
    for name in ("naïve 日本 ‍🏳️.txt", "-", "a" * 255, "..."):
        assert find_name_problem(name) == ""
    for name in ("", ".", "..", "a/b", "a\\b", "a\nb", "a\u2028b", "a\x85b"):
        assert find_name_problem(name)
