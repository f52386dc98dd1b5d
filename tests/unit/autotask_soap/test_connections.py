"""TLS as the vendor's hosts speak it: one context, certificates checked."""

from __future__ import annotations

import ipaddress
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.backends.autotask_soap.connections import (
    Connections,
    Timeouts,
    WireError,
    tls_context,
)

LOOPBACK = x509.SubjectAlternativeName(
    [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """An untrusted certificate for this machine, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vendor")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(LOOPBACK, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "vendor.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls_vendor(vendor, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    vendor.server.socket = context.wrap_socket(
        vendor.server.socket, server_side=True, do_handshake_on_connect=False
    )
    return vendor


@pytest.fixture
def connections():
    connections = Connections(Timeouts(connect_s=60, read_s=60), user_agent="test")
    yield connections
    connections.close()
    tls_context.cache_clear()


def post(connections, vendor):
    url = vendor.url.replace("http://", "https://")
    headers = {"SOAPAction": "x/query"}
    deadline = time.monotonic() + 60
    with connections.post(url, headers, b"x", deadline=deadline, writes=False) as reply:
        return b"".join(reply.chunks())


def test_an_unknown_certificate_is_refused_before_anything_is_sent(
    connections, tls_vendor
):
    with pytest.raises(WireError) as caught:
        post(connections, tls_vendor)

    assert not caught.value.sent
    assert "secure" in caught.value.reason
    assert tls_vendor.requests == []


def test_a_trusted_host_is_called_and_the_connection_kept(
    connections, tls_vendor, certificate
):
    tls_context().load_verify_locations(certificate)
    tls_vendor.script = [tls_vendor.accounts(1), tls_vendor.accounts(1)]

    assert b"<id>1</id>" in post(connections, tls_vendor)
    ((waiting,),) = connections._idle.values()
    assert post(connections, tls_vendor)

    ((again,),) = connections._idle.values()
    assert again[0] is waiting[0]
