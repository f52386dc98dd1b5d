"""HTTPS without a proxy: the same bytes, a renewed certificate, callers that stall."""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.errors import ConfigurationError
from bridge.server.tls import Certificates

ECHO_SERVER = Path(__file__).with_name("echo_server.py")
HASTE_S = 4
REQUEST = b"GET /x?where=a b HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"


def write_certificate(directory, name, *, password=None):
    """Write a certificate for 127.0.0.1 and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    sealed = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    chain, secret = directory / "cert.pem", directory / "key.pem"
    _replace(chain, certificate.public_bytes(serialization.Encoding.PEM))
    _replace(
        secret,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed
        ),
    )
    return chain, secret


def _replace(path, content):
    """Write a file as renewal programs do: beside, then in its place."""
    made = path.with_suffix(".new")
    made.write_bytes(content)
    made.replace(path)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@contextmanager
def served(directory, stall_s):
    paths = write_certificate(directory, "first")
    with subprocess.Popen(
        [sys.executable, str(ECHO_SERVER), str(stall_s), *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield int(process.stdout.readline())
        process.terminate()
        said = process.stderr.read().decode()
        assert "StalledRequestError" in said or said == ""


@pytest.fixture(scope="module")
def port(directory):
    """The port of a server with TLS that gives callers more time than a test takes."""
    with served(directory, 60) as port:
        yield port


@pytest.fixture
def hasty_port(tmp_path):
    """The port of such a server whose patience ends while a test waits for it."""
    with served(tmp_path, HASTE_S) as port:
        yield port


def connect(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", port), timeout=120)
    return context.wrap_socket(raw)


def read(connection):
    with connection.makefile("rb") as stream:
        return stream.read()


def name_of(connection):
    certificate = x509.load_der_x509_certificate(
        connection.getpeercert(binary_form=True)
    )
    return certificate.subject.rfc4514_string()


def test_the_bytes_are_those_of_http(port):
    with connect(port) as connection:
        connection.sendall(REQUEST)
        head, _, body = read(connection).partition(b"\r\n\r\n")

    assert head.split(b"\r\n")[-2:] == [
        b"Elements-Returned-Count: 7",
        b"Server: bridge",
    ]
    assert b"X-ODD-cASE: kept" in head
    assert b"where=a%20b" in body
    assert b'"scheme": "https"' in body


def test_a_connection_is_kept_and_large_bodies_arrive(port):
    body = b"x" * 300_000
    head = b"POST /x HTTP/1.1\r\nHost: bridge\r\nContent-Length: 300000\r\n\r\n"
    with connect(port) as connection, connection.makefile("rb") as stream:
        for _ in range(3):
            connection.sendall(head + body)
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.startswith(b"Content-Length:"):
                    length = int(line.split()[1])
            assert body in stream.read(length)


def test_old_protocols_are_refused(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    raw = socket.create_connection(("127.0.0.1", port), timeout=120)
    with (
        context.wrap_socket(raw, do_handshake_on_connect=False) as connection,
        pytest.raises(OSError, match=r"SSL|TLS|reset|alert"),
    ):
        connection.do_handshake()


def test_connections_without_a_tls_handshake_are_closed_and_block_no_thread(hasty_port):
    with ExitStack() as stack:
        silent = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", hasty_port), timeout=120)
            )
            for _ in range(8)
        ]
        for connection in silent:
            connection.sendall(b"\x16\x03\x01")

        for connection in silent:
            with suppress(ConnectionResetError):
                assert b"HTTP/1.1 200" not in read(connection)
        with connect(hasty_port) as connection:
            connection.sendall(REQUEST)
            assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.campaign
def test_incomplete_client_hellos_block_no_thread(tmp_path):
    with served(tmp_path, 60) as port, ExitStack() as stack:
        for number in range(60):
            connection = socket.create_connection(("127.0.0.1", port))
            stack.enter_context(connection)
            connection.sendall(b"\x16\x03\x01\x02\x00"[: number % 5 + 1])
        for _ in range(8):
            silent = stack.enter_context(connect(port))
            silent.sendall(b"GET /partial HTTP/1.1\r\n")
        begin = time.monotonic()
        with connect(port) as connection:
            connection.sendall(REQUEST)
            assert connection.recv(12) == b"HTTP/1.1 200"

        assert time.monotonic() - begin < 50


def test_head_that_arrives_in_pieces_is_read_through_tls(port):
    with connect(port) as connection:
        for piece in (REQUEST[:1], REQUEST[1:20], REQUEST[20:-1], REQUEST[-1:]):
            connection.sendall(piece)
            time.sleep(0.05)

        assert connection.recv(12) == b"HTTP/1.1 200"


def test_head_that_stalls_is_refused_through_tls(hasty_port):
    with connect(hasty_port) as connection:
        connection.sendall(REQUEST[:-1])

        assert connection.recv(12) == b"HTTP/1.1 408"


def test_plain_http_gets_no_response(port):
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(REQUEST)
        with suppress(ConnectionResetError):
            assert b"HTTP/1.1" not in read(connection)


def test_a_renewed_certificate_is_used_without_a_restart(port, directory):
    write_certificate(directory, "second")

    with connect(port) as connection:
        assert name_of(connection) == "CN=second"


def test_a_renewal_that_is_half_done_changes_nothing(tmp_path):
    chain, key = write_certificate(tmp_path, "first")
    certificates = Certificates(chain, key)
    before = certificates.context()

    other = tmp_path / "other"
    other.mkdir()
    write_certificate(other, "second")
    (other / "cert.pem").replace(chain)

    assert certificates.context() is before
    (other / "key.pem").replace(key)
    assert certificates.context() is not before


@pytest.mark.parametrize("spoilt", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"no certificate", None])
def test_files_that_cannot_be_used_are_named(tmp_path, spoilt, content):
    chain, key = write_certificate(tmp_path, "first")
    if content is None:
        (tmp_path / spoilt).unlink()
    else:
        (tmp_path / spoilt).write_bytes(content)

    with pytest.raises(ConfigurationError) as failure:
        Certificates(chain, key)

    assert str(tmp_path / spoilt) in failure.value.message
    assert "\n" not in failure.value.message


def test_a_key_with_a_password_is_refused_without_a_prompt(tmp_path):
    chain, key = write_certificate(tmp_path, "first", password=b"pw")

    with pytest.raises(ConfigurationError):
        Certificates(chain, key)


@pytest.mark.campaign
def test_the_command_refuses_half_of_the_pair(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "serve", "--no-worker", "--tls-cert", "x.pem"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BRIDGE_DATA_DIR": str(tmp_path)},
    )

    assert done.returncode == 2
    assert "--tls-key" in done.stderr
