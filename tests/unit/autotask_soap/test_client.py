"""What one call does when everything goes well, and when anything does not."""

from __future__ import annotations

import base64
import gzip
import socket
import threading
import time
from functools import partial

import pytest
from ports import closed_port

from bridge.backends.autotask_soap import connections
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.errors import (
    ProviderOutcomeUnknownError,
    ProviderProtocolError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from bridge.interfaces import Credentials, EntityType, Field, FieldType, Zone

ACCOUNT = EntityType("Account")
NAME = {Field("AccountName", FieldType.STRING): "Acme"}
EMPTY = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    b'<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult><ReturnCode>1'
    b"</ReturnCode></queryResult></queryResponse></soap:Body></soap:Envelope>"
)
THREADS = "The Autotask API thread threshold of 3 threads has been exceeded."


@pytest.fixture
def read_s(request, read_s):
    """Enough for the vendor to take a request, where the answer does not come."""
    callspec = getattr(request.node, "callspec", None)
    return 3 if callspec and callspec.params.get("trouble") == "stall" else read_s


def test_a_call_carries_credentials_identifier_and_action(backend, vendor):
    vendor.script = [vendor.accounts(7)]

    page = backend.query(ACCOUNT, None)

    _operation, headers, body = vendor.requests[0]
    pair = "ana@example.com:s3cret-pässword".encode()
    assert headers["Authorization"] == f"Basic {base64.b64encode(pair).decode()}"
    assert headers["SOAPAction"] == '"http://autotask.net/ATWS/v1_6/query"'
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["User-Agent"] == "bridge-test"
    assert b"<IntegrationCode>IDENTIFIER-OF-ANA</IntegrationCode>" in body
    assert [entity.id for entity in page.entities] == [7]
    assert not page.more


def test_a_packed_reply_is_unpacked(backend, vendor):
    status, headers, content = vendor.accounts(1, 2)
    packed = {**headers, "Content-Encoding": "gzip"}
    vendor.script = [(status, packed, gzip.compress(content))]

    assert [row.id for row in backend.query(ACCOUNT, None).entities] == [1, 2]


def test_connections_are_kept_for_the_next_call(backend, vendor):
    ports = set()

    def note(handler):
        ports.add(handler.client_address)
        handler.answer(*vendor.accounts(1))

    vendor.script = [note, note, note]

    for _ in range(3):
        backend.query(ACCOUNT, None)

    assert len(ports) == 1


def test_page_has_more_when_the_reply_is_full_or_above_the_limit(backend, vendor):
    vendor.script = [
        vendor.accounts(*range(500)),
        vendor.accounts(*range(499)),
        vendor.accounts(1, 2, 3),
        vendor.accounts(1, 2, 3),
    ]

    assert backend.query(ACCOUNT, None).more
    assert not backend.query(ACCOUNT, None).more
    assert not backend.query(ACCOUNT, None, limit=3).more
    short = backend.query(ACCOUNT, None, limit=2)
    assert short.more
    assert [entity.id for entity in short.entities] == [1, 2]


@pytest.mark.parametrize("ids", [(2, 1), (1, 1), (5,)])
def test_a_page_out_of_order_is_refused(backend, vendor, ids):
    vendor.script = [vendor.accounts(*ids)]

    with pytest.raises(ProviderProtocolError, match="order"):
        backend.query(ACCOUNT, None, after=5 if ids == (5,) else None)


@pytest.mark.parametrize(
    "trouble", ["hang_up", "stall", "cut", "http503", "http502", "http500", "html200"]
)
def test_a_read_is_retried_after_a_transient_failure(backend, vendor, trouble):
    pages = {
        "hang_up": vendor.hang_up,
        "stall": vendor.stall,
        "cut": vendor.cut(vendor.accounts(1, 2)),
        "http503": vendor.page(503, "Maintenance"),
        "http502": vendor.page(502, "Bad Gateway"),
        "http500": vendor.page(500, "Server Error"),
        "html200": vendor.page(200, "We are back soon"),
    }
    vendor.script = [pages[trouble], vendor.accounts(1, 2)]

    page = backend.query(ACCOUNT, None)

    assert [entity.id for entity in page.entities] == [1, 2]


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("hang_up", ProviderUnavailableError),
        ("stall", ProviderTimeoutError),
        ("page", ProviderUnavailableError),
    ],
)
def test_a_read_gives_up_after_four_attempts(backend, vendor, trouble, error):
    steps = {"page": vendor.page(503, "Maintenance &amp; repair")}
    vendor.script = [steps.get(trouble) or getattr(vendor, trouble)] * 4

    with pytest.raises(error) as caught:
        backend.query(ACCOUNT, None)

    assert caught.value.retryable
    if trouble == "page":
        assert caught.value.provider_message == "Maintenance & repair"


