"""Request bodies: read loosely where it is harmless, refused where it is not."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError
from bridge.web.bodies import MAX_DEPTH, parse_object

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text("ab"), children),
    max_leaves=10,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text("abc"), VALUES), st.booleans(), st.booleans())
def test_an_object_comes_back_exactly(value, ascii_only, bom):
    text = json.dumps(value, ensure_ascii=ascii_only)

    assert parse_object(text.encode("utf-8-sig" if bom else "utf-8")) == value


@given(st.binary())
def test_no_body_whatever_fails_otherwise(body):
    with contextlib.suppress(InvalidRequestError):
        parse_object(body)


def test_of_members_with_one_name_the_last_counts():
    assert parse_object(b'{"a":1,"a":2}') == {"a": 2}


def test_whole_numbers_stay_exact():
    digits = "12345678901234567890123"

    assert parse_object(f'{{"a":{digits}}}'.encode()) == {"a": int(digits)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty; send a JSON object"),
        (b" \r\n", "is empty; send a JSON object"),
        (b"{", "line 1, column 2"),
        (b'{"a":\n nope}', "line 2, column 2"),
        (b'{"a":1} {"b":2}', "line 1, column 9"),
        (b"null", "must be a JSON object"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "UTF-8"),
        (b'{"a":' + b"9" * 5000 + b"}", "too long"),
        (b'{"a":' + b"[" * 100_000, "nested deeper"),
        (b'{"a":"\n"}', "line 1"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(body, message):
    with pytest.raises(InvalidRequestError) as caught:
        parse_object(body)

    assert message in caught.value.message


def nested(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_depth_is_limited():
    parse_object(nested(MAX_DEPTH))
    with pytest.raises(InvalidRequestError, match="nested deeper"):
        parse_object(nested(MAX_DEPTH + 1))


def test_a_surrogate_pair_is_one_character():
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}
