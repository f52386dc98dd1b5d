"""Serving processes are killed under load; callers that try again notice no more."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from process_tree import children

from bridge.sandbox.data import seed

WAIT_S = 60.0
CALLERS = 12


class Persistent(threading.Thread):
    """Reads accounts again and again, and tries again when its connection is cut."""

    def __init__(self, api, base_url, number, over):
        super().__init__(daemon=True)
        self.api, self.base_url, self.number, self.over = api, base_url, number, over
        self.answered_at = []
        self.cut = 0
        self.refused = []

    def run(self):
        turn = 0
        while not self.over.is_set():
            turn += 1
            path = (
                f"/hubs/crm/accounts?where=id%3E{self.number}&pageSize={turn % 50 + 1}"
            )
            request = urllib.request.Request(self.base_url + path)
            request.add_header("Authorization", self.api.secrets)
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    answer.read()
                self.answered_at.append(time.monotonic())
            except urllib.error.HTTPError as error:
                with error:
                    self.refused.append(error.read())
            except (OSError, http.client.HTTPException):
                self.cut += 1
                time.sleep(0.1)


@pytest.fixture
def serve(demo, demo_dir):
    """Four serving processes of the demo's data; their parent and where they answer."""
    options = ("--json", "--port", "0", "--workers", "4", "--no-worker")
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", *options],
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "BRIDGE_DATA_DIR": str(demo_dir),
            "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
            "BRIDGE_INTEGRATION_CODE": seed.VENDOR_INTEGRATION_CODE,
        },
    ) as process:
        yield process.pid, json.loads(process.stdout.readline())["baseUrl"]
        process.terminate()


def wait_for_answers(callers, since):
    """Wait until each caller got a response after a time."""
    deadline = time.monotonic() + 2 * WAIT_S
    while not all(
        each.answered_at and each.answered_at[-1] > since for each in callers
    ):
        assert time.monotonic() < deadline, [caller.refused for caller in callers]
        time.sleep(0.05)


@pytest.mark.campaign
@pytest.mark.parametrize(("number", "kills"), [(6, 1), (12, 4)])
def test_no_caller_that_tries_again_sees_more_than_its_cut_connection(
    api, vendor, serve, number, kills
):
    pid, base_url = serve
    over = threading.Event()
    callers = [Persistent(api, base_url, each, over) for each in range(number)]
    vendor.control("POST", "knobs", {"latency_p50_ms": 300, "latency_p99_ms": 600})
    for caller in callers:
        caller.start()
    try:
        wait_for_answers(callers, 0)
        for _ in range(kills):
            for child in children(pid):
                os.kill(child, signal.SIGKILL)
            killed_at = time.monotonic()
            # A call that was almost complete may be seen a moment later.
            wait_for_answers(callers, killed_at + 0.2)
            print(f"{time.monotonic() - killed_at:.1f} s until all got responses again")
    finally:
        over.set()
        vendor.control("DELETE", "knobs")
    for caller in callers:
        caller.join(120)

    assert [caller.refused for caller in callers] == [[]] * number
    assert any(caller.cut for caller in callers)
