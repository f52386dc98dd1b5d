from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.ceql.parser import parse_where
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldType
from bridge.services.records.filters import read_filter

NAME = Field("AccountName", FieldType.STRING)


def one(fields, where):
    predicate = read_filter(fields, parse_where(where))
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
                Field("CloseDate", FieldType.DATETIME, date_only=True),
                Operator.EQUAL,
                (date(2019, 3, 14),),
            ),
        ),
        (
            "`Region & code` != 'EU'",
            (
                Field("Region & code", FieldType.STRING, udf=True),
                Operator.NOT_EQUAL,
                ("EU",),
            ),
        ),
    ],
)
def test_names_and_values_are_typed(fields, where, expected):
    assert one(fields, where) == expected


def test_structure_is_kept(fields):
    expr = read_filter(fields, parse_where("seats = 1 and (active = 1 or active = 0)"))

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
        read_filter(fields, parse_where(where))

    assert fragment in caught.value.message
    assert caught.value.column == column


def test_values_of_a_list_are_typed_and_stand_once(fields):
    assert one(fields, "seats in ('01', 1, '1.0', 2)")[2] == (1, 2)
    assert one(fields, "accountName in ('a', 'A', 'a')")[2] == ("a", "A")


def test_what_xml_cannot_carry_is_left_out(fields):
    assert one(fields, "accountName = 'a\x01\x1fb\t\n'")[2] == ("ab\t\n",)
