"""A filter tested here, as the contract says the vendor would."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from entities import entity as make

from bridge.backends.autotask_soap.decode.field_types import UDF_MEMBER
from bridge.backends.autotask_soap.encode.stored_times import WallClockTimes
from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.interfaces import DateKind, Entity, Field, FieldType
from bridge.services.filtering.local_filter import matches

KEY = WallClockTimes(ZoneInfo("America/New_York")).comparable
BY_WORD = {operator.value: operator for operator in Operator}


def udf(type_, text):
    return Field("Udf", type_, udf=True), make(
        {"id": 1, UDF_MEMBER: {"Udf": text}}, types={"Udf": type_}
    )


def verdict(field, entity, word, *values):
    return matches(Predicate(field, BY_WORD[word], values), entity.get, KEY)


@pytest.mark.parametrize(
    ("text", "word", "value", "expected"),
    [
        ("Gold", "=", "gold", True),
        ("Gold", "=", "GOLD  ", True),
        ("Gold ", "=", "gold", True),
        (" Gold", "=", "gold", False),
        ("Gold", "!=", "gold", False),
        ("Gold", "<", "h", True),
        ("Gold", ">=", "golden", False),
        (None, "=", "x", False),
        (None, "!=", "x", False),
        (None, "=", "", True),
        (None, "!=", "", False),
        ("", "!=", "x", True),
        (" ", "=", "", True),
        ("100% sure_", "LIKE", "%SURE_", True),
        ("100% sureX", "LIKE", "%SURE_", False),
        ("abc", "LIKE", "a%c", True),
        ("abc", "LIKE", "a%b%b%c", False),
        ("abc", "LIKE", "ab%bc", False),
        ("abc ", "LIKE", "abc", True),
        ("abc ", "LIKE", "%c", False),
        ("abc", "LIKE", "%%", True),
        ("", "LIKE", "%", False),
        (None, "LIKE", "%", False),
        (None, "LIKE", "", True),
        ("abc", "NOT LIKE", "b%", True),
        ("abc", "NOT LIKE", "%", False),
        ("", "NOT LIKE", "%", False),
        (None, "NOT LIKE", "b%", False),
    ],
)
def test_text(text, word, value, expected):
    assert verdict(*udf(FieldType.STRING, text), word, value) is expected


@pytest.mark.parametrize(
    ("text", "word", "value", "expected"),
    [
        ("25.0000", "=", 25, True),
        ("25.0000", ">", Decimal("24.9999"), True),
        (" 25 ", "<=", 25, True),
        ("2.5E+1", "=", 25, True),
        (".5", "<", 25, True),
        ("025", ">=", 25, True),
        ("true", "=", 1, False),
        ("NaN", "<", 25, False),
        ("many", "=", 25, False),
        ("many", "!=", 25, False),
        (None, "!=", 25, False),
    ],
)
def test_a_number_in_a_udfs_text(text, word, value, expected):
    assert verdict(*udf(FieldType.DOUBLE, text), word, value) is expected


@pytest.mark.parametrize(
    ("text", "word", "value", "expected"),
    [
        ("2021-03-05T00:00:00", "=", date(2021, 3, 5), True),
        ("2021-03-05", "<", date(2021, 3, 6), True),
        # Noon in the vendor's zone is five hours later in UTC.
        ("2021-03-05T12:00:00", "=", datetime(2021, 3, 5, 17, tzinfo=UTC), True),
        ("2021-03-05T12:00:00-08:00", ">", datetime(2021, 3, 5, 19, tzinfo=UTC), True),
        ("soon", "!=", date(2021, 3, 5), False),
        ("true", "<", date(2021, 3, 5), False),
        ("1", "!=", date(2021, 3, 5), False),
        ("9999-12-31T23:59:59", ">", date(2021, 3, 5), True),
        (" 2021-03-05T12:00:00", "=", datetime(2021, 3, 5, 17, tzinfo=UTC), True),
    ],
)
def test_a_time_in_a_udfs_text(text, word, value, expected):
    assert verdict(*udf(FieldType.DATETIME, text), word, value) is expected


@pytest.mark.parametrize(("text", "expected"), [("True", True), ("0", False)])
def test_a_check_mark(text, expected):
    marked = (True,)

    assert verdict(*udf(FieldType.BOOLEAN, text), "=", *marked) is expected
    assert verdict(*udf(FieldType.BOOLEAN, text), "!=", *marked) is not expected


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (FieldType.STRING, None, True),
        (FieldType.STRING, "", True),
        (FieldType.STRING, " ", True),
        (FieldType.STRING, "x", False),
        (FieldType.DOUBLE, None, True),
        (FieldType.DOUBLE, "0", False),
    ],
)
def test_null(type_, text, expected):
    assert verdict(*udf(type_, text), "IS NULL") is expected
    assert verdict(*udf(type_, text), "IS NOT NULL") is not expected


@pytest.mark.parametrize(
    ("word", "values", "expected"),
    [
        ("IN", ("a", "GOLD"), True),
        ("IN", ("a", "b"), False),
        ("NOT IN", ("a", "b"), True),
        ("NOT IN", ("a", "gold "), False),
    ],
)
def test_lists(word, values, expected):
    assert verdict(*udf(FieldType.STRING, "Gold"), word, *values) is expected


def test_standard_fields_beside_a_udf():
    values = {
        "id": 5,
        "Seats": 3,
        "Rate": 0.1,
        "Active": True,
        "Visit": datetime(2021, 7, 1, 12, 0, 0, 267_000, tzinfo=UTC),
        "Close": date(2021, 7, 1),
    }
    tests = [
        Predicate(Field("id", FieldType.LONG), Operator.EQUAL, (5,)),
        Predicate(Field("Seats", FieldType.INTEGER), Operator.LESS, (4,)),
        Predicate(Field("Rate", FieldType.DOUBLE), Operator.EQUAL, (Decimal("0.1"),)),
        Predicate(Field("Active", FieldType.BOOLEAN), Operator.EQUAL, (True,)),
        Predicate(
            Field("Visit", FieldType.DATETIME),
            Operator.GREATER,
            (datetime(2021, 7, 1, 12, tzinfo=UTC),),
        ),
        Predicate(
            Field("Close", FieldType.DATETIME, date_kind=DateKind.DAY),
            Operator.EQUAL,
            (date(2021, 7, 1),),
        ),
    ]
    entity = Entity(values)
    absent = Predicate(Field("Gone", FieldType.STRING), Operator.EQUAL, ("x",))

    assert matches(And(tuple(tests)), entity.get, KEY)
    assert not matches(And((*tests, absent)), entity.get, KEY)
    assert matches(Or((absent, tests[0])), entity.get, KEY)
    assert not matches(Or((absent, absent)), entity.get, KEY)
