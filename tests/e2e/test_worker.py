"""Serving and working processes: after a kill, no process is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from itertools import pairwise

import pytest
from process_tree import children, descendants, is_alive, is_worker
from waiting import wait_until

LEASE_S = 2


def answers(base_url):
    """Return whether the facade responds, even with an error."""
    try:
        with urllib.request.urlopen(base_url.split("/elements")[0] + "/healthz") as got:
            return got.status == 200
    except urllib.error.HTTPError:
        return True


@pytest.fixture
def start(tmp_path):
    """Start `bridge` commands; kill whatever a test leaves of them."""
    started = []
    stderr = (tmp_path / "stderr").open("ab")

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={
                **os.environ,
                "BRIDGE_DATA_DIR": str(tmp_path),
                "BRIDGE_WORKER_LEASE_S": str(LEASE_S),
            },
        )
        started.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        for pid in (*descendants(process.pid), process.pid):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    stderr.close()


@pytest.fixture
def logged(tmp_path):
    """Read the events logged so far; each line is a JSON object."""

    def logged():
        *complete, _ = (tmp_path / "stderr").read_text().split("\n")
        return [json.loads(line)["event"] for line in complete]

    return logged


@pytest.mark.campaign
def test_dead_worker_is_replaced_and_nothing_outlives_a_killed_supervisor(
    start, logged
):
    serve, line = start("serve", "--port", "0", "--workers", "1")
    [first] = wait_until(lambda: list(filter(is_worker, children(serve.pid))))

    os.kill(first, signal.SIGKILL)
    wait_until(
        lambda: [pid for pid in children(serve.pid) if is_worker(pid) and pid != first]
    )
    assert "The worker ended with 137; starting another in 1 s." in logged()
    wait_until(lambda: len(descendants(serve.pid)) == 3)
    below = descendants(serve.pid)
    assert answers(line["baseUrl"])
    serve.kill()

    wait_until(lambda: not any(map(is_alive, below)))


@pytest.mark.campaign
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_serve_leaves_nothing(start, number):
    serve, _ = start("serve", "--port", "0", "--workers", "1")
    wait_until(lambda: list(filter(is_worker, children(serve.pid))))
    below = descendants(serve.pid)

    serve.send_signal(number)

    assert serve.wait(120) == 0
    assert [pid for pid in below if is_alive(pid)] == []


@pytest.mark.campaign
def test_supervisor_ends_with_its_facade(start, logged):
    serve, _ = start("serve", "--port", "0", "--workers", "1")
    wait_until(lambda: list(filter(is_worker, children(serve.pid))))
    below = descendants(serve.pid)
    [facade] = [pid for pid in children(serve.pid) if not is_worker(pid)]

    os.kill(facade, signal.SIGKILL)

    assert serve.wait(120) == 128 + signal.SIGKILL
    assert "The facade ended with 137." in logged()
    wait_until(lambda: not any(map(is_alive, below)))


@pytest.mark.campaign
def test_no_worker_leaves_the_worker_out(start):
    serve, line = start("serve", "--port", "0", "--workers", "1", "--no-worker")

    assert answers(line["baseUrl"])
    assert not any(map(is_worker, descendants(serve.pid)))
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(120) == 0


@pytest.mark.campaign
def test_nothing_outlives_a_killed_demo(start):
    demo, _ = start("demo", "--port", "0", "--sandbox-port", "0")
    wait_until(lambda: list(filter(is_worker, descendants(demo.pid))))
    wait_until(lambda: len(descendants(demo.pid)) >= 5)
    below = descendants(demo.pid)

    demo.kill()

    wait_until(lambda: not any(map(is_alive, below)))


@pytest.mark.campaign
def test_a_worker_that_cannot_start_is_restarted_with_growing_pauses(start, tmp_path):
    (tmp_path / "jobs.db").mkdir()
    serve, line = start("serve", "--port", "0", "--workers", "1")
    seen = {}
    ends_at = time.monotonic() + 120
    while len(seen) < 4:
        assert time.monotonic() < ends_at
        for pid in filter(is_worker, children(serve.pid)):
            now = time.monotonic()
            first, _ = seen.get(pid, (now, now))
            seen[pid] = first, now
        time.sleep(0.05)

    times = list(seen.values())
    pauses = [then[0] - before[1] for before, then in pairwise(times)]
    assert pauses[0] > 0.9
    assert pauses[1] > 1.9
    assert pauses[2] > 3.9
    assert answers(line["baseUrl"])
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(120) == 0
