from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.backends.autotask_soap.encode.values import local_time
from bridge.backends.autotask_soap.limits import LIMITS
from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidQueryError
from bridge.interfaces import DateKind, Entity, Field, FieldType
from bridge.services.filtering.local_filter import matches
from bridge.services.filtering.record_filter import read_condition, read_filter
from bridge.services.records.lists.query_plan import make_plan

NAME = Field("AccountName", FieldType.STRING)
EASTERN = ZoneInfo("America/New_York")
TIMES = WallClockTimes(EASTERN)
KEY = TIMES.comparable


def read(fields, where):
    def read_one(predicate):
        return read_condition(fields, predicate, TIMES, LIMITS)

    return read_filter(parse_where(where), read_one)


def one(fields, where):
    predicate = read(fields, where)
    assert isinstance(predicate, Predicate)
    return predicate.field, predicate.operator, predicate.values


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("accountName = 'x'", (NAME, Operator.EQUAL, ("x",))),
        ("ACCOUNTNAME like 'x%'", (NAME, Operator.LIKE, ("x%",))),
        ("accountName is null", (NAME, Operator.IS_NULL, ())),
        (
            "seats in ('1', 2)",
            (Field("Seats", FieldType.INTEGER), Operator.IN, (1, 2)),
        ),
        (
            "amount >= '1.50'",
            (
                Field("Amount", FieldType.DECIMAL),
                Operator.GREATER_OR_EQUAL,
                (Decimal("1.50"),),
            ),
        ),
        (
            "active = True",
            (Field("Active", FieldType.BOOLEAN), Operator.EQUAL, (True,)),
        ),
        (
            "visitTime > '2019-03-14T09:26:53 0000'",
            (
                Field("VisitTime", FieldType.DATETIME),
                Operator.GREATER,
                (datetime(2019, 3, 14, 9, 26, 53, tzinfo=UTC),),
            ),
        ),
        (
            "closeDate = '2019-03-14'",
            (
                Field("CloseDate", FieldType.DATETIME, date_kind=DateKind.DAY),
                Operator.EQUAL,
                (date(2019, 3, 14),),
            ),
        ),
        (
            "`Region & code` = 'EU'",
            (
                Field("Region & code", FieldType.STRING, udf=True),
                Operator.EQUAL,
                ("EU",),
            ),
        ),
    ],
)
def test_names_and_values_are_typed(fields, where, expected):
    assert one(fields, where) == expected


@pytest.mark.parametrize("empty", ["''", "' '"])
@pytest.mark.parametrize(
    "name",
    [
        "accountName",
        "seats",
        "amount",
        "active",
        "accountType",
        "visitTime",
        "closeDate",
        "shipDate",
        "Renewal",
        "`Region & code`",
    ],
)
def test_an_empty_value_is_null_on_every_type(fields, name, empty):
    null, present = read(fields, f"{name} is null"), read(fields, f"{name} is not null")

    assert read(fields, f"{name} = {empty}") == null
    assert read(fields, f"{name} in ({empty})") == null
    assert read(fields, f"{name} != {empty}") == present
    assert read(fields, f"{name} not in ({empty}, '')") == present


def test_an_empty_value_among_others_stands_beside_them(fields):
    seats = Field("Seats", FieldType.INTEGER)

    assert read(fields, "seats in ('', 3)") == Or(
        (Predicate(seats, Operator.IN, (3,)), Predicate(seats, Operator.IS_NULL))
    )
    assert read(fields, "seats not in ('', 3)") == And(
        (
            Predicate(seats, Operator.NOT_IN, (3,)),
            Predicate(seats, Operator.IS_NOT_NULL),
        )
    )


@pytest.mark.parametrize("where", ["seats < ''", "visitTime >= ''", "shipDate < ' '"])
def test_nothing_is_before_or_after_an_empty_value(fields, where):
    with pytest.raises(InvalidQueryError):
        read(fields, where)


PAIRS = [
    ("= 'x'", "!= 'x'"),
    ("in ('x', 'y')", "not in ('x', 'y')"),
    ("like 'x%'", "not like 'x%'"),
    ("like '% %'", "not like '% %'"),
    ("< 'x'", ">= 'x'"),
    ("> 'x'", "<= 'x'"),
    ("< ''", ">= ''"),
]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("text", ["", "  ", None])
@pytest.mark.parametrize("name", ["phone", "`Region & code`"])
def test_a_text_without_content_is_null_and_matches_no_comparison(
    fields, name, text, pair
):
    entity = Entity({"id": 1, "Phone": text}, {"Region & code": text})

    for condition in pair:
        where = read(fields, f"{name} {condition}")
        assert not matches(where, entity.get, KEY)
        # Whatever the vendor's comparison lets through, this it asks for as well.
        if not condition.startswith(("=", "in", "like 'x")):
            present = read(fields, f"{name} is not null")
            assert present in where.items
    assert matches(read(fields, f"{name} is null"), entity.get, KEY)


@pytest.mark.parametrize("time", ["T00:00:00Z", "T23:59:59-0500", " 00:00:00", ""])
def test_of_a_time_compared_with_a_day_the_day_counts_as_written(fields, time):
    days = read(fields, f"closeDate >= '2024-07-05{time}'")

    assert days.values == (date(2024, 7, 5),)


