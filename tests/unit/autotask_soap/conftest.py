"""A vendor of canned responses: a real server on a socket, one script per test."""

from __future__ import annotations

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import Credentials, Zone

ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope'
    ' xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>{}</soap:Body>'
    "</soap:Envelope>"
)


class CannedVendor:
    """Answers POSTs from a script of (status, headers, body) or functions.

    A function gets the handler and answers itself. Requests are kept as
    (operation, headers, body).
    """

    def __init__(self):
        self.script = []
        self.requests = []
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                action = self.headers["SOAPAction"].strip('"').rpartition("/")[2]
                vendor.requests.append((action, dict(self.headers), body))
                step = vendor.script.pop(0)
                if callable(step):
                    step(self)
                    return
                self.answer(*step)

            def answer(self, status, headers, content):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.over = threading.Event()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.base}/ATServices/1.6/atws.asmx"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def operations(self):
        return [operation for operation, _headers, _body in self.requests]

    def stop(self):
        self.server.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @staticmethod
    def soap(inner, status=200):
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        return status, headers, ENVELOPE.format(inner).encode()

    @classmethod
    def fault(cls, text, code="soap:Server"):
        return cls.soap(
            f"<soap:Fault><faultcode>{code}</faultcode><faultstring>{text}"
            "</faultstring><detail /></soap:Fault>",
            500,
        )

    @staticmethod
    def page(status, title, **headers):
        body = f"<!DOCTYPE html><html><head><title>{title}</title></head></html>"
        return status, {"Content-Type": "text/html", **headers}, body.encode()

    @classmethod
    def result(cls, operation, *, code=1, entities="", errors=(), infos=""):
        texts = "".join(
            f"<ATWSError><Message>{text}</Message></ATWSError>" for text in errors
        )
        return cls.soap(
            f'<{operation}Response xmlns="http://autotask.net/ATWS/v1_6/">'
            f"<{operation}Result><ReturnCode>{code}</ReturnCode>"
            f"<EntityResults>{entities}</EntityResults><EntityResultType />"
            f"<Errors>{texts}</Errors><EntityReturnInfoResults>{infos}"
            f"</EntityReturnInfoResults></{operation}Result></{operation}Response>"
        )

    @classmethod
    def accounts(cls, *ids, operation="query"):
        return cls.result(
            operation,
            entities="".join(
                f'<Entity xsi:type="Account"><id>{one}</id><UserDefinedFields />'
                "</Entity>"
                for one in ids
            ),
        )

    @classmethod
    def zone(cls, url, *, error_code=0, ci=41207):
        return cls.soap(
            '<getZoneInfoResponse xmlns="http://autotask.net/ATWS/v1_6/">'
            f"<getZoneInfoResult><URL>{url}</URL><ErrorCode>{error_code}</ErrorCode>"
            f"<DataBaseType>Pro</DataBaseType><CI>{ci}</CI>"
            "<WebUrl>https://ww14.autotask.net/</WebUrl></getZoneInfoResult>"
            "</getZoneInfoResponse>"
        )

    @staticmethod
    def hang_up(handler):
        """Close the connection without an answer."""
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    @staticmethod
    def stall(handler):
        """Send no response until the vendor is stopped."""
        handler.server.over.wait()
        handler.close_connection = True

    @classmethod
    def cut(cls, step):
        """Return a step that sends half of what it announces."""
        status, headers, content = step

        def send(handler):
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content[: len(content) // 2])
            cls.hang_up(handler)

        return send

    def sent_text(self, position=-1):
        return re.sub("<[?]xml.*?>", "", self.requests[position][2].decode())


@pytest.fixture
def vendor():
    vendor = CannedVendor()
    yield vendor
    vendor.stop()
    assert vendor.script == [], "fewer calls than the test expected"


@pytest.fixture
def second_vendor():
    vendor = CannedVendor()
    yield vendor
    vendor.stop()


@pytest.fixture
def read_s():
    """How long the client waits for an answer; less where a vendor stalls."""
    return 120


@pytest.fixture
def service(read_s):
    service = SoapService(
        timeouts=Timeouts(connect_s=60, read_s=read_s),
        retries=RetryPolicy(backoff_s=0.01),
        hosts=HostPolicy(allow_loopback=True),
        user_agent="bridge-test",
    )
    yield service
    service.close()


@pytest.fixture
def zones():
    """The zones that were reported as found."""
    return []


@pytest.fixture
def ana(vendor):
    return Credentials(
        "ana@example.com", "s3cret-pässword", vendor.base, "IDENTIFIER-OF-ANA"
    )


@pytest.fixture
def backend(service, ana, vendor, zones):
    """A backend whose zone is known."""
    return service.open_backend(ana, Zone(vendor.url, 41207), zones.append)
