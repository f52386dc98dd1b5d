"""A head is whole, or not worth waiting for, whatever pieces it came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.server.heads import Head

GET = b"GET /a b?where=c HTTP/1.1\r\nHost: bridge\r\n"

READY = {
    "whole": GET + b"\r\n",
    "with a body": GET + b"Content-Length: 2\r\n\r\nok",
    "no headers": b"GET / HTTP/1.0\r\n\r\n",
    "an empty line before it": b"\r\n" + GET + b"\r\n",
    "two empty lines before it": b"\r\n\r\n",
    "no request line": b"HELO example\r\n",
    "another protocol's version": b"GET / HTTQ/1.1\r\n",
    "a line that ended with a line feed": b"GET / HTTP/1.1\n",
    "a header that did": b"GET / HTTP/1.1\r\nHost: x\nA",
    "only a line feed and more": b"\nG",
}
UNDER_WAY = {
    "nothing": b"",
    "half a method": b"GE",
    "half a line": b"GET / HTTP/1.1\r",
    "no end": GET,
    "half an end": GET + b"\r",
    "half an empty line": b"\r",
}


def head(*pieces):
    made = Head(max_line_bytes=100, max_headers_bytes=200)
    for piece in pieces:
        made.add(piece)
    return made


@pytest.mark.parametrize("sent", READY.values(), ids=READY)
def test_a_complete_head_is_ready_in_any_chunks(sent):
    assert head(sent).is_ready
    assert head(*(bytes([byte]) for byte in sent)).is_ready
    assert not head(sent).is_too_long


@pytest.mark.parametrize("sent", UNDER_WAY.values(), ids=UNDER_WAY)
def test_an_incomplete_head_is_not_ready(sent):
    assert not head(sent).is_ready
    assert not head(*(bytes([byte]) for byte in sent)).is_ready


@pytest.mark.parametrize(
    "sent", [b"GET /" + b"x" * 100, GET + b"A: " + b"x" * 200], ids=["line", "headers"]
)
def test_a_head_over_a_limit_is_ready(sent):
    for made in (head(sent), head(*(bytes([byte]) for byte in sent))):
        assert made.is_ready
        assert made.is_too_long


def test_headers_up_to_the_limit_are_not_ready():
    line = b"GET / HTTP/1.1\r\n"

    assert not head(line, b"x" * 200).is_ready
    assert head(line, b"x" * 201).is_ready


def test_drain_returns_all_bytes_and_resets():
    made = head(GET, b"\r\nGET /next")

    assert made.drain() == GET + b"\r\nGET /next"
    assert (len(made), made.is_ready) == (0, False)
    made.add(GET + b"\r\n")
    assert made.is_ready


@given(
    st.lists(
        st.sampled_from([b"\r", b"\n", b" ", b"G", b"GET / HTTP/1.1", b"\r\n", b"A:"]),
        max_size=12,
    ),
    st.data(),
)
def test_chunks_do_not_change_the_result(parts, data):
    sent = b"".join(parts)
    cut = data.draw(st.integers(0, len(sent)))

    whole, pieces = head(sent), head(sent[:cut], sent[cut:])

    # A head that is ready stays ready; later bytes are not checked.
    assert pieces.is_ready == (whole.is_ready or head(sent[:cut]).is_ready)
