"""What `where` may say, and the tree it becomes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ceql.ast import And, Literal, Operator, Or, Predicate
from bridge.ceql.parser import parse_where


def bare(text):
    return Literal(text, quoted=False)


def holds(field, operator, *values):
    return Predicate(
        field,
        Operator(operator),
        tuple(Literal(value) if isinstance(value, str) else value for value in values),
    )


def all_of(*items):
    return And(items)


def any_of(*items):
    return Or(items)


ONE, TWO, THREE = (holds(name, "=", bare("1")) for name in "abc")

DOCUMENTED = {
    "accountName='Harbor Cafe'": holds("accountName", "=", "Harbor Cafe"),
    "lastActivityDate > '2018-11-05T07:45:10-0500' and  "
    "(lastName = 'Moe' or lastName = 'Berg') ": all_of(
        holds("lastActivityDate", ">", "2018-11-05T07:45:10-0500"),
        any_of(holds("lastName", "=", "Moe"), holds("lastName", "=", "Berg")),
    ),
    "userName='ida@harbor.example'": holds("userName", "=", "ida@harbor.example"),
    "accountName LIKE 'Harb%'": holds("accountName", "LIKE", "Harb%"),
    "accountType in (1,3) AND city IS NULL": all_of(
        holds("accountType", "IN", bare("1"), bare("3")),
        holds("city", "IS NULL"),
    ),
    "(active = 1 OR active = 0) AND "
    "lastModifiedDate >= '2019-03-01T00:00:00+00:00'": all_of(
        any_of(holds("active", "=", bare("1")), holds("active", "=", bare("0"))),
        holds("lastModifiedDate", ">=", "2019-03-01T00:00:00+00:00"),
    ),
    "createdDate >= '2019-01-15'": holds("createdDate", ">=", "2019-01-15"),
    "defaultAccount=true": holds("defaultAccount", "=", bare("true")),
    "channel='webhook' and status='queued' and "
    "config.url='https://rx.example/q1'": all_of(
        holds("channel", "=", "webhook"),
        holds("status", "=", "queued"),
        holds("config.url", "=", "https://rx.example/q1"),
    ),
}


@pytest.mark.parametrize(("text", "tree"), DOCUMENTED.items())
def test_documented_example(text, tree):
    assert parse_where(text) == tree


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0"])
def test_a_blank_text_means_no_filter(text):
    assert parse_where(text) is None


@pytest.mark.parametrize(
    ("sign", "operator"),
    [
        ("=", "="),
        ("!=", "!="),
        ("<>", "!="),
        ("<", "<"),
        ("<=", "<="),
        (">", ">"),
        (">=", ">="),
        (" like ", "LIKE"),
        (" Not Like ", "NOT LIKE"),
    ],
)
def test_each_operator_with_one_value(sign, operator):
    assert parse_where(f"a{sign}'x'") == holds("a", operator, "x")


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("a is null", "IS NULL"),
        ("a IS NOT NULL", "IS NOT NULL"),
        ("a = null", "IS NULL"),
        ("a=NULL", "IS NULL"),
        ("a != null", "IS NOT NULL"),
        ("a <> Null", "IS NOT NULL"),
    ],
)
def test_null_tests(text, operator):
    assert parse_where(text) == holds("a", operator)


def test_quoted_null_is_a_text():
    assert parse_where("a = 'null'") == holds("a", "=", "null")


def test_in_list_of_quoted_and_bare_values():
    assert parse_where("a in('x', 2 ,memo.txt)") == holds(
        "a", "IN", "x", bare("2"), bare("memo.txt")
    )


def test_null_in_a_list_is_a_null_test():
    assert parse_where("a IN (null)") == holds("a", "IS NULL")
    assert parse_where("a IN (1, null)") == Or(
        (holds("a", "IN", bare("1")), holds("a", "IS NULL"))
    )
    assert parse_where("a NOT IN (1, null)") == And(
        (holds("a", "NOT IN", bare("1")), holds("a", "IS NOT NULL"))
    )


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1 OR b=1 AND c=1", any_of(ONE, all_of(TWO, THREE))),
        ("a=1 AND b=1 OR c=1", any_of(all_of(ONE, TWO), THREE)),
        ("(a=1 OR b=1) AND c=1", all_of(any_of(ONE, TWO), THREE)),
        ("(a=1 AND b=1) AND c=1", all_of(ONE, TWO, THREE)),
        ("a=1 OR (b=1 OR (c=1))", any_of(ONE, TWO, THREE)),
        ("((a=1))", ONE),
        ("(a=1)and(b=1)or(c=1)", any_of(all_of(ONE, TWO), THREE)),
        ("a='1'AND b='1'", all_of(holds("a", "=", "1"), holds("b", "=", "1"))),
    ],
)
def test_precedence_and_flat_nesting(text, tree):
    assert parse_where(text) == tree


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("NOT a = 1", "a != 1"),
        ("NOT a <> 1", "a = 1"),
        ("not a < 1", "a >= 1"),
        ("not a <= 1", "a > 1"),
        ("not a > 1", "a <= 1"),
        ("not a >= 1", "a < 1"),
        ("not a like 'x'", "a not like 'x'"),
        ("not a not like 'x'", "a like 'x'"),
        ("not a in (1,2)", "a not in (1,2)"),
        ("not a not in (1,2)", "a in (1,2)"),
        ("not a is null", "a is not null"),
        ("not a = null", "a is not null"),
        ("not not a = 1", "a = 1"),
        ("NOT(a = 1 OR b = 2)", "a != 1 AND b != 2"),
        ("NOT (a = 1 AND NOT (b = 2 OR c IS NULL))", "a != 1 OR b = 2 OR c IS NULL"),
        ("NOT (a = 1 OR b = 2) AND c = 3", "a != 1 AND b != 2 AND c = 3"),
    ],
)
def test_not_is_pushed_down_to_the_opposite_operator(text, plain):
    assert parse_where(text) == parse_where(plain)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("`metaData.lastUpdateTime` = '1'", "metaData.lastUpdateTime"),
        ("`Region code` = '1'", "Region code"),
        ("`a``b`='1'", "a`b"),
        ("owner.name = '1'", "owner.name"),
        ("customfield_10100='1'", "customfield_10100"),
        ("items[*].id-x='1'", "items[*].id-x"),
        ("_id='1'", "_id"),
        ("größe='1'", "größe"),
        ("value = '1'", "value"),
        ("from = '1'", "from"),
        ("order = '1'", "order"),
        ("in = '1'", "in"),
        ("is='1'", "is"),
        ("AND = '1'", "AND"),
        ("or = '1'", "or"),
        ("null = '1'", "null"),
        ("not = '1'", "not"),
        ("'Service Tier' = '1'", "Service Tier"),
        ("'Service Tier'='1'", "Service Tier"),
        ("'Owner''s car' = '1'", "Owner's car"),
        ("\u2018Service Tier\u2019 = '1'", "Service Tier"),
        ("\"Service Tier\" = '1'", "Service Tier"),
        ("\u201cIt's\u201d = '1'", "It's"),
        ("'and' = '1'", "and"),
        ("('a b' = '1')", "a b"),
    ],
)
def test_field_names(text, field):
    assert parse_where(text) == holds(field, "=", "1")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("like like 'x'", holds("like", "LIKE", "x")),
        ("in in (1)", holds("in", "IN", bare("1"))),
        ("is is null", holds("is", "IS NULL")),
        ("is is not null", holds("is", "IS NOT NULL")),
        ("not like 'x'", holds("not", "LIKE", "x")),
        ("not like x", holds("not", "LIKE", bare("x"))),
        ("not not like 'x'", holds("not", "NOT LIKE", "x")),
        ("not in (1)", holds("not", "IN", bare("1"))),
        ("not not in(1)", holds("not", "NOT IN", bare("1"))),
        ("not is null", holds("not", "IS NULL")),
        ("not is not null", holds("not", "IS NOT NULL")),
        ("not like = 'x'", holds("like", "!=", "x")),
        ("not like like 'x'", holds("like", "NOT LIKE", "x")),
        ("not like is null", holds("like", "IS NOT NULL")),
        ("not likes = 'x'", holds("likes", "!=", "x")),
        ("not in in (1)", holds("in", "NOT IN", bare("1"))),
        ("not `not` like 'x'", holds("not", "NOT LIKE", "x")),
        ("not 'not' like \"x\"", holds("not", "NOT LIKE", "x")),
        ('not like "x"', holds("not", "LIKE", "x")),
        ("'like'like'x'", holds("like", "LIKE", "x")),
        ('"is" is not null', holds("is", "IS NOT NULL")),
        ("'in' not in('x')", holds("in", "NOT IN", "x")),
        (
            "'lastActivityDate'>'2016-01-01T00:00:00Z'",
            holds("lastActivityDate", ">", "2016-01-01T00:00:00Z"),
        ),
        ("a=1 and and = 2 or or = 3", "`a`=1 AND `and` = 2 OR `or` = 3"),
    ],
)
def test_keyword_is_a_field_where_an_operator_follows(text, tree):
    expected = parse_where(tree) if isinstance(tree, str) else tree

    assert parse_where(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "980",
        "-1.5",
        "True",
        "memo.txt",
        "ida@harbor.example",
        "2018-06-02",
        "2018-06-02T17:05:44-07:00",
        "2018-06-02T17:05:44.120+0000",
        "2018-06-02T17:05:44 0000",
        "2018-06-02 17:05:44",
        "2018-06-02 17:05Z",
        "2018-06-02T17:05:44x",
        "OR",
        "like",
        "50%",
        '24"',
        '5.25"-disk"',
    ],
)
def test_bare_value(text):
    assert parse_where(f"a = {text} and(b>={text})") == And(
        (holds("a", "=", bare(text)), holds("b", ">=", bare(text)))
    )


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("''", ""),
        ("'1|hzz: (a=b), \"c\"'", '1|hzz: (a=b), "c"'),
        ("'O''Neil'", "O'Neil"),
        (r"'O\'Neil'", "O'Neil"),
        ("''''", "'"),
        (r"'\'\''", "''"),
        ("'O\u2019Neil'", "O\u2019Neil"),
        ("\u2018Moe\u2019", "Moe"),
        ("\u2019Moe\u2019", "Moe"),
        ("\u2018Moe'", "Moe"),
        ("\u2018\u2019", ""),
        ("\u2018O\u2019\u2019Neil\u2019", "O\u2019Neil"),
        (r"'\\host\share'", r"\\host\share"),
        (r"'C:\\'", "C:\\"),
        (r"'C:\\''s'", r"C:\'s"),
        (r"'C:\\\'s'", r"C:\'s"),
        ('"Albany"', "Albany"),
        ('""', ""),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ('"say ""hi"""', 'say "hi"'),
        (r'"say \"hi\" twice"', 'say "hi" twice'),
        ("\u201cAlbany\u201d", "Albany"),
        ("\u201dAlbany\u201d", "Albany"),
        ("\u201eAlbany\u201c", "Albany"),
        ('\u201cAlbany"', "Albany"),
        ("\u201cit\u2019s\u201d", "it\u2019s"),
        ('"\u201cAlbany\u201d"', "\u201cAlbany\u201d"),
        ("\u201aAlbany\u2018", "Albany"),
        ("\"1|hzz: (a=b), 'c' or d=1\"", "1|hzz: (a=b), 'c' or d=1"),
        (r'"\\host\share"', r"\\host\share"),
        ('"null"', "null"),
    ],
)
def test_quoted_value(written, text):
    middle = parse_where(f"a={written} and b IN ({written},{written}) and c={written}")

    assert middle == all_of(
        holds("a", "=", text),
        holds("b", "IN", text, text),
        holds("c", "=", text),
    )


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a='x''", "a='x'"),
        ("a='x'' ", "a='x'"),
        ("a=''' ", "a=''"),
        ("b=1 and a='O''Neil''", "b=1 and a='O''Neil'"),
        ("a=\u2018x\u2019\u2019", "a='x'"),
        ('a="x""', "a='x'"),
        ("a='x'\"", "a='x'"),
        ('a="x"\'', "a='x'"),
        ("a=\u201cx\u201d\u201d", "a='x'"),
        ('a > 2018-06-02T17:05:44Z"', "a > 2018-06-02T17:05:44Z"),
        ("a=1'", "a=1"),
        ("(a=1)'", "a=1"),
        ("a is null '", "a is null"),
        ("Name LIKE 'Acc%')", "Name LIKE 'Acc%'"),
        ("(a=1) ) ", "a=1"),
        (r"a='C:\'", r"a='C:\\'"),
        (r"a='C:\\\'", r"a='C:\\\\'"),
    ],
)
def test_one_surplus_quote_or_parenthesis_at_the_end(text, plain):
    assert parse_where(text) == parse_where(plain)


