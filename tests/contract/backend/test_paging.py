"""Pages: ascending by id, every entity once, and an end that can be found."""

from __future__ import annotations

import pytest
from backend_records import (
    ACCOUNT,
    CITY,
    ID,
    NAME,
    WORTH,
    account,
    mark,
    marked_by,
    value_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.ceql.ast import Operator, Predicate
from bridge.interfaces import RowApplied

SLOW = settings(
    max_examples=15, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def walk(backend, where, size, after=None):
    """Return the pages of a filter, by ids."""
    pages, more = [], True
    while more:
        page = backend.query(ACCOUNT, where, after=after, limit=size)
        pages.append([entity.id for entity in page.entities])
        more = page.more and bool(page.entities)
        after = pages[-1][-1] if pages[-1] else after
    return pages


@pytest.fixture(scope="module")
def many(harness, metadata):
    """A mark and the ids of its accounts, as many as a vendor page and three more."""
    backend, marked, ids = harness.open(), mark(), []
    places = {name: place for (_, name), (place, _) in metadata(ACCOUNT).items()}
    rows = [
        {**account(marked), CITY: f"{number}"}
        for number in range(backend.limits.page + 3)
    ]
    rows = [
        dict(sorted(row.items(), key=lambda item: places[item[0].name])) for row in rows
    ]
    size = backend.limits.batch
    for start in range(0, len(rows), size):
        results = backend.create_many(ACCOUNT, rows[start : start + size])
        assert {type(result) for result in results} == {RowApplied}
        ids += [result.entity_id for result in results]
    return marked, ids


@SLOW
@given(data=st.data())
def test_pages_of_any_size_join_to_the_whole(backend, many, data):
    marked, ids = many
    size = data.draw(st.integers(max(1, len(ids) // 6), len(ids) + 5))

    pages = walk(backend, marked_by(marked), size)

    assert [one for page in pages for one in page] == sorted(ids)
    most = min(size, backend.limits.page)
    assert all(len(page) == most for page in pages[:-1])


@SLOW
@given(data=st.data())
def test_a_page_starts_after_any_id(backend, many, data):
    marked, ids = many
    after = data.draw(st.one_of(st.sampled_from(ids), st.integers(-5, max(ids) + 5)))
    limit = data.draw(st.integers(1, min(9, backend.limits.page)))

    page = backend.query(ACCOUNT, marked_by(marked), after=after, limit=limit)

    later = [one for one in sorted(ids) if one > after]
    assert [entity.id for entity in page.entities] == later[:limit]
    if len(later) > limit:
        assert page.more


def test_a_whole_page_is_as_long_as_the_limits_say(backend, many):
    marked, ids = many

    page = backend.query(ACCOUNT, marked_by(marked))

    assert len(page.entities) == backend.limits.page
    assert page.more
    asked_for_more = backend.query(ACCOUNT, marked_by(marked), limit=len(ids))
    assert len(asked_for_more.entities) == backend.limits.page


def test_the_end_is_reached(backend, many):
    marked, ids = many

    last = backend.query(ACCOUNT, marked_by(marked), after=sorted(ids)[-4])
    behind = backend.query(ACCOUNT, marked_by(marked), after=max(ids))

    assert [entity.id for entity in last.entities] == sorted(ids)[-3:]
    assert not last.more
    assert (behind.entities, behind.more) == ([], False)


def test_nothing_is_found_on_an_empty_page(backend):
    page = backend.query(ACCOUNT, marked_by(mark()))

    assert (page.entities, page.more) == ([], False)


def test_the_record_with_id_0_is_the_first_of_all(backend):
    assert backend.query(ACCOUNT, None, limit=1).entities[0].id == 0
    assert backend.query(ACCOUNT, None, after=-1, limit=1).entities[0].id == 0
    assert backend.query(ACCOUNT, None, after=0, limit=1).entities[0].id > 0


def test_a_filter_by_id_finds_the_record_with_id_0(backend):
    page = backend.query(ACCOUNT, Predicate(ID, Operator.IN, (0, 1)))

    assert [entity.id for entity in page.entities] == [0]


def test_records_that_come_in_between_are_found_once_and_none_is_lost(records):
    marked, ids = records.accounts({}, {}, {}, {})
    backend, walked, after, more = records.backend, [], None, True

    while more:
        page = backend.query(ACCOUNT, marked_by(marked), after=after, limit=2)
        walked += [entity.id for entity in page.entities]
        after = walked[-1]
        more = page.more and bool(page.entities)
        if len(ids) < 7:
            ids.append(records.create(ACCOUNT, account(marked)))

    assert walked == sorted(walked)
    assert len(set(walked)) == len(walked)
    # Ids ascend with creation, so that what is new comes behind.
    assert walked == sorted(ids)[: len(walked)]
    assert set(ids[:6]) <= set(walked)


def test_a_query_costs_one_call(harness, backend, many):
    marked, _ = many
    before = harness.calls()

    backend.query(ACCOUNT, marked_by(marked), limit=3)
    backend.query(ACCOUNT, marked_by(marked), limit=3, shared=True)

    assert harness.calls() == before + 2


def test_at_least_the_fields_that_are_asked_for_are_there(records):
    marked, (entity_id,) = records.accounts({CITY: "Albany", WORTH: 12})

    page = records.backend.query(ACCOUNT, marked_by(marked), fields=[CITY, NAME])

    (entity,) = page.entities
    assert entity.id == entity_id
    assert value_of(entity, CITY) == "Albany"
    assert value_of(entity, NAME).startswith("Suite ")


def test_a_count_is_the_number_of_entities(harness, backend, many):
    marked, ids = many
    before = harness.calls()

    assert backend.count(ACCOUNT, marked_by(marked), max_calls=20) == len(ids)
    calls = harness.calls() - before
    assert 1 <= calls <= -(-len(ids) // backend.limits.page)
    assert backend.count(ACCOUNT, marked_by(mark()), max_calls=1) == 0


def test_a_count_costs_no_more_calls_than_it_may(harness, backend, many):
    marked, ids = many
    before = harness.calls()

    counted = backend.count(ACCOUNT, marked_by(marked), max_calls=1)

    assert harness.calls() == before + 1
    assert counted in (len(ids), None)
