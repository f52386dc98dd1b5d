"""Plans and their merging, against a vendor that is a list."""

import dataclasses
import itertools

import pytest
from entities import entity as make
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.backends.autotask_soap.decode.field_types import UDF_MEMBER
from bridge.backends.autotask_soap.limits import LIMITS
from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.errors import InvalidQueryError, InvalidRequestError
from bridge.interfaces import Field, FieldType, Page
from bridge.services import paging
from bridge.services.filtering.local_filter import utc_time
from bridge.services.records.lists.cursors import MAX_LOCAL_FILTER_CALLS, open_fetch
from bridge.services.records.lists.query_plan import MAX_VALUES, make_plan

ID = Field("id", FieldType.LONG)
SEATS = Field("Seats", FieldType.INTEGER)
NAME = Field("AccountName", FieldType.STRING)
REGION = Field("Region", FieldType.STRING, udf=True)
TIER = Field("Tier", FieldType.STRING, udf=True)
SCORE = Field("Score", FieldType.DOUBLE, udf=True)
UDF_TYPES = {field.name: field.type for field in (REGION, TIER, SCORE)}


def among(field, values, operator=Operator.IN):
    return Predicate(field, operator, tuple(values), 5)


def equal(field, value, column=1):
    return Predicate(field, Operator.EQUAL, (value,), column)


class Vendor:
    """Answers from a list as the vendor does, and counts."""

    def __init__(self, entities):
        self.entities = [make(each, types=UDF_TYPES) for each in entities]
        self.asked = []

    def ask(self, where, after, limit):
        self.asked.append(where)
        found = [
            entity
            for entity in self.entities
            if (after is None or entity.id > after) and self.passes(where, entity)
        ]
        return Page(found[:limit], more=len(found) > limit)

    def passes(self, where, entity):
        if where is None:
            return True
        if isinstance(where, And):
            return all(self.passes(item, entity) for item in where.items)
        if isinstance(where, Or):
            return any(self.passes(item, entity) for item in where.items)
        value = entity.get(where.field)
        if isinstance(value, str):
            return value.lower() in [str(item).lower() for item in where.values]
        return value in where.values


def filters(plan):
    return [query.where for query in plan.subqueries]


def read_all(vendor, where, size):
    fetch = open_fetch(make_plan(where, LIMITS), vendor.ask, None, LIMITS)
    pages, after, more = [], None, True
    while more:
        page = paging.collect(paging.Cursor(1, b"", LIMITS.page, fetch), after, size)
        assert len(page.entities) == size or not page.more
        pages.append([entity.id for entity in page.entities])
        after, more = paging.last_id(page.entities, None), page.more
    return list(itertools.chain.from_iterable(pages))


def test_a_filter_that_one_query_holds_is_sent_unchanged():
    where = And((among(SEATS, range(500)), equal(REGION, "x")))

    assert filters(make_plan(where, LIMITS)) == [where]
    assert make_plan(where, LIMITS).local_filter == ()
    assert filters(make_plan(None, LIMITS)) == [None]


def test_a_long_list_is_cut_and_every_value_is_in_one_piece():
    rest = Or((equal(NAME, "a"), equal(NAME, "b")))

    plan = make_plan(And((rest, among(SEATS, range(MAX_VALUES)))), LIMITS)

    lists = [where.items[0] for where in filters(plan)]
    assert all(where.items[1] == rest for where in filters(plan))
    assert max(len(item.values) for item in lists) == LIMITS.alternatives - 2
    values = [value for item in lists for value in item.values]
    assert values == list(range(MAX_VALUES))


@pytest.mark.parametrize(
    ("where", "fragment"),
    [
        (among(SEATS, range(MAX_VALUES + 1)), "IN takes at most 5000 values"),
        (among(SEATS, range(501), Operator.NOT_IN), "NOT IN takes at most 500 values"),
        (
            Or(tuple(equal(SEATS, n, n + 1) for n in range(501))),
            "at most 500 alternatives",
        ),
        (
            Or((among(SEATS, range(499)), equal(NAME, "x"), equal(NAME, "y"))),
            "at most 500 alternatives",
        ),
        (
            And(
                (
                    Or(tuple(equal(NAME, str(n)) for n in range(480))),
                    among(SEATS, range(2000)),
                )
            ),
            "do not go into 20 queries",
        ),
        (Or((equal(REGION, "x"), equal(TIER, "y"))), "join conditions on Region, Tier"),
    ],
)
def test_what_is_beyond_the_limits_is_refused_by_name(where, fragment):
    with pytest.raises(InvalidQueryError) as caught:
        make_plan(where, LIMITS)

    assert fragment in caught.value.message


@given(
    seed=st.randoms(use_true_random=False),
    size=st.sampled_from([1, 7, 499, 500, 501, 5000]),
    field=st.sampled_from([ID, SEATS]),
)
@settings(max_examples=30)
def test_pieces_read_like_one_query(seed, size, field):
    count = 40 if size < 10 else 1300
    entities = [{"id": n, "Seats": n * 7 % 3001} for n in range(0, 2 * count, 2)]
    values = seed.sample(range(3001), seed.randint(501, 1200))

    found = read_all(Vendor(entities), among(field, values), size)

    wanted = set(values)
    assert found == [e["id"] for e in entities if e[field.name] in wanted]


def test_a_record_that_two_pieces_find_comes_once():
    names = [f"name {n}" for n in range(500)] + ["NAME 7"]
    entities = [{"id": n, "AccountName": f"Name {n}"} for n in range(20)]

    assert read_all(Vendor(entities), among(NAME, names), 6) == list(range(20))