QUOTES = st.sampled_from(["''", '""', "\u2018\u2019", "\u201c\u201d", "\u201e\u201c"])
TEXTS = st.text(
    st.one_of(st.sampled_from("'\"\u2018\u2019\u201c\u201d\\ ,()=`"), st.characters())
)


def between(quotes, text):
    """Write a text between quotes, with what could close it escaped."""
    opening, closing = quotes
    closes = opening if opening == closing else "'\u2018\u2019\u201a"
    if opening in "\u201c\u201e":
        closes = '"\u201c\u201d\u201e'
    for mark in closes:
        text = re.sub(rf"(\\*){mark}", lambda run: 2 * run[1] + 2 * run[0][-1], text)
    text += "\\" * (len(text) - len(text.rstrip("\\")))
    return opening + text + closing


@given(QUOTES, TEXTS, QUOTES, TEXTS)
def test_any_text_between_any_quotes_is_that_text(quotes, text, others, name):
    written = between(quotes, text)

    tree = parse_where(
        f"{between(others, f'n{name}')} = {written} and b in ({written})"
    )

    assert tree == all_of(holds(f"n{name}", "=", text), holds("b", "IN", text))


def test_column_points_at_the_field():
    tree = parse_where(" a = 1 AND (NOT `b c` in (2,null))")

    assert [item.column for item in tree.items] == [2, 17, 17]
