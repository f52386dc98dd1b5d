"""The query document means what the filter means, under the vendor's logic."""

from __future__ import annotations

import operator
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.backends.autotask_soap.encode.queryxml import render
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.ceql.ast import And, Operator, Or, Predicate
from bridge.errors import InvalidQueryError
from bridge.interfaces import Field, FieldType

TIMES = vendor_times("America/New_York")
NAME = Field("Name", FieldType.STRING)
COUNT = Field("Count", FieldType.INTEGER)
ACTIVE = Field("Active", FieldType.BOOLEAN)
SEATS = Field("Seats & <Licences>", FieldType.STRING, udf=True)
FIELDS = {field.name: field for field in (NAME, COUNT, ACTIVE, SEATS)}
COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def document(where, after=None):
    return render("Thing", where, after=after, times=TIMES)


def query_text(where, after=None):
    found = re.search("<query>(.*)</query>", document(where, after), re.DOTALL)
    assert found is not None
    return found[1]


def like(pattern, value):
    parts = (re.escape(part) for part in pattern.split("%"))
    return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def matches(where, row):
    """Evaluate a filter directly; a null, and the empty text, match no comparison."""
    if isinstance(where, And):
        return all(matches(item, row) for item in where.items)
    if isinstance(where, Or):
        return any(matches(item, row) for item in where.items)
    value = row.get(where.field.name)
    name = where.operator.value
    if value in (None, ""):
        return name == "IS NULL" or (name == "=" and where.values[0] == "")
    if name in ("IS NULL", "IS NOT NULL"):
        return name == "IS NOT NULL"
    return holds(name, value, where.values)


def holds(name, value, values):
    if name in ("LIKE", "NOT LIKE"):
        return like(values[0], value) == (name == "LIKE")
    if name in ("IN", "NOT IN"):
        return (value in values) == (name == "IN")
    return COMPARE[name](value, values[0])


def vendor_selects(items, row):
    """Evaluate siblings as the vendor does: left to right, no precedence."""
    result = None
    for item in items:
        if item.tag == "field":
            by_or = False
            value = any(vendor_tests(item, test, row) for test in item)
        else:
            by_or = item.get("operator", "AND") == "OR"
            value = vendor_selects(item, row)
        if result is None:
            result = value
        else:
            result = (result or value) if by_or else (result and value)
    assert result is not None
    return result


def vendor_tests(item, test, row):
    name = item.text.strip()
    value, op, text = row.get(name), test.get("op"), test.text or ""
    assert (item.get("udf") == "true") == (name == SEATS.name)
    is_null = value in (None, "")
    if op in ("IsNull", "IsNotNull"):
        return is_null == (op == "IsNull")
    assert text, "the vendor wants a value for every other operator"
    if is_null:
        return False
    if isinstance(value, bool):
        return {"Equals": operator.eq, "NotEqual": operator.ne}[op](
            value, text == "true"
        )
    typed = int(text) if isinstance(value, int) else text
    comparisons = {
        "Equals": operator.eq,
        "NotEqual": operator.ne,
        "LessThan": operator.lt,
        "LessThanOrEquals": operator.le,
        "GreaterThan": operator.gt,
        "GreaterThanorEquals": operator.ge,
    }
    if op in comparisons:
        return comparisons[op](value, typed)
    return {
        "BeginsWith": lambda: value.startswith(text),
        "EndsWith": lambda: value.endswith(text),
        "Contains": lambda: text in value,
        "Like": lambda: like(text, value),
        "NotLike": lambda: not like(text, value),
    }[op]()


texts = st.text("ab", min_size=1, max_size=3)
patterns = st.text("ab%", min_size=1, max_size=4)
numbers = st.integers(-3, 3)
equality = st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL])
ordered = st.sampled_from([op for op in Operator if op.value in COMPARE])
sets = st.sampled_from([Operator.IN, Operator.NOT_IN])
nulls = st.sampled_from([Operator.IS_NULL, Operator.IS_NOT_NULL])
likes = st.sampled_from([Operator.LIKE, Operator.NOT_LIKE])


def predicates_on(field, values, *operators):
    one = st.tuples(values)
    many = st.lists(values, min_size=1, max_size=4).map(tuple)
    kinds = [
        st.builds(Predicate, st.just(field), kind, many if kind is sets else one)
        for kind in operators
    ]
    return st.one_of(*kinds, st.builds(Predicate, st.just(field), nulls, st.just(())))


