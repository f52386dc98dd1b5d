"""What `where` may not say, and where the error points."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ceql.parser import MAX_CONDITIONS, MAX_DEPTH, MAX_LENGTH, parse_where
from bridge.errors import InvalidQueryError


@pytest.mark.parametrize(
    ("text", "complaint", "position"),
    [
        ("accountName=", "value expected at position 12", 12),
        ("accountName= ", "value expected at position 12", 12),
        ("accountName", "operator expected at position 11", 11),
        ("a b", "operator expected at position 2, found 'b'", 2),
        ("a == 1", "operator expected at position 2, found '=='", 2),
        ("a ! 1", "operator expected at position 2, found '!'", 2),
        ("a => 1", "operator expected at position 2, found '=>'", 2),
        ("a not 1", "LIKE or IN expected at position 6, found '1'", 6),
        ("a is 1", "NULL or NOT NULL expected at position 5, found '1'", 5),
        ("a is not 1", "NULL expected at position 9, found '1'", 9),
        ("a in 1", "opening parenthesis expected at position 5, found '1'", 5),
        ("a in ()", "value expected at position 6, found ')'", 6),
        ("a in (1,)", "value expected at position 8, found ')'", 8),
        ("a in (1", "closing parenthesis expected at position 7", 7),
        ("a in (1 2)", "closing parenthesis expected at position 8, found '2'", 8),
        ("(a=1", "closing parenthesis expected at position 4", 4),
        ("a='x", "closing quote expected at position 4", 4),
        ("a='", "closing quote expected at position 3", 3),
        ("a='x' 'y'", 'AND or OR expected at position 6, found "\'"', 6),
        ("a=1 b", "AND or OR expected at position 4, found 'b'", 4),
        ("a=1))", "AND or OR expected at position 3, found ')'", 3),
        ("a='x')'", "AND or OR expected at position 5, found ')'", 5),
        ("a='x'' AND b=1", "closing quote expected at position 14", 14),
        ("a=1 and", "field name expected at position 7", 7),
        ("and", "operator expected at position 3", 3),
        ("''=1", 'field name expected at position 0, found "\'"', 0),
        ('b=1 and " " = 1', "field name expected at position 8, found '\"'", 8),
        ("'a=1", "closing quote expected at position 4", 4),
        ("'a'", "operator expected at position 3", 3),
        ("'a' 'b' = 1", 'operator expected at position 4, found "\'"', 4),
        ('a="x', "closing quote expected at position 4", 4),
        ('a="', "closing quote expected at position 3", 3),
        ("a=\u201cx", "closing quote expected at position 4", 4),
        ('a="x\u201d', "closing quote expected at position 5", 5),
        ("a=\"x'", "closing quote expected at position 5", 5),
        ("a='x\" and b=1", "closing quote expected at position 13", 13),
        ('a in ("x", "y)', "closing quote expected at position 14", 14),
        ('a="x" "y"', "AND or OR expected at position 6, found '\"'", 6),
        ("1=1", "field name expected at position 0, found '1'", 0),
        ("``=1", "field name expected at position 0, found '`'", 0),
        ("`a=1", "field name expected at position 0, found '`'", 0),
        ("not", "field name expected at position 3", 3),
        ("()", "field name expected at position 1, found ')'", 1),
        ("a > null", "value other than null after > expected at position 4", 4),
        ("a like NULL", "value other than null after LIKE expected at position 7", 7),
    ],
)
def test_error_names_what_was_expected_and_where(text, complaint, position):
    with pytest.raises(InvalidQueryError) as caught:
        parse_where(text)

    assert caught.value.message.startswith(f"Invalid where expression: {complaint}")
    assert caught.value.column == position + 1


def test_message_is_the_documented_one_to_the_letter():
    with pytest.raises(InvalidQueryError) as caught:
        parse_where("accountName=")

    assert caught.value.message == (
        "Invalid where expression: value expected at position 12."
    )


def test_long_junk_is_not_repeated_in_the_message():
    with pytest.raises(InvalidQueryError) as caught:
        parse_where("a " + "x" * 5000)

    assert len(caught.value.message) < 100


def test_depth_limit():
    deepest = "(" * MAX_DEPTH + "a=1" + ")" * MAX_DEPTH

    assert parse_where(deepest) == parse_where("a=1")
    with pytest.raises(InvalidQueryError, match="nested deeper than 100 at pos"):
        parse_where(f"({deepest})")


def test_depth_counts_open_parentheses_only():
    assert parse_where(" or ".join(["(a=1)"] * (MAX_DEPTH + 1))) is not None


def test_condition_limit():
    allowed = " or ".join(["a=1"] * MAX_CONDITIONS)

    assert len(parse_where(allowed).items) == MAX_CONDITIONS
    with pytest.raises(InvalidQueryError, match="more than 1000 conditions") as caught:
        parse_where(f"{allowed} or b=2")
    assert caught.value.column == len(allowed) + 5


def test_length_limit():
    text = "a='" + "x" * (MAX_LENGTH - 4) + "'"

    assert parse_where(text) is not None
    with pytest.raises(InvalidQueryError, match="longer than 100000 characters"):
        parse_where(f"{text} ")


@pytest.mark.parametrize(
    "text",
    [
        "(" * MAX_LENGTH,
        "not " * (MAX_LENGTH // 4),
        "not(" * (MAX_LENGTH // 4),
        "a='" + "\\" * (MAX_LENGTH - 3),
        "a='" + "'" * (MAX_LENGTH - 3),
        "a='" + "\\'" * (MAX_LENGTH // 2 - 2),
        "`" * MAX_LENGTH,
        " " * (MAX_LENGTH - 1) + "a",
        "a" + " " * (MAX_LENGTH - 2) + "'",
        'a="' + '"' * (MAX_LENGTH - 3),
        "a=\u201c" + '\\"' * (MAX_LENGTH // 2 - 2),
        "'" * MAX_LENGTH,
        "a in (" + "1," * (MAX_LENGTH // 2 - 3),
        "a" * MAX_LENGTH,
        "=" * MAX_LENGTH,
        "a=2018-06-02T17:05:44." + "0" * (MAX_LENGTH - 30),
        "not" + " " * (MAX_LENGTH - 10) + "not",
    ],
)
def test_unkind_texts_end_quickly(text):
    started = time.process_time()
    with contextlib.suppress(InvalidQueryError):
        parse_where(text)

    assert time.process_time() - started < 5


WORDS = r"""
    a b.c `d e` `` ` not and or like in is null value 1 'x' % * [ ] . - _
    = != <> < >= == ! ( ) , ' '' \ \' \\' 2018-06-02T17:05:44 -07:00 0700
"""
ODD = [
    "\u2018",
    "\u2019",
    "\u201c",
    "\u201d",
    "\u201e",
    '"',
    '""',
    '\\"',
    "\u0131",
    "\u212a",
    "\x00",
    "\ud800",
]
FRAGMENTS = st.sampled_from([*WORDS.split(), *ODD, " ", "\n", "\u00a0"])


def refusal(text):
    """Return the error that refuses `text`; None when it parses."""
    try:
        parse_where(text)
    except InvalidQueryError as error:
        return error
    return None


@settings(max_examples=250, deadline=None)
@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=30).map("".join)))
def test_any_text_parses_or_is_refused_with_a_position(text):
    error = refusal(text)

    if error:
        position = re.search(r"at position (\d+)", error.message)
        assert error.column == int(position[1]) + 1 <= len(text) + 1


@settings(max_examples=250, deadline=None)
@given(st.lists(FRAGMENTS, max_size=20).map(" ".join))
def test_any_words_parse_or_are_refused(text):
    error = refusal(text)

    assert error is None or error.message.startswith("Invalid where expression: ")
