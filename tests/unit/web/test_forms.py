"""URL-encoded forms in the charset that they name, or must mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidRequestError, UnsupportedMediaError
from bridge.web.http.forms import parse_url_encoded


@pytest.mark.parametrize(
    ("body", "charset", "form"),
    [
        (b"a=J%C3%B6rg&b=x+y&a=2", "", {"a": "J\u00f6rg", "b": "x y"}),
        (b"a=J%F6rg&%E9=&c", "", {"a": "J\u00f6rg", "\u00e9": "", "c": ""}),
        ("a=J\u00f6rg".encode(), "", {"a": "J\u00f6rg"}),
        (b"a=J%F6rg%80", "iso-8859-1", {"a": "J\u00f6rg\u20ac"}),
        (b"a=J\xf6r%67", "windows-1252", {"a": "J\u00f6rg"}),
        (b"a=J%9Arg", "macintosh", {"a": "J\u00f6rg"}),
        (b"a=%83A&b=100%", "shift_jis", {"a": "\u30a2", "b": "100%"}),
        (b"", "", {}),
        (b"&&", "utf-8", {}),
    ],
)
def test_a_form_is_decoded_by_its_charset_or_as_a_query(body, charset, form):
    assert parse_url_encoded(body, charset) == form


@pytest.mark.parametrize(
    ("body", "charset", "says"),
    [
        (b"a=J%F6rg", "utf-8", "not valid utf-8"),
        (b"a=J\xf6rg", "", "not valid UTF-8; send UTF-8"),
        (b"a=%81", "windows-1252", "not valid windows-1252"),
    ],
)
def test_a_form_in_no_charset_is_refused(body, charset, says):
    with pytest.raises(InvalidRequestError, match=says):
        parse_url_encoded(body, charset)


def test_an_unknown_charset_is_refused():
    with pytest.raises(UnsupportedMediaError, match="klingon"):
        parse_url_encoded(b"a=b", "klingon")


@given(st.binary())
def test_no_escaped_bytes_are_lost_or_refused(data):
    body = b"a=" + b"".join(b"%%%02X" % byte for byte in data)

    text = parse_url_encoded(body)["a"]

    assert "\ufffd" not in text or "\ufffd".encode() in data
    assert text.isascii() is data.isascii()
