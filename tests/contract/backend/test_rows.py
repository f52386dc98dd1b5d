"""Several entities in one call: one result for each row, in order, and none lost."""

from __future__ import annotations

import pytest
from backend_records import (
    ACCOUNT,
    CITY,
    FAX,
    PHONE,
    WORTH,
    account,
    mark,
    value_of,
)

from bridge.errors import ProviderRejectedError
from bridge.interfaces import RowApplied, RowRefused, RowSkipped, UpdateRow


def row_of(records, entity_id, changes):
    """Return the row that changes an account."""
    stored = records.read(ACCOUNT, entity_id)
    return UpdateRow(
        entity_id,
        records.placed(ACCOUNT, changes),
        records.unchanged(ACCOUNT, stored, changes),
    )


def test_a_full_batch_is_created_in_order_with_one_call(harness, records):
    marked, size = mark(), records.backend.limits.batch
    rows = [
        records.placed(ACCOUNT, {**account(marked), FAX: str(number)})
        for number in range(size)
    ]
    before = harness.calls()

    results = records.backend.create_many(ACCOUNT, rows)

    assert harness.calls() == before + 1
    assert {type(result) for result in results} == {RowApplied}
    ids = [result.entity_id for result in results]
    assert len(set(ids)) == size
    for number in (0, size // 2, size - 1):
        assert value_of(records.read(ACCOUNT, ids[number]), FAX) == str(number)


def test_more_rows_than_a_batch_are_not_sent(harness, records):
    marked, backend = mark(), records.backend
    row = records.placed(ACCOUNT, account(marked))
    too_many = range(backend.limits.batch + 1)
    updates = [UpdateRow(number, {CITY: "x"}, {}) for number in too_many]
    before = harness.calls()

    with pytest.raises(ValueError, match=r"\d"):
        backend.create_many(ACCOUNT, [row for _ in too_many])
    with pytest.raises(ValueError, match=r"\d"):
        backend.update_many(ACCOUNT, updates)

    assert harness.calls() == before
    assert records.found(marked) == []


def test_no_rows_cost_no_call(harness, backend):
    before = harness.calls()

    assert list(backend.create_many(ACCOUNT, [])) == []
    assert list(backend.update_many(ACCOUNT, [])) == []

    assert harness.calls() == before


@pytest.mark.parametrize("bad", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_a_refused_row_is_named_with_its_field_and_the_others_are_not_lost(
    records, bad
):
    marked = mark()
    rows = [records.placed(ACCOUNT, account(marked)) for _ in range(3)]
    for number in bad:
        rows[number] = {f: v for f, v in rows[number].items() if f != PHONE}

    results = records.backend.create_many(ACCOUNT, rows)

    assert len(results) == 3
    for number, result in enumerate(results):
        if number in bad:
            assert isinstance(result, RowRefused)
            assert result.fields == (PHONE.name,)
            assert isinstance(result.error, ProviderRejectedError)
            assert "Phone" in result.error.message
        else:
            assert isinstance(result, RowApplied | RowSkipped)
    # What is reported as applied is what is there.
    applied = [each.entity_id for each in results if isinstance(each, RowApplied)]
    assert records.found(marked) == applied
    skipped = [
        row
        for row, result in zip(rows, results, strict=True)
        if isinstance(result, RowSkipped)
    ]
    again = records.backend.create_many(ACCOUNT, skipped)
    assert {type(result) for result in again} <= {RowApplied}
    assert len(records.found(marked)) == 3 - len(bad)


def test_each_row_of_an_update_changes_its_own_entity(harness, records):
    _, ids = records.accounts(
        {CITY: "Albany", WORTH: 1}, {CITY: "Troy", FAX: "2"}, {FAX: "3"}
    )
    rows = [
        row_of(records, ids[2], {CITY: "Third"}),
        row_of(records, ids[0], {CITY: None}),
        row_of(records, ids[1], {FAX: "4"}),
    ]
    before = harness.calls()

    results = records.backend.update_many(ACCOUNT, rows)

    assert harness.calls() == before + 1
    assert list(results) == [RowApplied(ids[2]), RowApplied(ids[0]), RowApplied(ids[1])]
    shown = [records.read(ACCOUNT, entity_id) for entity_id in ids]
    assert [value_of(entity, CITY) for entity in shown] == [None, "Troy", "Third"]
    assert [value_of(entity, FAX) for entity in shown] == [None, "4", "3"]


def test_an_update_of_a_missing_entity_is_not_lost_among_others(records):
    _, (entity_id,) = records.accounts({CITY: "Albany"})
    rows = [
        row_of(records, entity_id, {CITY: "Troy"}),
        UpdateRow(10**8, records.placed(ACCOUNT, account(mark())), {}),
    ]

    try:
        results = records.backend.update_many(ACCOUNT, rows)
    except ProviderRejectedError:
        # The vendor did not say which row it means: nothing is applied.
        results = (RowSkipped(), RowRefused)
    else:
        assert isinstance(results[1], RowRefused)

    applied = isinstance(results[0], RowApplied)
    city = value_of(records.read(ACCOUNT, entity_id), CITY)
    assert city == ("Troy" if applied else "Albany")


def test_the_only_row_of_a_call_is_the_refused_one(records):
    rows = [UpdateRow(10**8, records.placed(ACCOUNT, account(mark())), {})]

    (result,) = records.backend.update_many(ACCOUNT, rows)

    assert isinstance(result, RowRefused)


def test_one_entity_is_in_a_call_once(records):
    _, (entity_id,) = records.accounts({CITY: "Albany"})
    row = row_of(records, entity_id, {CITY: "Troy"})

    with pytest.raises(ValueError, match="same entity twice"):
        records.backend.update_many(ACCOUNT, [row, row])

    assert value_of(records.read(ACCOUNT, entity_id), CITY) == "Albany"