def test_a_list_of_ids_beside_a_longer_list_loses_no_record():
    names = among(NAME, [f"name {n}" for n in range(600)])
    entities = [{"id": n, "AccountName": f"Name {n}"} for n in range(20)]

    found = read_all(Vendor(entities), And((names, among(ID, [9, 4, 1]))), 1)

    assert found == [1, 4, 9]


def test_subqueries_of_ids_run_when_their_turn_comes():
    vendor = Vendor([{"id": n} for n in range(5000)])
    values = list(range(4999, -1, -1))
    fetch = open_fetch(make_plan(among(ID, values), LIMITS), vendor.ask, None, LIMITS)

    first = fetch(None, 500)

    assert [entity.id for entity in first.entities] == list(range(500))
    assert first.more
    assert len(vendor.asked) == 1
    plan = make_plan(among(ID, values), LIMITS)
    later = open_fetch(plan, vendor.ask, None, LIMITS)(4499, 500)
    assert [entity.id for entity in later.entities] == list(range(4500, 5000))
    assert not later.more
    assert len(vendor.asked) == 2


def test_a_large_page_of_many_pieces_costs_one_call_a_piece():
    vendor = Vendor([{"id": n, "Seats": n} for n in range(100)])
    plan = make_plan(among(SEATS, range(2000)), LIMITS)
    fetch = open_fetch(plan, vendor.ask, None, LIMITS)

    page = paging.collect(paging.Cursor(1, b"", LIMITS.page, fetch), None, 5000)

    assert len(page.entities) == 100
    assert len(vendor.asked) == 4


def udf_entities(count):
    return [
        {
            "id": n,
            UDF_MEMBER: {"Region": "EU", "Tier": "AB"[n % 2], "Score": f"{n}.0000"},
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("size", [1, 3, 200, 500, 5000])
def test_the_first_udf_goes_to_the_vendor_and_the_others_are_tested_here(size):
    vendor = Vendor(udf_entities(30 if size == 1 else 1300))
    where = And((equal(REGION, "eu"), equal(TIER, "b ")))

    found = read_all(vendor, where, size)

    assert found == [e.id for e in vendor.entities if e.id % 2]
    assert set(vendor.asked) == {equal(REGION, "eu")}


def test_all_conditions_on_the_first_udf_go_with_it():
    mixed = Or((equal(REGION, "x"), equal(TIER, "y")))
    where = And((mixed, equal(TIER, "y"), equal(NAME, "n"), equal(SCORE, 1)))

    plan = make_plan(where, LIMITS)

    assert filters(plan) == [And((equal(TIER, "y"), equal(NAME, "n")))]
    assert plan.local_filter == (mixed, equal(SCORE, 1))


def test_only_conditions_to_test_here_ask_for_everything():
    mixed = Or((equal(REGION, "x"), equal(TIER, "y")))

    plan = make_plan(And((mixed, Or((equal(REGION, "z"), equal(SCORE, 1))))), LIMITS)

    assert filters(plan) == [None]


def test_ten_calls_that_do_not_fill_the_page_are_refused():
    vendor = Vendor(udf_entities(500 * MAX_LOCAL_FILTER_CALLS + 1))
    where = And((equal(REGION, "eu"), equal(TIER, "none")))
    fetch = open_fetch(make_plan(where, LIMITS), vendor.ask, None, LIMITS)

    with pytest.raises(InvalidRequestError, match="10 vendor calls did not fill"):
        fetch(None, 200)

    assert len(vendor.asked) == MAX_LOCAL_FILTER_CALLS


def test_ten_calls_that_fill_it_are_enough():
    vendor = Vendor(udf_entities(500 * MAX_LOCAL_FILTER_CALLS))
    where = And((equal(REGION, "eu"), equal(SCORE, 4999)))
    fetch = open_fetch(make_plan(where, LIMITS), vendor.ask, None, LIMITS)

    assert [entity.id for entity in fetch(None, 200).entities] == [4999]


def test_a_vendor_with_other_limits_gets_other_queries():
    limits = dataclasses.replace(LIMITS, alternatives=4, exclusions=2, udfs=2, page=3)
    udfs = equal(REGION, "x"), equal(TIER, "y"), equal(SCORE, 1)

    plan = make_plan(And((*udfs, among(SEATS, range(10)))), limits)

    assert plan.local_filter == (equal(SCORE, 1),)
    assert [len(where.items) for where in filters(plan)] == [3, 3, 3]
    assert [len(where.items[0].values) for where in filters(plan)] == [4, 4, 2]
    with pytest.raises(InvalidQueryError, match="NOT IN takes at most 2 values"):
        make_plan(among(SEATS, range(3), Operator.NOT_IN), limits)
    with pytest.raises(InvalidQueryError, match="by 2 user-defined fields in a query"):
        make_plan(Or(udfs), limits)


def test_pages_are_read_in_the_size_that_the_vendor_has():
    limits = dataclasses.replace(LIMITS, page=3)
    vendor = Vendor(
        [{"id": n, UDF_MEMBER: {"Region": "x", "Tier": str(n % 2)}} for n in range(10)]
    )
    where = And((equal(REGION, "x"), equal(TIER, "1")))
    fetch = open_fetch(make_plan(where, limits), vendor.ask, utc_time, limits)

    page = paging.collect(paging.Cursor(1, b"", limits.page, fetch), None, 100)

    assert [entity.id for entity in page.entities] == [1, 3, 5, 7, 9]
    assert len(vendor.asked) == 4
