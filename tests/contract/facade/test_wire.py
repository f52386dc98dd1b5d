"""What the server reads and writes, byte for byte."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import ExitStack, suppress

import pytest

LIMIT = 20_000


def get(target, *headers):
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: bridge", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(body, *headers):
    lines = [b"POST /things HTTP/1.1", b"Host: bridge", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_header_names_keep_their_case_and_server_comes_last_and_once(wire):
    [answer] = wire.talk(get(b"/"))

    assert b"X-ODD-cASE" in answer.names
    assert answer.names[-2:] == [b"Elements-Returned-Count", b"Server"]
    assert answer.names.count(b"Server") == 1
    assert b"imposter" not in answer.head


def test_the_php_client_cuts_the_count_out_of_the_raw_headers(wire):
    [answer] = wire.talk(get(b"/"))

    start = answer.head.index(b"Elements-Returned-Count:")
    start += len(b"Elements-Returned-Count:")
    cut = answer.head[start : answer.head.index(b"Server:", start)]

    assert cut.strip() == b"7"


@pytest.mark.parametrize(
    ("target", "query"),
    [
        (b"/a?where=name like 'Har%'", "where=name%20like%20'Har%'"),
        (b'/a?where=name="x"&b=<>|{}', 'where=name="x"&b=<>|{}'),
        ("/a?where=name='Zoë'".encode(), "where=name='Zo%C3%AB'"),
        ("/a?where=name='Zoë'".encode("latin-1"), "where=name='Zo%C3%AB'"),
        (b"/a?where=note='#1'", "where=note='%231'"),
        (b"/a?where=a HTTP/1.1 ", "where=a%20HTTP/1.1%20"),
    ],
)
def test_unencoded_request_targets_are_accepted(wire, target, query):
    [answer] = wire.talk(get(target))

    assert answer.status == 200
    assert answer.json()["query"] == query


def test_a_raw_utf_8_path_arrives_as_wsgi_wants_it(wire):
    [answer] = wire.talk(get("/Größe und mehr".encode()))

    assert answer.json()["path"].encode("latin-1").decode() == "/Größe und mehr"


def line_of(length):
    return b"/?w=" + b"x" * (length - len("GET /?w= HTTP/1.1"))


def test_a_request_line_of_20000_bytes_is_read(wire):
    [answer] = wire.talk(get(line_of(LIMIT)))

    assert answer.status == 200


def test_raw_bytes_do_not_count_more_than_they_are(wire):
    target = line_of(LIMIT).replace(b"x" * 6000, b"\xc3\xa9" * 3000)

    [answer] = wire.talk(get(target))

    assert answer.status == 200


@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 60_000])
def test_a_longer_request_line_is_refused_with_the_envelope(wire, length):
    [answer] = wire.talk(get(line_of(length)))

    assert_refused(answer, 414)


def test_too_many_headers_are_refused_with_the_envelope(wire):
    [answer] = wire.talk(get(b"/", *[b"X-%d: 1" % n for n in range(200)]))

    assert_refused(answer, 431)


def test_a_token_of_512_characters_and_repeated_headers_arrive(wire):
    token = b"+/=" * 171

    [answer] = wire.talk(
        get(b"/", b"Authorization: User a", b"authorization: Element " + token)
    )

    assert answer.json()["authorization"] == f"User a,Element {token.decode()}"


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"ab", b"Content-Length: 2", b"Content-Length: 2"),
        post(b"ab", b"Content-Length: 2", b"Content-Length: 1"),
        post(b"0\r\n\r\n", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        post(
            b"0\r\n\r\n", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"
        ),
        post(b"0\r\n\r\n", b"Transfer-Encoding : chunked"),
        post(b"ab", b"Content-Length: +2"),
        post(b"ab", b"Content-Length: 2, 2"),
        post(b"ab", b"Transfer-Encoding: identity"),
        get(b"/", b"X-Folded: one", b" two"),
        get(b"/", b"Host: other"),
        get(b"/", b"no colon"),
        get(b"/", b"X-Control: a\x00b"),
        get(b"/a\x07b"),
        b"GET /\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/3.7\r\n\r\n",
        b"GET /\nHost: bridge\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_malformed_and_ambiguous_requests_are_refused(wire, request_bytes):
    found = wire.talk(request_bytes + get(b"/smuggled"))

    assert len(found) == 1
    assert_refused(found[0], 400)


def test_an_unknown_transfer_coding_is_refused(wire):
    [answer] = wire.talk(post(b"ab", b"Transfer-Encoding: br"))

    assert_refused(answer, 501)


def test_an_unknown_expectation_is_refused(wire):
    [answer] = wire.talk(get(b"/", b"Expect: miracles"))

    assert_refused(answer, 417)


def test_a_refusal_repeats_nothing_that_was_sent(wire):
    [answer] = wire.talk(get(b"/", b"Authorization User s3cr3t"))

    assert b"s3cr3t" not in answer.body


def test_a_failing_application_gets_the_json_error(wire):
    [answer] = wire.talk(get(b"/fails"))

    assert_refused(answer, 500)
    assert b"secret" not in answer.body


def assert_refused(answer, status):
    body = answer.json()
    assert answer.status == status
    assert set(body) == {"requestId", "message"}
    assert len(body["requestId"]) == 24
    assert answer.header(b"Elements-Request-Id").decode() == body["requestId"]
    assert answer.header(b"Content-Type") == b"application/json;charset=UTF-8"
    assert answer.header(b"Connection") == b"close"
    assert answer.names[-1] == b"Server"


def test_chunked_bodies_are_read(wire):
    body = b'4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n'

    [answer] = wire.talk(post(body, b"Transfer-Encoding: chunked"))

    assert answer.json()["body"] == '{"a":1}'


def test_pipelined_requests_get_responses_in_order(wire):
    first = post(b"one", b"Content-Length: 3")

    found = wire.talk(first + get(b"/two") + get(b"/three", b"Connection: close"))

    assert [answer.json()["path"] for answer in found] == ["/things", "/two", "/three"]
    assert found[0].json()["body"] == "one"
    assert found[-1].header(b"Connection") == b"close"


def test_a_connection_is_kept_for_the_next_request(wire):
    with wire.connect() as connection:
        for path in (b"/one", b"/two"):
            connection.sendall(get(path))
            answer = receive(connection)
            assert answer.endswith(b"}")
            assert b"Connection: keep-alive" in answer


def test_the_server_itself_trusts_no_forwarded_header(wire):
    [answer] = wire.talk(get(b"/", b"X-Forwarded-Proto: https", b"X-Script-Name: /a"))

    assert answer.json()["scheme"] == "http"


def test_http_1_0_gets_a_response_and_the_connection_is_closed(wire):
    [answer] = wire.talk(b"GET /old HTTP/1.0\r\n\r\n")

    assert answer.json()["path"] == "/old"
    assert answer.header(b"Connection") == b"close"


def test_head_has_headers_and_no_body(wire):
    with wire.connect() as connection:
        connection.sendall(get(b"/").replace(b"GET", b"HEAD"))
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(4096), b""))

    assert b"Content-Length: " in received
    assert received.endswith(b"\r\n\r\n")


def test_expect_100_continue_is_met_before_the_body(patient_wire):
    with patient_wire.connect() as connection:
        connection.sendall(post(b"", b"Content-Length: 2", b"Expect: 100-continue"))
        assert receive(connection).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")

        connection.sendall(b"ok")

        assert b'"body": "ok"' in receive(connection)


def receive(connection):
    """Return one read; responses of the echo server are small."""
    received = connection.recv(65536)
    while b"\r\n\r\n" not in received or (
        received.startswith(b"HTTP/1.1 200") and not received.endswith(b"}")
    ):
        more = connection.recv(65536)
        assert more, received
        received += more
    return received


def test_a_request_that_arrives_in_pieces_is_read(patient_wire):
    with patient_wire.connect() as connection:
        for piece in (
            b"GE",
            b"T /slow HTT",
            b"P/1.1\r\nHost: b",
            b"ridge\r\n\r",
            b"\n",
        ):
            connection.sendall(piece)
            time.sleep(0.02)

        assert b"/slow" in receive(connection)


def test_a_head_that_stalls_is_refused_in_time(wire):
    with wire.connect() as connection:
        connection.sendall(b"GET /stalled HTTP/1.1\r\nHost:")

        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"requestId" in answer


def test_a_head_that_trickles_is_refused_in_time(wire):
    with wire.connect() as connection:
        connection.sendall(b"GET /trickled HTTP/1.1\r\n")
        deadline = time.monotonic() + 100
        while not is_readable(connection) and time.monotonic() < deadline:
            connection.sendall(b"X-Drip: 1\r\n")
            time.sleep(0.2)

        assert is_readable(connection)
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


def is_readable(connection):
    connection.settimeout(0)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(120)


def test_silent_connections_block_no_thread(wire):
    silent = [wire.connect() for _ in range(6)]
    try:
        for connection in silent:
            connection.sendall(b"GET /partial HTTP/1.1\r\n")

        [answer] = wire.talk(get(b"/after"))

        assert answer.status == 200
    finally:
        for connection in silent:
            connection.close()


HALF = b"GET /partial HTTP/1.1\r\nHost: bridge\r\nX-a"


def test_incomplete_heads_block_no_thread(patient_wire):
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(patient_wire.connect())
            connection.sendall(HALF)
        kept = stack.enter_context(patient_wire.connect())
        kept.sendall(get(b"/kept") + HALF)
        assert b"/kept" in receive(kept)
        started = time.monotonic()

        [answer] = patient_wire.talk(get(b"/after"))

        assert answer.status == 200
        assert time.monotonic() - started < 50
        kept.sendall(b": 1\r\n\r\n")
        assert b"/partial" in receive(kept)


@pytest.mark.campaign
def test_the_oldest_of_too_many_heads_is_refused(patient_wire):
    with ExitStack() as stack:
        waiting = []
        for _ in range(270):
            connection = stack.enter_context(patient_wire.connect())
            connection.sendall(HALF)
            waiting.append(connection)

        assert waiting[0].recv(65536).startswith(b"HTTP/1.1 408 ")
        [answer] = patient_wire.talk(get(b"/after"))
        assert answer.status == 200
        waiting[-1].sendall(b": 1\r\n\r\n")
        assert b"/partial" in receive(waiting[-1])


@pytest.mark.campaign
def test_incomplete_heads_do_not_delay_the_stop(patient_server):
    process, wire = patient_server
    with wire.connect() as connection:
        connection.sendall(HALF)
        wire.talk(get(b"/"))
        process.terminate()

        assert process.wait(55) == 0


@pytest.mark.campaign
def test_an_interrupted_server_ends_at_once(mortal_server):
    process, wire = mortal_server
    wire.talk(get(b"/"))
    with wire.connect() as connection:
        connection.sendall(get(b"/takes-an-age"))
        time.sleep(0.5)

        process.send_signal(signal.SIGINT)

        assert process.wait(55) == 0
        with suppress(ConnectionResetError):
            assert connection.recv(65536) == b""


def test_a_caller_that_is_slow_to_close_delays_no_other(wire):
    with wire.connect() as lazy:
        lazy.sendall(get(b"/", b"Connection: close"))
        receive(lazy)
        started = time.monotonic()

        [answer] = wire.talk(get(b"/next"))

        assert answer.status == 200
        assert time.monotonic() - started < 15


def test_a_caller_that_disconnects_in_its_body_blocks_no_thread(wire):
    with wire.connect() as connection:
        connection.sendall(post(b"half", b"Content-Length: 100"))

    [answer] = wire.talk(get(b"/after"))

    assert answer.status == 200


def test_a_stopped_server_finishes_running_requests_and_logs_nothing(mortal_server):
    process, wire = mortal_server
    wire.talk(get(b"/"))
    with wire.connect() as connection:
        connection.sendall(get(b"/takes-its-time"))
        assert process.stdout.readline() == b"begun\n"

        process.terminate()

        answer = receive(connection)
    _, said = process.communicate(timeout=120)

    assert b"/takes-its-time" in answer
    assert process.returncode == 0
    assert said == b""


def test_refusals_are_logged_without_what_was_sent(mortal_server):
    process, wire = mortal_server
    [answer] = wire.talk(get(b"/", b"Authorization User s3cr3t"))

    process.terminate()
    _, said = process.communicate(timeout=120)

    assert answer.json()["requestId"].encode() in said
    assert b"s3cr3t" not in said
