"""File responses: safe names in headers and on disk."""

import re

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from bridge.web.http.file_responses import OCTETS, disposition, file_response

SENDABLE = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40
)


@given(SENDABLE)
def test_a_name_comes_back_from_the_header(name):
    header = disposition(name)

    assert re.fullmatch(r"[\x20-\x7e]+", header)
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", name)


@given(st.text(max_size=40))
def test_any_text_makes_a_header_of_one_line(name):
    assert re.fullmatch(r'attachment; filename="[^"\\%]*"(; \S+)?', disposition(name))


@pytest.mark.parametrize(
    ("content_type", "sent"),
    [
        ("image/svg+xml", "image/svg+xml"),
        ('text/plain; charset="utf-8"', 'text/plain; charset="utf-8"'),
        ("", OCTETS),
        ("pdf", OCTETS),
        ("text/html\r\nSet-Cookie: x", OCTETS),
    ],
)
def test_an_invalid_media_type_becomes_octet_stream(content_type, sent):
    with Flask(__name__).test_request_context():
        answer = file_response(b"abc", name="a", content_type=content_type)

    assert answer.headers["Content-Type"] == sent
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Length"] == "3"
    assert answer.is_streamed
