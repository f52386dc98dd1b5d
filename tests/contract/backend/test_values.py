"""Values come back as they were written: nulls, texts, numbers, days and times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from backend_records import (
    ACCOUNT,
    ACTIVE,
    ALIAS,
    CITY,
    FAX,
    FIRST_DAY,
    KIND,
    LAST_DAY,
    MARK,
    NAME,
    PARENT,
    PROJECT,
    RENEWAL,
    SHARED,
    START,
    TODO,
    WORTH,
    mark,
    project,
    todo,
    value_of,
    with_id,
)

from bridge.ceql.ast import And, Operator, Predicate

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (CITY, "Ümläut & <Söhne> ]]> \"'"),
        (CITY, "𝄞 emoji 🚲"),
        (CITY, "  blanks before"),
        (CITY, "&amp;"),
        (FAX, "0"),
        (PARENT, 0),
        (KIND, 3),
        (ACTIVE, False),
        (ACTIVE, True),
    ],
)
def test_a_value_comes_back_as_it_was_written(records, field, value):
    _, (entity_id,) = records.accounts({field: value})

    found = value_of(records.read(ACCOUNT, entity_id), field)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("values", [{}, {CITY: ""}, {CITY: None}])
def test_an_empty_text_and_null_are_both_no_value(records, values):
    marked, (entity_id,) = records.accounts(values)

    assert value_of(records.read(ACCOUNT, entity_id), CITY) is None
    is_null = Predicate(CITY, Operator.IS_NULL)
    where = And((Predicate(MARK, Operator.EQUAL, (marked,)), is_null))
    assert len(records.backend.query(ACCOUNT, where).entities) == 1


@pytest.mark.parametrize("zero", [{PARENT: 0}, {ACTIVE: False}, {WORTH: 0}])
def test_zero_and_false_are_values(records, zero):
    _, (entity_id,) = records.accounts(zero)
    ((field, value),) = zero.items()

    entity = records.read(ACCOUNT, entity_id)

    read = value_of(entity, field)
    assert read == value
    assert read is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (ALIAS, "Ann & <Bob>"),
        (WORTH, Decimal("1200.5")),
        (WORTH, Decimal(-3)),
        (SHARED, True),
        (SHARED, False),
        (RENEWAL, date(2024, 7, 5)),
        (RENEWAL, datetime(2024, 7, 5, 22, 30, tzinfo=UTC)),
    ],
)
def test_a_udf_comes_back_as_it_was_written_and_is_found(records, field, value):
    marked, (entity_id,) = records.accounts({field: value})

    assert value_of(records.read(ACCOUNT, entity_id), field) == value
    where = And(
        (
            Predicate(MARK, Operator.EQUAL, (marked,)),
            Predicate(field, Operator.EQUAL, (value,)),
        )
    )
    assert len(records.backend.query(ACCOUNT, where).entities) == 1


def test_a_udf_without_a_value_has_none(records):
    _, (entity_id,) = records.accounts({ALIAS: None, NAME: "Nobody"})

    entity = records.read(ACCOUNT, entity_id)

    for field in (ALIAS, WORTH, RENEWAL, SHARED):
        assert value_of(entity, field) is None


MOMENTS = [
    # Around the hour that spring skips, and the hour that autumn repeats.
    datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 8, 7, 0, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 4, 59, 59, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 7, 0, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 5, 0, 1, tzinfo=UTC),
    datetime(2026, 7, 4, 0, 0, tzinfo=UTC),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_comes_back_and_is_found(records, moment):
    values = todo(mark(), moment, moment + HOUR)
    entity_id = records.create(TODO, values)

    found = value_of(records.read(TODO, entity_id), START)

    assert found == moment
    assert found.tzinfo is UTC
    for operator, offset, matches in (
        (Operator.EQUAL, 0, True),
        (Operator.GREATER, -1, True),
        (Operator.GREATER, 0, False),
        (Operator.LESS_OR_EQUAL, 0, True),
        (Operator.LESS, 0, False),
    ):
        bound = moment + timedelta(seconds=offset)
        where = And((with_id(entity_id), Predicate(START, operator, (bound,))))
        assert bool(records.backend.query(TODO, where).entities) is matches


def test_a_moment_of_the_repeated_hour_moves_by_an_hour_at_most(records):
    """A vendor without offsets cannot tell the two passes of the hour apart."""
    moment = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    entity_id = records.create(TODO, todo(mark(), moment, moment + 3 * HOUR))

    found = value_of(records.read(TODO, entity_id), START)

    assert found in (moment, moment - HOUR)


@pytest.mark.parametrize(
    "first",
    [
        date(2026, 3, 8),
        date(2026, 11, 1),
        date(2026, 7, 1),
        date(2025, 12, 31),
        date(2024, 2, 29),
    ],
)
def test_a_day_stays_that_day_in_any_zone(records, first):
    name, last = mark(), first + timedelta(days=30)
    entity_id = records.create(PROJECT, project(name, first, last))

    entity = records.read(PROJECT, entity_id)

    assert (value_of(entity, FIRST_DAY), value_of(entity, LAST_DAY)) == (first, last)
    assert type(value_of(entity, FIRST_DAY)) is date
    where = And((with_id(entity_id), Predicate(FIRST_DAY, Operator.EQUAL, (first,))))
    assert len(records.backend.query(PROJECT, where).entities) == 1
