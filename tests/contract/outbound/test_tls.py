"""HTTPS to callers' URLs: the certificate is verified for the URL's host."""

from __future__ import annotations

import ssl
import threading

import pytest
from receivers import LOOPBACK

from bridge.errors import DeliveryFailedError, DeliveryTimeoutError
from bridge.outbound.addresses import OutboundPolicy
from bridge.outbound.connections import tls_context
from bridge.outbound.delivery import post


@pytest.fixture
def send(policy, resolve, authority):
    def send(url, *, policy=policy, tls=None):
        return post(
            url,
            b"{}",
            {},
            policy=policy,
            resolve=resolve,
            tls=tls or authority.client(),
        )

    return send


def test_certificate_for_the_host_is_accepted_at_the_checked_address(
    serve, send, authority
):
    receiver = serve(tls=authority.server("rx.example"))

    response = send(f"https://rx.example:{receiver.port}/hook")

    assert response.delivered
    assert receiver.names == ["rx.example"]
    [request] = receiver.requests
    assert f"Host: rx.example:{receiver.port}\r\n".encode() in request


def test_final_dot_is_not_part_of_a_certificates_name(serve, send, authority):
    receiver = serve(tls=authority.server("rx.example"))

    assert send(f"https://rx.example.:{receiver.port}/").delivered
    assert receiver.names == ["rx.example"]


def test_certificate_for_an_address_is_accepted(serve, send, authority):
    receiver = serve(tls=authority.server("127.0.0.1"))

    assert send(f"https://127.0.0.1:{receiver.port}/").delivered


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1", "*.rx.example"])
def test_certificate_for_another_name_is_refused_and_nothing_is_sent(
    serve, send, authority, name
):
    receiver = serve(tls=authority.server(name))

    with pytest.raises(DeliveryFailedError, match="not valid for") as failure:
        send(f"https://rx.example:{receiver.port}/")

    assert failure.value.retryable
    assert receiver.closed.wait(60)
    assert receiver.requests == []


def test_unknown_authority_is_refused(serve, send, authority):
    receiver = serve(tls=authority.server("rx.example"))

    with pytest.raises(DeliveryFailedError, match="unable to get local issuer"):
        send(f"https://rx.example:{receiver.port}/", tls=tls_context())

    assert receiver.closed.wait(60)
    assert receiver.requests == []


def test_server_without_tls_is_a_failure(serve, send):
    def act(connection, receiver):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 This is HTTP\r\n\r\n")

    receiver = serve(act)

    with pytest.raises(DeliveryFailedError, match="no secure connection"):
        send(f"https://rx.example:{receiver.port}/")


def test_connection_that_ends_in_the_handshake_is_a_failure(serve, send):
    receiver = serve(lambda connection, _: connection.recv(10))

    with pytest.raises(DeliveryFailedError, match="no secure connection"):
        send(f"https://rx.example:{receiver.port}/")


def test_handshake_that_does_not_go_on_is_cut(serve, send):
    ended = threading.Event()
    receiver = serve(lambda _connection, _receiver: ended.wait(60))

    try:
        with pytest.raises(DeliveryTimeoutError, match="in time"):
            send(
                f"https://rx.example:{receiver.port}/",
                policy=OutboundPolicy(LOOPBACK, timeout_s=1),
            )
    finally:
        ended.set()


def test_response_that_drips_through_tls_is_cut(serve, send, authority):
    def act(connection, receiver):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        pause = threading.Event()
        while not pause.wait(0.1):
            connection.sendall(b"x")

    receiver = serve(act, tls=authority.server("rx.example"))

    with pytest.raises(DeliveryTimeoutError, match="in time"):
        send(
            f"https://rx.example:{receiver.port}/",
            policy=OutboundPolicy(LOOPBACK, timeout_s=1),
        )
    assert receiver.closed.wait(60)


def test_authorities_are_those_of_the_system_and_old_versions_are_refused():
    context = tls_context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50
