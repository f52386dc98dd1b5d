"""Request bodies: read loosely where it is harmless, refused where it is not."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError, UnsupportedMediaError
from bridge.web.http.bodies import MAX_DEPTH, parse_object

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
def test_any_invalid_body_is_an_invalid_request(body):
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
def test_a_body_that_is_not_a_json_object_is_refused_with_the_reason(body, message):
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


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("iso-8859-1", "latin-1"),
        ("ISO-8859-1", "cp1252"),
        ("latin1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("Cp1252", "cp1252"),
        ("iso-8859-15", "iso8859-15"),
        ("UTF-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        (" utf-8 ", "utf-8-sig"),
        ("'UTF-8',", "utf-8"),
        ("macintosh", "mac-roman"),
    ],
)
def test_a_body_is_decoded_by_its_charset(charset, encoding):
    body = {"firstName": "J\u00f6rg", "city": "Orl\u00e9ans"}

    text = json.dumps(body, ensure_ascii=False)

    assert parse_object(text.encode(encoding), charset) == body


def test_iso_8859_1_is_decoded_as_windows_1252():
    assert parse_object(b'{"a":"5 \x80 \x93x\x94\x81"}', "iso-8859-1") == {
        "a": "5 \u20ac \u201cx\u201d\x81"
    }


@pytest.mark.parametrize(
    ("body", "charset", "says"),
    [
        (b'{"a":"\xf6"}', "", "not valid UTF-8; send UTF-8, or name the charset"),
        (b'{"a":"\xf6"}', "utf-8", "is not valid utf-8."),
        (b'{"a":"\xf6"}', "us-ascii", "is not valid us-ascii."),
        (b'{"a":"\x81"}', "windows-1252", "is not valid windows-1252."),
        (b'{"a":1}', "utf-16", "is not valid utf-16."),
    ],
)
def test_a_body_invalid_in_its_charset_is_refused(body, charset, says):
    with pytest.raises(InvalidRequestError) as caught:
        parse_object(body, charset)

    assert says in caught.value.message


@pytest.mark.parametrize(
    "charset",
    ["klingon", "base64", "zlib", "rot13", "idna", "undefined", "\xe9", "x" * 99],
)
def test_an_unknown_charset_is_refused_by_name(charset):
    with pytest.raises(UnsupportedMediaError, match="send UTF-8") as caught:
        parse_object(b"{}", charset)

    assert charset[:40] in caught.value.message
