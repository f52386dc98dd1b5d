"""The form of what the server itself refuses: versions, HEAD, other origins, chunks."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.server.error_responses import RequestSummary, summarize
from bridge.web.http import cors

API = b"/elements/api-v2/hubs/crm/accounts"
ORIGIN = b"Origin: https://app.example"


def request(method, target, *headers, version=b"HTTP/1.1"):
    lines = [method + b" " + target + b" " + version, b"Host: bridge", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def raw(wire, sent):
    """Send bytes and return all that comes back until the server closes."""
    with wire.connect() as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize("minor", [b"2", b"3", b"9"])
@pytest.mark.parametrize("target", [b"/", b"/fails"])
def test_a_later_minor_version_gets_ours(wire, minor, target):
    version = b"HTTP/1." + minor

    [first, second] = wire.talk(
        request(b"GET", b"/", version=version)
        + request(b"GET", target, b"Connection: close", version=version)
    )

    assert first.head.startswith(b"HTTP/1.1 200 ")
    assert first.header(b"Connection") == b"keep-alive"
    assert second.head.startswith(b"HTTP/1.1 ")


def test_a_chunked_body_of_a_later_minor_version_is_read(wire):
    sent = request(b"POST", b"/", b"Transfer-Encoding: chunked", version=b"HTTP/1.2")

    [answer] = wire.talk(sent + b"2\r\nok\r\n0\r\n\r\n")

    assert answer.json()["body"] == "ok"


REFUSED = {
    400: [b"no colon"],
    417: [b"Expect: miracles"],
    431: [b"X-%d: 1" % number for number in range(200)],
    501: [b"Transfer-Encoding: br"],
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_of_head_has_no_body(wire, status):
    received = raw(wire, request(b"HEAD", b"/", *REFUSED[status]))

    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert re.search(rb"\r\nContent-Length: [1-9]", received)
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"HEAD", b"/" + b"x" * 30_000), 414),
        (request(b"HEAD", b"/fails"), 500),
        (b"HEAD /\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: br", 408),
        (b"\r\nHEAD / HTTP/1.1\nHost: bridge\n\n", 400),
    ],
)
def test_any_other_refusal_of_head_has_no_body_either(wire, sent, status):
    received = raw(wire, sent)

    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("target", [API, b"//elements/api-v2/", b"http://b" + API])
def test_refusals_of_the_api_name_the_origin(wire, status, target):
    [answer] = wire.talk(request(b"GET", target, ORIGIN, *REFUSED[status]))

    assert answer.status == status
    assert answer.header(b"Access-Control-Allow-Origin") == b"https://app.example"
    assert answer.header(b"Access-Control-Allow-Credentials") == b"true"
    assert b"Elements-Request-Id" in answer.header(b"Access-Control-Expose-Headers")
    assert answer.header(b"Vary") == b"Origin"
    assert answer.names[-1] == b"Server"


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize(
    "target", [b"/elements/api-v1/ui/getSecrets", b"/elements/api-v2x/", b"/docs"]
)
def test_refusals_of_other_routes_do_not(wire, status, target):
    [answer] = wire.talk(request(b"GET", target, ORIGIN, *REFUSED[status]))

    assert answer.status == status
    assert b"Access-Control" not in answer.head


def test_a_summary_holds_method_path_and_origin():
    found = summarize(request(b"GET", API + b"?a=b c", ORIGIN))

    assert found == RequestSummary("GET", API.decode(), "https://app.example")


@given(st.binary(max_size=200))
@example(b"GET http://[::1 HTTP/1.1")
@example(b"GET /elements/api-v2/ HTTP/1.1\r\nA: 1\r\n\r\nOrigin: https://in.the.body")
@example(b"GET / HTTP/1.1\r\nOrigin: a\r\nOrigin: b")
@example(b"HEAD \xff\xfe%zz HTTP/1.1\r\norigin:\xff\r\nX: \x00")
def test_any_head_has_a_summary_that_can_be_sent(head):
    found = summarize(head)

    headers = cors.response_headers(found.path, found.origin)
    assert set(headers.get("Access-Control-Allow-Origin", "x")) <= set(
        map(chr, range(0x21, 0x7F))
    )
    assert "in.the.body" not in found.origin


def chunked(*sizes, limit=10):
    head = request(
        b"POST", b"/things", b"Transfer-Encoding: chunked", b"X-Limit: %d" % limit
    )
    *whole, last = sizes
    body = b"".join(b"%X\r\n%s\r\n" % (size, b"x" * size) for size in whole)
    return head + body + b"%X\r\n" % last


@pytest.mark.parametrize("sizes", [(11,), (10**12,), (3, 3, 5), (10, 1)])
def test_chunks_that_announce_too_much_are_refused_before_they_come(wire, sizes):
    with wire.connect() as connection:
        connection.sendall(chunked(*sizes))

        # Neither the chunk nor the end of the connection was sent.
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("sizes", [(10,), (1, 9), (4, 3, 3)])
def test_chunks_up_to_the_limit_are_read(wire, sizes):
    [answer] = wire.talk(chunked(*sizes, 0) + b"\r\n")

    assert answer.json()["body"] == "x" * 10
