"""Several entities in one write: what becomes of each row, whatever the vendor says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.backends.autotask_soap import batches
from bridge.backends.autotask_soap.request import Request
from bridge.errors import (
    ProviderConflictError,
    ProviderCredentialsError,
    ProviderForbiddenError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderThresholdError,
)
from bridge.interfaces import (
    EntityType,
    Field,
    FieldType,
    RowApplied,
    RowRefused,
    RowSkipped,
    RowUnknown,
    UpdateRow,
)

ACCOUNT = EntityType("Account")
NAME = Field("AccountName", FieldType.STRING)
ROWS = [{NAME: name} for name in ("One", "Two", "Three")]
UPDATES = [UpdateRow(number, {NAME: "x"}, {}) for number in (0, 7, 8)]
PERMISSION = (
    "The logged in Resource does not have the adequate permissions to create this"
    " entity type."
)


def info(entity_id, *, found="false", ignored="false", match=""):
    return (
        f"<EntityReturnInfo><EntityId>{entity_id}</EntityId>"
        "<DatabaseAction>None</DatabaseAction><DuplicateStatus>"
        f"<Found>{found}</Found><MatchInfo>{match}</MatchInfo>"
        f"<Ignored>{ignored}</Ignored></DuplicateStatus></EntityReturnInfo>"
    )


def entities(*ids):
    return "".join(f'<Entity xsi:type="Account"><id>{one}</id></Entity>' for one in ids)


def refusal(vendor, *texts):
    return vendor.result("create", code=-1, errors=texts)


def kinds(results):
    return [type(result) for result in results]


def test_created_ids_come_in_the_order_of_the_rows(backend, vendor):
    vendor.script = [vendor.accounts(30, 10, 20, operation="create")]

    results = backend.create_many(ACCOUNT, ROWS)

    assert results == [RowApplied(30), RowApplied(10), RowApplied(20)]
    assert vendor.operations == ["create"]
    assert vendor.sent_text().index("One") < vendor.sent_text().index("Three")


def test_the_infos_name_the_ids_where_the_entities_are_left_out(backend, vendor):
    infos = info(5) + info(0) + info(6)
    vendor.script = [vendor.result("create", infos=infos)]

    results = backend.create_many(ACCOUNT, ROWS)

    assert kinds(results) == [RowApplied, RowUnknown, RowApplied]


@pytest.mark.parametrize("ids", [(), (5,), (5, 6), (5, 6, 5), (5, 6, 7, 8)])
def test_rows_are_unknown_where_the_ids_do_not_fit_the_rows(backend, vendor, ids):
    vendor.script = [vendor.accounts(*ids, operation="create")]

    results = backend.create_many(ACCOUNT, ROWS)

    assert kinds(results) == [RowUnknown] * 3
    assert "look for the others before" in results[0].error.message


def test_a_duplicate_is_the_refusal_of_its_row(backend, vendor):
    infos = info(5) + info(0, found="true", match="Name") + info(6)
    vendor.script = [vendor.result("create", entities=entities(5, 6), infos=infos)]

    first, second, third = backend.create_many(ACCOUNT, ROWS)

    assert (first, third) == (RowApplied(5), RowApplied(6))
    assert isinstance(second.error, ProviderConflictError)
    assert second.error.provider_message == "Name"


@pytest.mark.parametrize(
    ("texts", "refused"),
    [
        (["Value does not exist for the required field Phone. ; on record number [2]."],
         {1: ("Phone",)}),
        (["Missing Required Field: Phone. ; on record number [1].",
          ("Can not convert data to numeric in field: AccountType. ; on record number"
          " [1]."),
          "Picklist value [9] does not exist for AccountType. ; on record number [3]."],
         {0: ("Phone", "AccountType"), 2: ("AccountType",)}),
        (["String value exceeds maximum length (field:AccountName). ",
          "Error updating entity for record number [3]."],
         {2: ("AccountName",)}),
        ([("Reference value on field: OwnerResourceID of type: Resource does not exist"
          " or is invalid. ; on record number [2].")],
         {1: ("OwnerResourceID",)}),
        (["Value does not reference an existing entity for ContactID . ",
          "Error updating entity for record number [1]."],
         {0: ("ContactID",)}),
        (["DueDateTime is required.; on record number [2]"], {1: ("DueDateTime",)}),
        (["Contract EndDate must be after StartDate. ; on record number [2]."],
         {1: ()}),
    ],
)  # fmt: skip
def test_a_refusal_names_its_rows_and_skips_the_others(backend, vendor, texts, refused):
    vendor.script = [refusal(vendor, *texts)]

    results = backend.create_many(ACCOUNT, ROWS)

    assert {
        row: result.fields
        for row, result in enumerate(results)
        if isinstance(result, RowRefused)
    } == refused
    rest = [result for row, result in enumerate(results) if row not in refused]
    assert kinds(rest) == [RowSkipped] * len(rest)
    for row in refused:
        assert isinstance(results[row].error, ProviderRejectedError)
        assert "record number" not in results[row].error.message


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Something happened.", ProviderRejectedError),
        ("Wrong. ; on record number [4].", ProviderRejectedError),
        ("Wrong. ; on record number [0].", ProviderRejectedError),
        (PERMISSION, ProviderForbiddenError),
        ("IntegrationCode is invalid.", ProviderCredentialsError),
        (
            "You have exceeded the maximum number of requests allowed per hour.",
            ProviderThresholdError,
        ),
    ],
)
def test_a_refusal_of_no_row_is_an_error_of_the_whole_call(
    backend, vendor, text, error
):
    vendor.script = [refusal(vendor, text)]

    with pytest.raises(error) as caught:
        backend.create_many(ACCOUNT, ROWS)

    assert caught.value.provider_message == text


def test_the_only_row_needs_no_name(backend, vendor):
    vendor.script = [refusal(vendor, "Phone is required.")]

    (result,) = backend.create_many(ACCOUNT, ROWS[:1])

    assert result.fields == ("Phone",)
    assert result.error.provider_message == "Phone is required."


def test_an_update_is_confirmed_by_the_ids_that_are_named(backend, vendor):
    vendor.script = [
        vendor.accounts(8, 0, 7, operation="update"),
        vendor.result("update", entities=entities(7), infos=info(8)),
        vendor.result("update"),
    ]

    whole, part, nothing = (backend.update_many(ACCOUNT, UPDATES) for _ in range(3))

    assert whole == [RowApplied(0), RowApplied(7), RowApplied(8)]
    assert kinds(part) == [RowUnknown, RowApplied, RowApplied]
    assert kinds(nothing) == [RowUnknown] * 3


@pytest.mark.parametrize("trouble", ["cut", "hang_up", "page", "fault"])
def test_no_row_is_sent_twice_where_the_outcome_is_unknown(backend, vendor, trouble):
    steps = {
        "cut": vendor.cut(vendor.accounts(1, 2, 3, operation="create")),
        "page": vendor.page(503, "Maintenance"),
        "fault": vendor.fault("Object reference not set."),
    }
    vendor.script = [steps.get(trouble, vendor.hang_up)]

    results = backend.create_many(ACCOUNT, ROWS)

    assert kinds(results) == [RowUnknown] * 3
    assert isinstance(results[0].error, ProviderOutcomeUnknownError)
    assert vendor.operations == ["create"]


def test_rows_are_sent_again_when_the_thread_limit_stopped_them(backend, vendor):
    threads = "The Autotask API thread threshold of 3 threads has been exceeded."
    vendor.script = [
        refusal(vendor, threads),
        vendor.accounts(1, 2, 3, operation="create"),
    ]

    results = backend.create_many(ACCOUNT, ROWS)

    assert results == [RowApplied(1), RowApplied(2), RowApplied(3)]


def test_a_batch_must_fit_and_name_each_entity_once(backend, vendor):
    assert backend.create_many(ACCOUNT, []) == ()
    assert backend.update_many(ACCOUNT, []) == ()
    with pytest.raises(ValueError, match="201 rows in one call"):
        backend.create_many(ACCOUNT, ROWS[:1] * 201)
    with pytest.raises(ValueError, match="same entity twice"):
        backend.update_many(ACCOUNT, [UPDATES[0], UPDATES[0]])

    assert vendor.operations == []


def test_no_password_of_any_row_is_in_a_message(backend, vendor):
    secret = Field("Password", FieldType.STRING)
    vendor.script = [
        refusal(vendor, "Bad: hunter2-pw. ; on record number [2].", "other-pw9")
    ]

    results = backend.create_many(
        ACCOUNT, [{secret: "other-pw9"}, {secret: "hunter2-pw"}]
    )

    assert "hunter2" not in str(results[1].error)
    assert "hunter2" not in results[1].error.provider_message


def test_a_value_in_a_message_cannot_name_a_row(backend, vendor):
    hostile = "x\nError updating entity for record number [1].\n; on record number [3]."
    text = f"Picklist value [{hostile}] does not exist for A. ; on record number [2]."
    vendor.script = [refusal(vendor, text)]

    results = backend.create_many(ACCOUNT, ROWS)

    assert kinds(results) == [RowSkipped, RowRefused, RowSkipped]
    assert hostile in results[1].error.provider_message


def test_a_message_of_blanks_is_read_at_once():
    blanks = " " * 200_000
    request, error = Request("create", b"", "Account"), ProviderRejectedError("No.")
    began = time.perf_counter()

    for text in (blanks, f"picklist value [{blanks}", f"x;{blanks}on record number [1"):
        with pytest.raises(ProviderRejectedError):
            batches.failed(request, 2, error, [text])

    assert time.perf_counter() - began < 10


REASONS = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3)


@given(st.dictionaries(st.integers(1, 9), st.tuples(st.booleans(), REASONS)))
def test_every_message_reaches_the_row_that_it_names(refused):
    messages = []
    for number, (has_second, reasons) in refused.items():
        if has_second:
            messages += reasons
            messages.append(f"Error updating entity for record number [{number}].")
        else:
            messages += [f"{text} ; on record number [{number}]." for text in reasons]
    request, error = Request("create", b"", "Account"), ProviderRejectedError("No.")

    if not refused:
        with pytest.raises(ProviderRejectedError):
            batches.failed(request, 9, error, messages)
        return
    results = batches.failed(request, 9, error, messages)

    for number, result in enumerate(results, 1):
        if number not in refused:
            assert result == RowSkipped()
            continue
        has_second, reasons = refused[number]
        bare = reasons if has_second else [text.rstrip(" ;") for text in reasons]
        said = "\n".join(filter(str.strip, bare))
        assert (result.error.provider_message or "") == said
