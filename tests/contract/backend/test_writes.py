"""Writes: what they change, what they leave, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from backend_records import (
    ACCOUNT,
    ALIAS,
    CITY,
    FAX,
    KIND,
    NAME,
    PARENT,
    PHONE,
    READ_ONLY,
    START_TIME,
    TODO,
    WORTH,
    account,
    mark,
    todo,
    value_of,
    with_id,
)

from bridge.errors import (
    ProviderForbiddenError,
    ProviderRejectedError,
)
from bridge.interfaces import Field, FieldType

STAMPS = ("LastActivity", "LastModified", "LastTracked")


def without_stamps(entity):
    """Return standard values without the times that a vendor sets by itself."""
    return {
        name: value
        for name, value in entity.values.items()
        if not name.startswith(STAMPS)
    }


def test_a_created_entity_has_its_id(harness, records):
    before = harness.calls()
    values = records.placed(ACCOUNT, account(mark()))

    created = records.backend.create(ACCOUNT, values)

    assert harness.calls() == before + 1
    assert records.read(ACCOUNT, created.id).id == created.id


def test_an_update_changes_what_it_names_and_nothing_else(harness, records):
    _, (entity_id,) = records.accounts(
        {CITY: "Albany", FAX: "1", PARENT: 0, ALIAS: "Ann", WORTH: Decimal("1.5")}
    )
    stored = records.read(ACCOUNT, entity_id)
    changes = {CITY: "Troy", ALIAS: "Bob"}
    before = harness.calls()

    records.backend.update(
        ACCOUNT,
        entity_id,
        records.placed(ACCOUNT, changes),
        records.unchanged(ACCOUNT, stored, changes),
    )

    assert harness.calls() == before + 1
    entity = records.read(ACCOUNT, entity_id)
    assert value_of(entity, CITY) == "Troy"
    assert value_of(entity, ALIAS) == "Bob"
    assert value_of(entity, WORTH) == Decimal("1.5")
    for each in (entity, stored):
        del each.values[CITY.name]
    assert without_stamps(entity) == without_stamps(stored)


def test_a_change_to_null_clears_the_field_and_no_other(records):
    _, (entity_id,) = records.accounts(
        {CITY: "Albany", FAX: "1", ALIAS: "Ann", WORTH: Decimal("1.5")}
    )

    records.update(ACCOUNT, entity_id, {CITY: None, ALIAS: None})

    entity = records.read(ACCOUNT, entity_id)
    assert value_of(entity, CITY) is None
    assert value_of(entity, FAX) == "1"
    assert value_of(entity, ALIAS) is None
    assert value_of(entity, WORTH) == Decimal("1.5")


def test_an_update_without_changes_changes_nothing(records):
    _, (entity_id,) = records.accounts({CITY: "Albany", FAX: "", WORTH: Decimal(2)})
    stored = records.read(ACCOUNT, entity_id)

    records.update(ACCOUNT, entity_id, {})

    after = records.read(ACCOUNT, entity_id)
    for field in (NAME, PHONE, CITY, FAX, KIND):
        assert value_of(after, field) == value_of(stored, field)
    assert value_of(after, WORTH) == Decimal(2)


def test_a_field_in_both_is_changed(records):
    _, (entity_id,) = records.accounts({CITY: "Albany"})
    stored = records.read(ACCOUNT, entity_id)

    records.backend.update(
        ACCOUNT,
        entity_id,
        records.placed(ACCOUNT, {CITY: "Troy"}),
        records.unchanged(ACCOUNT, stored, {}),
    )

    assert value_of(records.read(ACCOUNT, entity_id), CITY) == "Troy"


def test_an_update_of_nothing_is_refused(records):
    with pytest.raises(ProviderRejectedError):
        records.backend.update(
            ACCOUNT, 10**8, records.placed(ACCOUNT, account(mark())), {}
        )


def test_a_refused_create_creates_nothing(records):
    marked = mark()
    values = account(marked)
    del values[PHONE]

    with pytest.raises(ProviderRejectedError, match="Phone"):
        records.create(ACCOUNT, values)

    assert records.found(marked) == []


def test_what_the_user_may_not_do_is_forbidden(backend):
    with pytest.raises(ProviderForbiddenError):
        backend.create(READ_ONLY, {Field("InvoiceNumber", FieldType.STRING): "1"})


def test_what_is_deleted_is_not_found_again(harness, records):
    values = todo(mark(), START_TIME, START_TIME + timedelta(hours=1))
    kept, gone = (records.create(TODO, values) for _ in range(2))
    before = harness.calls()

    records.backend.delete(TODO, gone)

    assert harness.calls() == before + 1
    assert records.backend.query(TODO, with_id(gone)).entities == []
    assert records.read(TODO, kept).id == kept
    with pytest.raises(ProviderRejectedError):
        records.backend.delete(TODO, gone)


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_preview_shows_what_would_be_sent_and_sends_nothing(
    harness, records, operation
):
    marked, (entity_id,) = records.accounts({CITY: "Albany"})
    stored = records.read(ACCOUNT, entity_id)
    changes = {} if operation == "delete" else {CITY: f"To {marked}"}
    rest = records.unchanged(ACCOUNT, stored, changes) if operation == "update" else {}
    before = harness.calls()

    shown = records.backend.preview(operation, ACCOUNT, entity_id, changes, rest)

    assert harness.calls() == before
    assert str(entity_id) in shown
    assert (f"To {marked}" in shown) is (operation != "delete")
    assert harness.password not in shown
    assert records.read(ACCOUNT, entity_id) == stored


def test_the_metadata_names_every_field_once_and_what_can_be_done(backend):
    infos = {info.name: info for info in backend.entities()}
    fields = backend.fields(ACCOUNT.name)

    names = [(info.udf, info.name) for info in fields]
    assert len(set(names)) == len(names)
    assert {(False, "id"), (False, "AccountName"), (True, ALIAS.name)} <= set(names)
    # Standard fields first, in the vendor's order, then the UDFs.
    assert [udf for udf, _ in names] == sorted(udf for udf, _ in names)
    assert infos["Account"].can_create
    assert not infos["Account"].can_delete
    assert infos["AccountToDo"].can_delete
    assert not infos["Invoice"].can_create
    with pytest.raises(ProviderRejectedError):
        backend.fields("Nonsense")


def test_the_vendors_count_of_calls_can_be_read(backend):
    usage = backend.check()

    assert 0 <= usage.used <= usage.threshold
    assert usage.timeframe_minutes > 0
