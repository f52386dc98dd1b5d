"""The harness of the SOAP backend: the simulator, over HTTP."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from backend_harness import Failure
from ports import closed_port
from soap_simulator import running_simulator

from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import NO_CALLER

_PATIENCE_S = 120
_IMPATIENCE_S = 3
_QUOTA = 100_000_000
_FAULTS = {
    # Once: the zone is looked up again before a login is given up.
    Failure.CREDENTIALS: {"kind": "http401"},
    Failure.CUT: {"kind": "reset", "times": 99},
    Failure.CUT_LATE: {"kind": "reset", "times": 99, "after_commit": True},
    Failure.TIMEOUT: {"kind": "timeout", "times": 99},
    Failure.TIMEOUT_LATE: {"kind": "timeout", "times": 99, "after_commit": True},
}


class _Nonsense(BaseHTTPRequestHandler):
    """Sends XML that no SOAP service sends."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        content = b"<weather>sunny</weather>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@contextmanager
def _nonsense_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Nonsense)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class SoapHarness:
    """Two tenants of one simulator."""

    def __init__(self, simulator):
        self._simulator = simulator
        self._credentials = (simulator.demo, simulator.other)
        self._service = _service(_PATIENCE_S)
        self._zones = [self._find_zone(tenant) for tenant in range(2)]
        self.password = simulator.demo.password

    def _find_zone(self, tenant):
        found = []
        credentials = self._credentials[tenant]
        self._service.open_backend(credentials, None, found.append).check()
        return found[0]

    def open(self, tenant=0, caller=NO_CALLER):
        return self._service.open_backend(
            self._credentials[tenant], self._zones[tenant], _ignore, caller
        )

    @contextmanager
    def failing(self, failure, caller=NO_CALLER):
        credentials, zone = self._credentials[0], self._zones[0]
        waits = failure in (Failure.TIMEOUT, Failure.TIMEOUT_LATE)
        read_s = _IMPATIENCE_S if waits and caller.deadline is None else _PATIENCE_S
        with ExitStack() as stack:
            service = stack.enter_context(closing(_service(read_s)))
            stack.callback(self._calm)
            if failure is Failure.UNREACHABLE:
                port = stack.enter_context(closed_port())
                url = f"http://127.0.0.1:{port}"
                credentials = replace(credentials, server_url=url)
                zone = replace(zone, url=f"{url}/ATServices/1.6/atws.asmx")
            elif failure is Failure.NONSENSE:
                port = stack.enter_context(_nonsense_server())
                zone = replace(zone, url=f"http://127.0.0.1:{port}/atws.asmx")
            elif failure is Failure.THRESHOLD:
                usage = {"calls": _QUOTA, "tenant": zone.ci}
                self._simulator.control("POST", "usage", usage)
            else:
                self._simulator.control("POST", "faults", _FAULTS[failure])
            yield service.open_backend(credentials, zone, _ignore, caller)

    def _calm(self):
        self._simulator.control("DELETE", "faults")
        self._simulator.control("DELETE", "usage")

    def calls(self):
        calls = self._simulator.calls()
        return sum(calls.values()) - calls.get("getZoneInfo", 0)

    def close(self):
        self._service.close()


def _service(read_s):
    return SoapService(
        timeouts=Timeouts(connect_s=60, read_s=read_s),
        retries=RetryPolicy(attempts=3, backoff_s=0.02),
        hosts=HostPolicy(allow_loopback=True),
    )


def _ignore(_zone):
    pass


@contextmanager
def soap_harness():
    with running_simulator() as simulator, closing(SoapHarness(simulator)) as harness:
        yield harness