predicates = st.one_of(
    predicates_on(NAME, texts, ordered, sets),
    predicates_on(SEATS, texts, ordered, sets),
    predicates_on(COUNT, numbers, ordered, sets),
    predicates_on(ACTIVE, st.booleans(), equality),
    st.builds(Predicate, st.just(NAME), likes, st.tuples(patterns)),
    st.builds(Predicate, st.just(NAME), equality, st.just(("",))),
)
filters = st.recursive(
    predicates,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=4).map(tuple)),
    ),
    max_leaves=10,
)
rows = st.fixed_dictionaries(
    {
        NAME.name: st.none() | st.text("ab", max_size=3),
        SEATS.name: st.none() | st.text("ab", max_size=3),
        COUNT.name: st.none() | numbers,
        ACTIVE.name: st.none() | st.booleans(),
        "id": st.integers(0, 9),
    }
)


@settings(max_examples=200, deadline=None)
@given(filters, st.lists(rows, min_size=1, max_size=8), st.none() | st.integers(0, 9))
def test_the_document_selects_what_the_filter_selects(where, some_rows, after):
    query = etree.fromstring(document(where, after)).find("query")

    for row in some_rows:
        expected = matches(where, row) and (after is None or row["id"] > after)
        assert vendor_selects(query, row) == expected


@settings(deadline=None)
@given(st.text(), st.text(min_size=1))
def test_no_value_or_name_breaks_out_of_its_place(value, name):
    field = Field(name, FieldType.STRING, udf=True)

    tree = etree.fromstring(document(Predicate(field, Operator.EQUAL, (value,))))

    assert [element.tag for element in tree.iter()] == [
        "queryxml",
        "entity",
        "query",
        "field",
        "expression",
    ]
    allowed = re.sub(
        "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", value
    )
    assert (tree.findtext("query/field/expression") or "") == allowed


def test_the_first_page_of_everything_includes_id_0():
    assert query_text(None) == (
        '<field>id<expression op="GreaterThanorEquals">0</expression></field>'
    )


def test_paging_comes_last_and_needs_no_other_condition():
    paging = '<field>id<expression op="GreaterThan">41</expression></field>'
    either = Or(
        (
            Predicate(COUNT, Operator.EQUAL, (1,)),
            Predicate(COUNT, Operator.EQUAL, (2,)),
        )
    )

    assert query_text(None, after=41) == paging
    assert query_text(either, after=41) == (
        '<field>Count<expression op="Equals">1</expression></field>'
        '<condition operator="OR">'
        '<field>Count<expression op="Equals">2</expression></field>'
        "</condition>" + paging
    )


@pytest.mark.parametrize(
    ("pattern", "op", "text"),
    [
        ("x%", "BeginsWith", "x"),
        ("%x", "EndsWith", "x"),
        ("%x%", "Contains", "x"),
        ("x", "Equals", "x"),
        ("x%y", "Like", "x%y"),
        ("%x%y%", "Like", "%x%y%"),
        ("%", "IsNotNull", ""),
        ("%%", "IsNotNull", ""),
    ],
)
def test_patterns_become_the_vendors_operators(pattern, op, text):
    predicate = Predicate(NAME, Operator.LIKE, (pattern,))

    assert query_text(predicate) == (
        f'<field>Name<expression op="{op}">{text}</expression></field>'
    )


def test_alternatives_stay_flat_siblings():
    nested = Or(
        (
            Or(
                (
                    Predicate(COUNT, Operator.IN, tuple(range(200))),
                    Predicate(NAME, Operator.EQUAL, ("a",)),
                )
            ),
            Predicate(COUNT, Operator.IN, tuple(range(200, 400))),
        )
    )

    query = etree.fromstring(document(nested)).find("query")

    assert len(query) == 401
    assert not query.xpath(".//condition//condition")


def test_too_deep_nesting_is_refused():
    where = Predicate(COUNT, Operator.EQUAL, (1,))
    for level in range(60):
        kind = Or if level % 2 else And
        where = kind((where, Predicate(COUNT, Operator.EQUAL, (level,))))

    with pytest.raises(InvalidQueryError, match="nested"):
        document(where)
