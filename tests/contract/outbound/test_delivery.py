"""One POST to a caller's URL: what is sent, what is refused, and what ends it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
import time
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ports import closed_port
from receivers import LOOPBACK, answer, read_request

from bridge.errors import (
    DeliveryFailedError,
    DeliveryRefusedError,
    DeliveryTimeoutError,
)
from bridge.outbound.addresses import OutboundPolicy
from bridge.outbound.delivery import MAX_EXCERPT_BYTES, DeliveryResponse, post

BODY = '{"name":"Ünal",\r\n "x": 1 }\n'.encode()
JSON = {"Content-Type": "application/json"}
SHORT_S = 1.0
# Ten times the limit that is tested.
SHORT_MAX_S = 10 * SHORT_S


@pytest.fixture
def short():
    return OutboundPolicy(LOOPBACK, timeout_s=SHORT_S)


def head_of(request):
    """Return the request line, and the headers by name as sent."""
    line, *lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return line, dict(each.split(": ", 1) for each in lines)


def test_exact_bytes_headers_and_signature_arrive(serve, policy, resolve):
    receiver = serve()
    headers = {**JSON, "X-Custom-ID": "a b", "Authorization": "Basic YTpi"}

    response = post(
        receiver.url, BODY, headers, policy=policy, secret="käy", resolve=resolve
    )

    [request] = receiver.requests
    line, sent = head_of(request)
    assert request.partition(b"\r\n\r\n")[2] == BODY
    assert line == "POST /hook?key=s3cret HTTP/1.1"
    digest = hmac.new("käy".encode(), BODY, hashlib.sha256).digest()
    assert sent.pop("Elements-Webhook-Signature") == (
        f"sha256={base64.b64encode(digest).decode()}"
    )
    assert sent.pop("User-Agent").startswith("bridge/")
    assert sent == {
        **headers,
        "Host": f"rx.example:{receiver.port}",
        "Content-Length": str(len(BODY)),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    assert (response.status, response.excerpt) == (200, "ok")
    assert response.delivered
    assert not response.retryable
    assert 0 < response.duration_s < 30


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=200),
    secret=st.text(st.characters(exclude_categories=()), max_size=20),
)
def test_any_body_is_sent_and_signed_as_it_is(serve, policy, resolve, body, secret):
    receiver = serve()

    post(receiver.url, body, JSON, policy=policy, secret=secret, resolve=resolve)

    [request] = receiver.requests
    assert request.partition(b"\r\n\r\n")[2] == body
    _, sent = head_of(request)
    key = secret.encode(errors="surrogatepass")
    digest = hmac.new(key, body, hashlib.sha256).digest()
    signature = f"sha256={base64.b64encode(digest).decode()}" if secret else None
    assert sent.get("Elements-Webhook-Signature") == signature


def test_large_body_arrives_whole(serve, policy, resolve):
    receiver = serve()
    body = b"x" * 5_000_000

    assert post(receiver.url, body, JSON, policy=policy, resolve=resolve).delivered

    assert receiver.requests[0].partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize(
    ("status", "delivered"),
    [
        *((status, True) for status in (200, 201, 204, 299)),
        *((status, False) for status in (300, 304, 400, 404, 410, 429, 500)),
    ],
)
def test_status_says_whether_it_was_delivered(
    serve, policy, resolve, status, delivered
):
    receiver = serve(answer(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert response.status == status
    assert (response.delivered, response.retryable) == (delivered, not delivered)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_response_and_its_body_is_not_read(
    serve, policy, resolve, status
):
    other = serve()

    def redirect(connection, receiver):
        receiver.requests.append(read_request(connection))
        head = (
            f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other.port}/\r\n"
        )
        connection.sendall(f"{head}\r\n".encode())
        # Without an end: who reads it whole never returns.
        while True:
            connection.sendall(b"x" * 65536)

    receiver = serve(redirect)

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert response.status == status
    assert response.excerpt == "x" * MAX_EXCERPT_BYTES
    assert response.duration_s < policy.timeout_s
    assert (receiver.connections, other.connections) == (1, 0)


def test_only_the_start_of_a_huge_response_is_read(serve, policy, resolve):
    sent = []

    def flood(connection, receiver):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    receiver = serve(flood)

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert (response.status, len(response.excerpt)) == (500, MAX_EXCERPT_BYTES)
    assert receiver.closed.wait(60)
    assert sum(sent) < 50_000_000


def test_chunked_response_is_read(serve, policy, resolve):
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    head = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    receiver = serve(answer(head + body))

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert response.excerpt == "hello world"


def test_packed_response_is_not_unpacked(serve, policy, resolve):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    receiver = serve(answer(head + b"\x1f\x8bxx"))

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert response.excerpt == "\x1f\N{REPLACEMENT CHARACTER}xx"


def drip(*, head):
    """Return what sends a byte every tenth of a second: of the head, or of the body."""

    def act(connection, receiver):
        receiver.requests.append(read_request(connection))
        if not head:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        pause = threading.Event()
        while not pause.wait(0.1):
            connection.sendall(b"x")

    return act


def test_receiver_that_sends_its_head_byte_by_byte_is_cut(serve, short, resolve):
    receiver = serve(drip(head=True))
    started_at = time.monotonic()

    with pytest.raises(DeliveryTimeoutError, match="in time") as failure:
        post(receiver.url, BODY, JSON, policy=short, resolve=resolve)

    assert time.monotonic() - started_at < SHORT_MAX_S
    assert failure.value.retryable
    assert receiver.closed.wait(60)


def test_slow_body_after_the_status_does_not_change_the_outcome(serve, short, resolve):
    receiver = serve(drip(head=False))
    started_at = time.monotonic()

    response = post(receiver.url, BODY, JSON, policy=short, resolve=resolve)

    assert time.monotonic() - started_at < SHORT_MAX_S
    assert response.delivered
    assert set(response.excerpt) == {"x"}


def test_interim_responses_without_end_are_cut(serve, short, resolve):
    def act(connection, receiver):
        read_request(connection)
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    receiver = serve(act)

    with pytest.raises(DeliveryTimeoutError):
        post(receiver.url, BODY, JSON, policy=short, resolve=resolve)


def test_receiver_that_reads_nothing_is_cut(serve, short, resolve):
    ended = threading.Event()

    def act(connection, receiver):
        ended.wait(60)

    receiver = serve(act)
    try:
        with pytest.raises(DeliveryTimeoutError):
            post(receiver.url, b"x" * 50_000_000, JSON, policy=short, resolve=resolve)
    finally:
        ended.set()


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 20",
        b"nonsense\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_connection_without_a_response_is_a_failure(serve, policy, resolve, response):
    receiver = serve(answer(response))

    with pytest.raises(
        DeliveryFailedError, match="without a valid response"
    ) as failure:
        post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert failure.value.retryable
    assert not isinstance(failure.value, DeliveryTimeoutError)
    assert "s3cret" not in failure.value.message


def test_body_that_breaks_off_does_not_change_the_outcome(serve, policy, resolve):
    receiver = serve(answer(b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nhalf"))

    response = post(receiver.url, BODY, JSON, policy=policy, resolve=resolve)

    assert (response.status, response.excerpt) == (503, "half")


def test_refused_connection_is_a_failure(policy, resolve):
    with closed_port() as port, pytest.raises(DeliveryFailedError, match="refused"):
        post(f"http://rx.example:{port}/", BODY, JSON, policy=policy, resolve=resolve)


def test_name_without_an_address_is_a_failure(policy):
    def resolve(host):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(DeliveryFailedError, match="cannot be resolved") as failure:
        post("http://rx.example/", BODY, JSON, policy=policy, resolve=resolve)

    assert failure.value.retryable
    with pytest.raises(DeliveryFailedError, match="no address"):
        post("http://rx.example/", BODY, JSON, policy=policy, resolve=lambda _: [])


def test_label_that_no_resolver_accepts_is_a_failure(policy):
    with pytest.raises(DeliveryFailedError, match="cannot be resolved"):
        post(f"http://{'x' * 70}.example/", BODY, JSON, policy=policy)


def test_resolver_that_does_not_answer_is_cut(short):
    ended = threading.Event()
    started_at = time.monotonic()

    def resolve(host):
        ended.wait(60)
        return []

    try:
        with pytest.raises(DeliveryTimeoutError, match="not resolved in time"):
            post("http://rx.example/", BODY, JSON, policy=short, resolve=resolve)
    finally:
        ended.set()
    assert time.monotonic() - started_at < SHORT_MAX_S


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%1"],
    ],
)
def test_host_with_a_private_address_is_refused_unconnected(serve, addresses):
    receiver = serve()

    with pytest.raises(DeliveryRefusedError, match="private or reserved") as refusal:
        post(
            receiver.url,
            BODY,
            JSON,
            policy=OutboundPolicy(),
            resolve=lambda _: addresses,
        )

    assert not refusal.value.retryable
    assert receiver.connections == 0
    # A caller learns nothing of the network's names.
    assert not [each for each in addresses if each in refusal.value.message]
    assert "s3cret" not in refusal.value.message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_spellings_of_this_machine_are_refused_by_the_systems_resolver(serve, host):
    receiver = serve()

    with pytest.raises((DeliveryRefusedError, DeliveryFailedError)):
        post(f"http://{host}:{receiver.port}/", BODY, JSON, policy=OutboundPolicy())

    assert receiver.connections == 0


def test_systems_resolver_finds_what_is_allowed(serve, policy):
    receiver = serve()
    url = f"http://localhost:{receiver.port}/"

    assert post(url, BODY, JSON, policy=policy).delivered
    assert head_of(receiver.requests[0])[1]["Host"] == f"localhost:{receiver.port}"


def test_connection_goes_to_the_address_that_was_checked(serve, resolve):
    # A second look-up would lead to another address: the name exists nowhere else.
    receiver = serve(host="127.0.0.2")
    only = OutboundPolicy((ip_network("127.0.0.2/32"),))
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])

    response = post(
        receiver.url, BODY, JSON, policy=only, resolve=lambda _: next(answers)
    )

    assert response.delivered
    assert next(answers) == ["127.0.0.1"]


def test_next_address_is_tried_when_one_refuses(serve, policy):
    receiver = serve(host="127.0.0.2")

    response = post(
        receiver.url,
        BODY,
        JSON,
        policy=policy,
        resolve=lambda _: ["127.0.0.1", "127.0.0.2"],
    )

    assert response.delivered


def test_ipv6_address_as_the_host(serve, policy):
    receiver = serve(host="::1")

    assert post(f"http://[::1]:{receiver.port}/", BODY, JSON, policy=policy).delivered

    assert head_of(receiver.requests[0])[1]["Host"] == f"[::1]:{receiver.port}"


def test_nothing_is_read_from_the_environment(
    serve, policy, resolve, monkeypatch, tmp_path
):
    proxy, receiver = serve(), serve()
    (tmp_path / ".netrc").write_text("machine rx.example login ann password s3cret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    assert post(receiver.url, BODY, JSON, policy=policy, resolve=resolve).delivered

    assert proxy.connections == 0
    assert "Authorization" not in head_of(receiver.requests[0])[1]


def test_bad_headers_are_refused_before_a_look_up(policy, resolve):
    with pytest.raises(DeliveryRefusedError, match="Host"):
        post("http://rx.example/", BODY, {"Host": "x"}, policy=policy, resolve=resolve)

    assert resolve.hosts == []


def test_repr_of_a_response_does_not_show_what_the_receiver_sent():
    assert "s3cret" not in repr(DeliveryResponse(500, "s3cret", 0.1))


def test_secret_is_in_no_error(serve, policy, resolve):
    receiver = serve(answer(b""))

    with pytest.raises(DeliveryFailedError) as failure:
        post(
            receiver.url,
            BODY,
            {"X-Key": "s3cret"},
            policy=policy,
            secret="s3cret",
            resolve=resolve,
        )

    error = failure.value
    assert "s3cret" not in f"{error} {error!r} {error.__cause__!r}"
