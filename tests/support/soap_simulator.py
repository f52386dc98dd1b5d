"""A simulator in a process of its own, and its control paths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

from bridge.interfaces import Credentials
from bridge.sandbox.data import seed


class Simulator:
    """A running simulator and its control paths."""

    def __init__(self, about):
        self.about = about
        self.url = about["sandboxUrl"]

    @property
    def demo(self):
        return Credentials(
            self.about["username"],
            self.about["password"],
            self.url,
            self.about["integrationCode"],
        )

    @property
    def other(self):
        return Credentials(
            seed.OTHER_USERNAME,
            seed.OTHER_PASSWORD,
            self.url,
            seed.OTHER_INTEGRATION_CODE,
        )

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}", data=data, method=method
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def fault(self, kind, **members):
        self.control("POST", "faults", {"kind": kind, **members})

    def calls(self):
        """Return the calls since the test began, by operation."""
        counts = json.loads(self.control("GET", "requests"))["counts"]
        return {name: sum(entities.values()) for name, entities in counts.items()}

    def response_of(self, operation, count=1):
        """Return the calls of an operation, once the simulator is done with so many."""
        deadline = time.monotonic() + 60
        while self.calls().get(operation, 0) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.calls().get(operation, 0)

    def row(self, entity, entity_id):
        return self.control("GET", f"rows/{entity}/{entity_id}")


@contextmanager
def running_simulator():
    """Start a simulator; stop it at the end."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bridge", "sandbox"),
            *("--port", "0", "--json", "--limits", "generous"),
        ],
        stdout=subprocess.PIPE,
        env=os.environ,
        start_new_session=True,
    )
    try:
        line = process.stdout.readline()
        assert line, "the simulator did not start"
        yield Simulator(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()
