"""Writing a tree and reading it again."""

import pytest
from ceql_writer import render
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ceql.ast import And, Literal, Operator, Or, Predicate, negate
from bridge.ceql.parser import parse_where

NO_VALUE = (Operator.IS_NULL, Operator.IS_NOT_NULL)
MANY = (Operator.IN, Operator.NOT_IN)

words = st.from_regex(r"[A-Za-z0-9_.%@:+\-=<>!]{1,12}", fullmatch=True)
texts = st.one_of(st.text(max_size=12), st.text("ab'\\\u2018\u2019 `(),", max_size=12))
literals = st.one_of(
    texts.map(Literal),
    words.filter(lambda text: text.lower() != "null").map(
        lambda text: Literal(text, quoted=False)
    ),
    st.just(Literal("2018-06-02 17:05:44 0700", quoted=False)),
)
fields = st.one_of(
    st.from_regex(r"[a-z][A-Za-z0-9_.]{0,8}", fullmatch=True),
    st.sampled_from(["not", "and", "IN", "like", "is", "null", "from", "a`", "`"]),
    st.text(min_size=1, max_size=8),
)
predicates = st.one_of(
    st.builds(Predicate, fields, st.sampled_from(NO_VALUE)),
    st.builds(
        Predicate,
        fields,
        st.sampled_from(MANY),
        st.lists(literals, min_size=1, max_size=4).map(tuple),
    ),
    st.builds(
        Predicate,
        fields,
        st.sampled_from([op for op in Operator if op not in (*NO_VALUE, *MANY)]),
        st.tuples(literals),
    ),
)


def joined(children, kind):
    others = children.filter(lambda child: not isinstance(child, kind))
    return st.lists(others, min_size=2, max_size=4).map(tuple).map(kind)


trees = st.recursive(
    predicates,
    lambda children: st.one_of(joined(children, And), joined(children, Or)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_reading_what_was_written_gives_an_equal_tree(tree):
    assert parse_where(render(tree)) == tree


@settings(max_examples=60, deadline=None)
@given(trees)
def test_negated_text_is_the_negated_tree(tree):
    assert parse_where(f"NOT ({render(tree)})") == negate(tree)
    assert negate(negate(tree)) == tree


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a='x'and(b=1 or c is null)", "a = 'x' AND (b = 1 OR c IS NULL)"),
        ("a=1 or(b=1 and c=2)", "a = 1 OR b = 1 AND c = 2"),
        ("a in(1,'O\\'Neil')", "a IN (1, 'O''Neil')"),
        ("`Region code` not like '%x'", "`Region code` NOT LIKE '%x'"),
        ("like like 'x'", "`like` LIKE 'x'"),
        ("a <> 'null'", "a != 'null'"),
    ],
)
def test_rendering(text, canonical):
    assert render(parse_where(text)) == canonical


@pytest.mark.parametrize("text", ["null", "", "a b", "x' OR 'a' = 'a", "2) OR (b=1"])
def test_unquoted_value_that_cannot_stand_bare_is_quoted(text):
    injected = Predicate("a", Operator.EQUAL, (Literal(text, quoted=False),))

    assert parse_where(render(injected)) == Predicate(
        "a", Operator.EQUAL, (Literal(text),)
    )
