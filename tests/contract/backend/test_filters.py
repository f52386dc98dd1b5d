"""Every operator finds what it means, on every type that supports it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from backend_records import (
    ACCOUNT,
    ACTIVE,
    ALIAS,
    CITY,
    ID,
    KIND,
    PARENT,
    RENEWAL,
    SHARED,
    START,
    TITLE,
    TODO,
    WORTH,
    Records,
    mark,
    marked_by,
    todo,
    value_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.ceql.ast import And, Operator, Or, Predicate

NOON = datetime(2024, 7, 5, 12, tzinfo=UTC)
VALUES = {
    CITY: [None, "Albany", "albany", "Troy", "Utica & <Co>", "50 per cent"],
    KIND: [1, 2, 3],
    PARENT: [None, 0],
    ACTIVE: [True, False],
    ALIAS: [None, "Ann", "Bob & <Co>"],
    WORTH: [None, Decimal("1.5"), Decimal(20)],
    SHARED: [None, True, False],
    RENEWAL: [None, date(2024, 7, 5), date(2025, 1, 1)],
}
PATTERNS = ["alb%", "%Y", "%i%", "%", "Albany", "a%y", "%&%", "nothing%"]


@pytest.fixture(scope="module")
def rows(harness, metadata):
    """A mark, and the values of its accounts by id: every value beside others."""
    records = Records(harness.open(), metadata)
    values = [
        {field: each[number % len(each)] for field, each in VALUES.items()}
        for number in range(12)
    ]
    marked, ids = records.accounts(*values)
    return marked, dict(zip(ids, values, strict=True))


def passes(where, row):
    """Return whether a row passes a filter: the oracle."""
    if isinstance(where, And):
        return all(passes(item, row) for item in where.items)
    if isinstance(where, Or):
        return any(passes(item, row) for item in where.items)
    value = _plain(row.get(where.field))
    operands = [_plain(operand) for operand in where.values]
    operator = _WITH_EMPTY[where.operator] if operands == [""] else where.operator
    if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return (value is None) is (operator is Operator.IS_NULL)
    return value is not None and _MEANINGS[operator](value, operands)


def _plain(value):
    return value.casefold() if isinstance(value, str) else value


def _like(text, pattern):
    """Match by trying every way to cut the text, part by part."""
    head, *rest = pattern.split("%", 1)
    if not rest:
        return text == pattern
    if not text.startswith(head):
        return False
    left = text[len(head) :]
    return any(_like(left[cut:], rest[0]) for cut in range(len(left) + 1))


_WITH_EMPTY = {
    Operator.EQUAL: Operator.IS_NULL,
    Operator.NOT_EQUAL: Operator.IS_NOT_NULL,
}
_MEANINGS = {
    Operator.EQUAL: lambda value, operands: value in operands,
    Operator.IN: lambda value, operands: value in operands,
    Operator.NOT_EQUAL: lambda value, operands: value not in operands,
    Operator.NOT_IN: lambda value, operands: value not in operands,
    Operator.LIKE: lambda value, operands: _like(value, operands[0]),
    Operator.NOT_LIKE: lambda value, operands: not _like(value, operands[0]),
    Operator.LESS: lambda value, operands: value < operands[0],
    Operator.LESS_OR_EQUAL: lambda value, operands: value <= operands[0],
    Operator.GREATER: lambda value, operands: value > operands[0],
    Operator.GREATER_OR_EQUAL: lambda value, operands: value >= operands[0],
}


def predicates(limits):
    """Yield tests of every field by every operator that the vendor supports."""
    for (field, values), operator in itertools.product(VALUES.items(), Operator):
        if not limits.supports(field.type, operator):
            continue
        known = [value for value in values if value is not None]
        if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
            yield Predicate(field, operator)
        elif operator in (Operator.IN, Operator.NOT_IN):
            yield Predicate(field, operator, tuple(known[:2]))
        elif operator in (Operator.LIKE, Operator.NOT_LIKE):
            for pattern in PATTERNS:
                # `NOT LIKE '%'` is left open.
                if operator is Operator.LIKE or pattern != "%":
                    yield Predicate(field, operator, (pattern,))
        else:
            for value in known:
                yield Predicate(field, operator, (value,))
    for operator in (Operator.EQUAL, Operator.NOT_EQUAL):
        yield Predicate(CITY, operator, ("",))


def found(backend, marked, where):
    """Return the ids that a filter finds among the accounts with a mark."""
    marked_too = And((marked_by(marked), where))
    ids, after, more = [], None, True
    while more:
        page = backend.query(ACCOUNT, marked_too, after=after)
        ids += [entity.id for entity in page.entities]
        after, more = (ids[-1], page.more) if page.entities else (after, False)
    return ids


def test_every_operator_finds_what_it_means(backend, rows):
    marked, values = rows

    for predicate in predicates(backend.limits):
        expected = [one for one, row in values.items() if passes(predicate, row)]
        assert found(backend, marked, predicate) == expected, predicate


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_joined_conditions_find_what_they_mean(backend, rows, data):
    marked, values = rows
    simple = [
        predicate for predicate in predicates(backend.limits) if not predicate.field.udf
    ]
    where = data.draw(
        st.recursive(
            st.sampled_from(simple),
            lambda inner: st.builds(
                lambda kind, items: kind(tuple(items)),
                st.sampled_from([And, Or]),
                st.lists(inner, min_size=1, max_size=3),
            ),
            max_leaves=6,
        )
    )

    expected = [one for one, row in values.items() if passes(where, row)]
    assert found(backend, marked, where) == expected


def test_a_filter_goes_with_a_page_that_starts_after_an_id(backend, rows):
    marked, values = rows
    middle = sorted(values)[5]
    where = Or(
        (
            And((marked_by(marked),
                 Predicate(ACTIVE, Operator.EQUAL, (True,)))),
            And((marked_by(marked),
                 Predicate(KIND, Operator.EQUAL, (2,)))),
        )
    )  # fmt: skip

    page = backend.query(ACCOUNT, where, after=middle)

    expected = [
        one
        for one, row in sorted(values.items())
        if one > middle and (row[ACTIVE] or row[KIND] == 2)
    ]
    assert [entity.id for entity in page.entities] == expected


def test_one_query_holds_as_many_alternatives_as_the_limits_say(backend, rows):
    marked, values = rows
    count = backend.limits.alternatives
    ids = (*sorted(values)[:3], *range(10**8, 10**8 + count))[:count]

    assert found(backend, marked, Predicate(ID, Operator.IN, ids)) == sorted(values)[:3]


def test_one_query_holds_as_many_exclusions_as_the_limits_say(backend, rows):
    marked, values = rows
    count = backend.limits.exclusions
    ids = (*sorted(values)[3:], *range(10**8, 10**8 + count))[:count]

    where = Predicate(ID, Operator.NOT_IN, ids)
    assert found(backend, marked, where) == sorted(values)[:3]


def test_one_query_filters_by_as_many_udfs_as_the_limits_say(backend, rows):
    marked, values = rows
    udfs = [Predicate(field, Operator.IS_NOT_NULL) for field in VALUES if field.udf]
    where = And(tuple(udfs[: backend.limits.udfs]))

    expected = [one for one, row in values.items() if passes(where, row)]
    assert found(backend, marked, where) == expected


def test_moments_and_days_of_one_field_are_compared_as_they_are_written(records):
    title = mark()
    moments = [NOON + timedelta(hours=12 * number) for number in range(-2, 3)]
    ids = {
        records.create(TODO, todo(title, moment, moment + timedelta(hours=1))): moment
        for moment in moments
    }
    titled = Predicate(TITLE, Operator.EQUAL, (title,))

    for operator in (
        Operator.LESS,
        Operator.LESS_OR_EQUAL,
        Operator.EQUAL,
        Operator.NOT_EQUAL,
        Operator.GREATER_OR_EQUAL,
        Operator.GREATER,
    ):
        where = Predicate(START, operator, (NOON,))
        page = records.backend.query(TODO, And((titled, where)))
        expected = [one for one, at in ids.items() if passes(where, {START: at})]
        assert [entity.id for entity in page.entities] == expected, operator


def test_what_was_seeded_is_what_is_stored(backend, rows):
    marked, values = rows

    entities, after, more = [], None, True
    while more:
        page = backend.query(ACCOUNT, marked_by(marked), after=after)
        entities += page.entities
        after, more = entities[-1].id, page.more
    for entity in entities:
        row = values[entity.id]
        for field, value in row.items():
            read = value_of(entity, field)
            assert read == value, field
