"""A test run that dies leaves no process behind."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys

import pytest
import run_processes

# A process that starts one more in a session of its own, then waits.
PARENT = """
import subprocess, sys
subprocess.Popen(["sleep", "60"], start_new_session=True)
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run():
    """Start a marked process with a child of its own; return the run's name."""
    name = secrets.token_hex(8)
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, run_processes.VARIABLE: name},
    )
    with process:
        assert process.stdout.readline() == b"started\n"
        yield name
        run_processes.kill_processes(name)


def test_processes_are_found_by_their_run(run):
    assert sorted(run_processes.find_processes(run).values()) == sorted(
        [f"{sys.executable} -c {PARENT}".strip(), "sleep 60"]
    )
    assert run_processes.find_processes("another run") == {}


def test_the_watcher_kills_them_when_its_starter_is_killed(run):
    starter = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], stdin=-1); "
    watch = [sys.executable, run_processes.__file__, run]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{starter}print(flush=True); time.sleep(60)", *watch],
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    assert len(run_processes.find_processes(run)) == 2

    process.send_signal(signal.SIGKILL)

    # The watcher holds the other end of this pipe until it has done its work.
    process.communicate(timeout=60)
    assert run_processes.find_processes(run) == {}
