"""Receivers of callbacks: real servers that answer byte by byte as they are told."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """A server for one connection after another.

    `requests` holds what arrived, `names` the names that TLS clients sent (SNI).
    """

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """A URL with a secret in its query; its host is in no name server."""
        return f"http://rx.example:{self.port}/hook?key=s3cret"


def read_request(connection: socket.socket) -> bytes:
    """Return a request: its head and as many bytes as Content-Length says, if any."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65536)):
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = sum(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length and (part := connection.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


def answer(response: bytes) -> Callable[[socket.socket, Receiver], None]:
    """Return what reads a request and sends these bytes."""

    def act(connection: socket.socket, receiver: Receiver) -> None:
        receiver.requests.append(read_request(connection))
        connection.sendall(response)

    return act


@contextmanager
def serving(act, host, tls):
    """Run a server in a thread, and end it."""
    receiver = Receiver()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    receiver.port = listener.getsockname()[1]
    ending = threading.Event()

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if ending.is_set():
                connection.close()
                return
            receiver.connections += 1
            with suppress(OSError), closing(connection):
                # Against a client that never ends; no test waits for it.
                connection.settimeout(60)
                if tls is None:
                    act(connection, receiver)
                else:
                    with tls.wrap_socket(connection, server_side=True) as secure:
                        act(secure, receiver)
            receiver.closed.set()

    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: receiver.names.append(name)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield receiver
    finally:
        ending.set()
        with suppress(OSError), socket.create_connection((host, receiver.port)):
            pass
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the tests."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def server(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        shown = x509.SubjectAlternativeName(
            [
                x509.IPAddress(ip_address(name))
                if name[0].isdigit()
                else x509.DNSName(name)
                for name in names
            ]
        )
        certificate = self.sign(subject, key, shown)
        path = self.directory / f"{names[0]}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def sign(self, subject, key, extension) -> x509.Certificate:
        """Return a certificate of a day."""
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self.name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(hours=1),
            not_valid_after=now + dt.timedelta(days=1),
        )
        return builder.add_extension(extension, critical=False).sign(
            self.key, hashes.SHA256()
        )

    def client(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority."""
        return ssl.create_default_context(cadata=self.certificate_text())

    def certificate_text(self) -> str:
        """Return the authority's own certificate as PEM."""
        certificate = self.sign(
            self.name, self.key, x509.BasicConstraints(ca=True, path_length=None)
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def make_authority(directory: Path) -> Authority:
    """Return a new authority; certificates of servers are written to the directory."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority")])
    return Authority(directory, ec.generate_private_key(ec.SECP256R1()), name)
