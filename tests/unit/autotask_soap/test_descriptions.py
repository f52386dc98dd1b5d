"""Fetching a zone's service description: nothing but its own host is trusted."""

from __future__ import annotations

import gzip
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from receivers import OK, answer, make_authority, serving

from bridge.backends.autotask_soap.connections import Timeouts, tls_context
from bridge.backends.autotask_soap.descriptions import fetch
from bridge.errors import ProviderProtocolError, ProviderUnavailableError

TIMEOUTS = Timeouts(connect_s=30, read_s=30)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def zone():
    """Return a function that starts a zone's host with the bytes of its response."""
    with ExitStack() as stack:

        def zone(response, *, timeouts=TIMEOUTS):
            server = stack.enter_context(serving(answer(response), "127.0.0.1", None))
            url = f"http://127.0.0.1:{server.port}/ATServices/1.6/atws.asmx"
            return SimpleNamespace(server=server, fetch=lambda: fetch(url, timeouts))

        yield zone


def test_description_is_read_beside_the_service(zone):
    vendor = zone(LENGTH % 9 + b"\n<wsdl/>\n")

    assert vendor.fetch() == b"<wsdl/>\n"
    [request] = vendor.server.requests
    assert request.startswith(b"GET /ATServices/1.6/atws.wsdl HTTP/1.1\r\n")


def test_packed_description_is_unpacked(zone):
    body = gzip.compress(b"<wsdl/>")
    head = LENGTH[:-2] + b"Content-Encoding: gzip\r\n\r\n"

    assert zone(head % len(body) + body).fetch() == b"<wsdl/>"


def test_redirect_is_not_followed(zone):
    other = zone(OK)
    moved = f"HTTP/1.1 302 Moved\r\nLocation: http://127.0.0.1:{other.server.port}/\r\n"

    with pytest.raises(ProviderProtocolError, match="HTTP 302"):
        zone(f"{moved}Content-Length: 0\r\n\r\n".encode()).fetch()

    assert other.server.connections == 0


def test_proxies_and_credentials_of_the_environment_are_not_used(
    zone, monkeypatch, tmp_path
):
    proxy = zone(OK)
    vendor = zone(LENGTH % 7 + b"<wsdl/>")
    (tmp_path / "netrc").write_text("default login ann password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server.port}")
    monkeypatch.setenv("no_proxy", "")

    assert vendor.fetch() == b"<wsdl/>"

    assert proxy.server.connections == 0
    assert b"Authorization" not in vendor.server.requests[0]


@pytest.mark.parametrize("response", [b"", b"nonsense\r\n\r\n", LENGTH % 99 + b"half"])
def test_response_that_breaks_off_is_refused(zone, response):
    with pytest.raises(ProviderUnavailableError, match="does not hand out"):
        zone(response).fetch()


def test_only_so_many_bytes_are_read(zone):
    length = 25_000_000

    assert len(zone(LENGTH % length + b"x" * length).fetch()) == 20_000_000


def test_unknown_authority_is_refused(authority):
    server_tls = authority.server("127.0.0.1")
    with serving(answer(OK), "127.0.0.1", server_tls) as server:
        with pytest.raises(ProviderUnavailableError):
            fetch(f"https://127.0.0.1:{server.port}/atws.asmx", TIMEOUTS)

        assert server.closed.wait(60)
        assert server.requests == []


def test_trusted_authority_is_accepted(authority, monkeypatch):
    trusted = authority.directory / "authority.pem"
    trusted.write_text(authority.certificate_text())
    tls_context.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    try:
        with serving(answer(OK), "127.0.0.1", authority.server("127.0.0.1")) as server:
            url = f"https://127.0.0.1:{server.port}/atws.asmx"
            assert fetch(url, TIMEOUTS) == b"ok"
    finally:
        tls_context.cache_clear()