INSTANTS = st.builds(
    lambda start, seconds, ms: start + timedelta(seconds=seconds, milliseconds=ms),
    st.sampled_from(
        # The ends of both passes of autumn's repeated hour, spring's gap, midnight.
        [
            datetime(2024, 11, 3, 5, 59, 58, tzinfo=UTC),
            datetime(2024, 11, 3, 6, 59, 58, tzinfo=UTC),
            datetime(2024, 3, 10, 6, 59, 58, tzinfo=UTC),
            datetime(2024, 7, 5, 3, 59, 58, tzinfo=UTC),
        ]
    ),
    st.integers(0, 3),
    st.sampled_from([0, 3, 500, 997, 999]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=INSTANTS, asked=st.lists(INSTANTS, min_size=1, max_size=3))
@example(
    stored=datetime(2024, 11, 3, 5, 59, 59, 997_000, tzinfo=UTC),
    asked=[datetime(2024, 11, 3, 5, 59, 59, tzinfo=UTC)],
)
def test_a_time_equals_every_instant_that_callers_see_at_it(fields, stored, asked):
    entity = Entity({"id": 1, "VisitTime": stored})
    whole = [moment.replace(microsecond=0) for moment in asked]
    wall = local_time(stored, EASTERN).replace(microsecond=0)
    seen = wall in [local_time(moment, EASTERN) for moment in whole]
    listed = ", ".join(f"'{moment.isoformat()}'" for moment in whole)

    def passes(where):
        return matches(read(fields, where), entity.get, KEY)

    assert passes(f"visitTime in ({listed})") is seen
    assert passes(f"visitTime not in ({listed})") is not seen
    if len(asked) == 1:
        assert passes(f"visitTime = {listed}") is seen
        assert passes(f"visitTime != {listed}") is not seen
    exactly = f"'{asked[0].isoformat(timespec='milliseconds')}'"
    if asked[0].microsecond:
        same = local_time(stored, EASTERN) == local_time(asked[0], EASTERN)
        assert passes(f"visitTime = {exactly}") is same


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59Z"])
def test_the_ends_of_the_calendar_equal_nothing_else(fields, time):
    entity = Entity({"id": 1, "VisitTime": datetime(2024, 7, 5, tzinfo=UTC)})

    assert not matches(
        read(fields, f"visitTime = '{time}'"), entity.get, TIMES.comparable
    )
    assert matches(read(fields, f"visitTime != '{time}'"), entity.get, KEY)


def test_dates_by_value_count_as_what_they_stand_for(fields):
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(300)]
    where = read(fields, f"shipDate in ({', '.join(map(repr, map(str, days)))})")

    plan = make_plan(where, LIMITS)

    assert [len(query.where.items) for query in plan.subqueries] == [500, 100]
    parts = [part for query in plan.subqueries for part in query.where.items]
    single = [part.values[0] for part in parts if isinstance(part, Predicate)]
    spans = [part.items[0].values[0] for part in parts if isinstance(part, And)]
    assert single == days
    assert spans == [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in days]


@pytest.mark.parametrize("count", [300, 501, 2600])
def test_a_long_list_of_times_is_cut_like_any_other(fields, count):
    first = datetime(2024, 1, 1, 9, 30, tzinfo=UTC)
    times = [first + timedelta(minutes=n) for n in range(count)]
    listed = ", ".join(f"'{moment.isoformat()}'" for moment in times)

    plan = make_plan(read(fields, f"visitTime in ({listed})"), LIMITS)
    pieces = [query.where for query in plan.subqueries]

    assert len(pieces) == -(-count // 500)
    found = Entity({"VisitTime": times[-1] + timedelta(milliseconds=997)})
    assert [matches(piece, found.get, KEY) for piece in pieces][-1:] == [True]
    missed = Entity({"VisitTime": times[-1] + timedelta(seconds=1)})
    assert not any(matches(piece, missed.get, KEY) for piece in pieces)


def test_more_excluded_times_than_a_query_holds_are_refused_by_the_limit(fields):
    listed = ", ".join(f"'1/1/24 {n // 60}:{n % 60:02d}'" for n in range(251))

    with pytest.raises(InvalidQueryError, match="at most 500 alternatives"):
        make_plan(read(fields, f"visitTime not in ({listed})"), LIMITS)


def test_structure_is_kept(fields):
    expr = read(fields, "seats = 1 and (active = 1 or active = 0)")

    assert isinstance(expr, And)
    assert isinstance(expr.items[1], Or)


@pytest.mark.parametrize(
    ("where", "fragment", "column"),
    [
        ("nothing = 1", "accounts has no field nothing", 1),
        ("active = 1 and shoe = 2", "accounts has no field shoe", 16),
        ("stockSymbol = 'x'", "Autotask cannot search by stockSymbol", 1),
        ("seats = 'many'", "the value of seats must be a whole number", 1),
        ("seats like '1%'", "LIKE needs a text field", 1),
        ("active > true", "cannot be compared", 1),
        ("visitTime = 'soon'", "the value of visitTime must be a time", 1),
        ("seats = '1.5'", "must be a whole number", 1),
        ("amount = 'NaN'", "must be a number", 1),
        ("amount = '1e999999999'", "too large", 1),
    ],
)
def test_mistakes_are_named_with_their_column(fields, where, fragment, column):
    with pytest.raises(InvalidQueryError) as caught:
        read(fields, where)

    assert fragment in caught.value.message
    assert caught.value.column == column


def test_values_of_a_list_are_typed_and_stand_once(fields):
    assert one(fields, "seats in ('01', 1, '1.0', 2)")[2] == (1, 2)
    assert one(fields, "accountName in ('a', 'A', 'a')")[2] == ("a", "A")


def test_what_xml_cannot_carry_is_left_out(fields):
    assert one(fields, "accountName = 'a\x01\x1fb\t\n'")[2] == ("ab\t\n",)
