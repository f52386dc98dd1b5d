"""Processes that call a simulated vendor: how many concurrent calls it sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from campaign import sized

from bridge.sandbox.data import seed

CALLER = """
import json, os, sys, threading
from pathlib import Path
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.interfaces import Caller, Credentials, EntityType, Priority
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.database.engine import Database
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.rate_limit.ledger import LimiterSettings

url, data_dir, plan = sys.argv[1:]
plan = json.loads(plan)
service = SoapService(hosts=HostPolicy(allow_loopback=True))
service.warm()
children = []
for number in range(plan["processes"]):
    child = os.fork()
    if not child:
        break
    children.append(child)
else:
    sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
db = Database.open(url, keys=KeyRing.load(Path(data_dir), None))
limiter = SharedRateLimiter(db, LimiterSettings(wait_s=100))
service = SoapService(hosts=HostPolicy(allow_loopback=True), rate_limiter=limiter)
service.warm()
failed = []

def call(thread):
    backends = [
        service.open_backend(Credentials(**user), None, print, Caller(thread, Priority(
            number % 3)))
        for user in plan["users"]
    ]
    for each in range(plan["calls"]):
        try:
            backends[(thread + each) % 2].query(EntityType("Account"), None, limit=1)
        except Exception as error:
            failed.append(error)

threads = [threading.Thread(target=call, args=[n]) for n in range(plan["threads"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
limiter.close()
db.close()
for error in failed:
    print(repr(error), file=sys.stderr)
sys.exit(bool(failed))
"""


class Simulator:
    def __init__(self, line):
        self.url = line["sandboxUrl"]
        self.users = [
            {
                "username": username,
                "password": password,
                "server_url": self.url,
                "integration_code": seed.VENDOR_INTEGRATION_CODE,
            }
            for username, password in (
                (line["username"], line["password"]),
                (seed.OTHER_USERNAME, seed.OTHER_PASSWORD),
            )
        ]

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def simulator():
    command = [sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--limits", "generous"], stdout=subprocess.PIPE, env=os.environ
    )
    try:
        simulator = Simulator(json.loads(process.stdout.readline()))
        yield simulator
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


@pytest.mark.parametrize(
    ("processes", "threads", "calls", "latency_ms"),
    [
        # Slow enough that calls overlap on a busy machine, too.
        (2, 4, 6, 400),
        pytest.param(*sized((6, 6, 15), (8, 6, 40)), 80, marks=pytest.mark.campaign),
    ],
)
@pytest.mark.usefixtures("db")
def test_vendor_never_sees_more_calls_than_there_are_slots(
    simulator, url, data_dir, processes, threads, calls, latency_ms
):
    knobs = {"latency_p50_ms": latency_ms, "latency_p99_ms": 2 * latency_ms}
    simulator.control("POST", "knobs", knobs)
    simulator.control("DELETE", "requests")
    plan = {
        "users": simulator.users,
        "processes": processes,
        "threads": threads,
        "calls": calls,
    }
    command = [sys.executable, "-c", CALLER, url, str(data_dir), json.dumps(plan)]
    subprocess.run(command, check=True, timeout=240)

    report = simulator.control("GET", "requests")
    assert report["counts"]["query"] == {"Account": processes * threads * calls}
    for user in simulator.users:
        assert report["mostAtOnce"][user["username"]]["Account"] == 3