def test_a_read_stops_at_its_deadline(vendor, ana):
    service = SoapService(
        retries=RetryPolicy(deadline_s=60, backoff_s=6000),
        hosts=HostPolicy(allow_loopback=True),
    )
    backend = service.open_backend(ana, Zone(vendor.url, 1), lambda _zone: None)
    vendor.script = [vendor.page(503, "Maintenance")]
    start = time.monotonic()

    with pytest.raises(ProviderUnavailableError):
        backend.query(ACCOUNT, None)

    # The pause before the next attempt would have ended after the deadline.
    assert time.monotonic() - start < 60
    service.close()


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize(
    "trouble", ["hang_up", "stall", "cut", "page", "html", "fault", "busy"]
)
def test_write_without_response_is_unknown_and_not_retried(
    backend, vendor, operation, trouble
):
    steps = {
        "cut": vendor.cut(vendor.accounts(1, operation=operation)),
        "page": vendor.page(503, "Maintenance"),
        "html": vendor.page(200, "Hello"),
        "fault": vendor.fault("Object reference not set."),
        "busy": vendor.fault("Transaction was deadlocked."),
    }
    vendor.script = [steps.get(trouble) or getattr(vendor, trouble)]

    write = {
        "create": partial(backend.create, ACCOUNT, NAME),
        "update": partial(backend.update, ACCOUNT, 7, NAME, {}),
    }[operation]

    with pytest.raises(ProviderOutcomeUnknownError) as caught:
        write()

    assert vendor.operations == [operation]
    assert "before sending it again" in caught.value.message


def test_a_write_is_repeated_when_the_thread_limit_stopped_it(backend, vendor):
    vendor.script = [
        vendor.result("create", code=-1, errors=[THREADS]),
        vendor.accounts(9, operation="create"),
    ]

    assert backend.create(ACCOUNT, NAME).id == 9


def test_a_write_uses_no_connection_that_was_idle_for_long(
    backend, vendor, monkeypatch
):
    assert connections._IDLE_MAX_FOR_WRITES_S == 1
    ports = []

    def note(step):
        def answer(handler):
            ports.append(handler.client_address)
            handler.answer(*step)

        return answer

    vendor.script = [
        note(vendor.accounts(1)),
        note(vendor.accounts(1, operation="update")),
        note(vendor.accounts(1, operation="update")),
    ]

    backend.query(ACCOUNT, None)
    with monkeypatch.context() as patient:
        patient.setattr(connections, "_IDLE_MAX_FOR_WRITES_S", 30)
        backend.update(ACCOUNT, 1, NAME, {})
    time.sleep(1.1)
    backend.update(ACCOUNT, 1, NAME, {})

    assert ports[0] == ports[1]
    assert ports[1] != ports[2]


def test_a_read_over_a_dead_idle_connection_is_retried_at_once(service, ana, zones):
    """The server answers once per connection and then lets it die unnoticed."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    answers = []

    def serve():
        while len(answers) < 2:
            connection, _address = listener.accept()
            connection.recv(100_000)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(EMPTY), EMPTY)
            )
            answers.append(1)
            connection.recv(100_000)
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{port}/ATServices/1.6/atws.asmx"
    backend = service.open_backend(ana, Zone(url, 1), zones.append)

    first = backend.query(ACCOUNT, None)
    second = backend.query(ACCOUNT, None)

    assert first == second
    service.close()
    thread.join(60)
    listener.close()


def test_a_write_that_could_not_connect_changed_nothing(service, zones):
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/ATServices/1.6/atws.asmx"
        unknown = Credentials("ana", "pw", f"http://127.0.0.1:{port}")
        backend = service.open_backend(unknown, Zone(url, 1), zones.append)

        with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
            backend.create(ACCOUNT, NAME)
