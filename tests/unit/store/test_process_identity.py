"""A dead process is detected on its own host and in its namespace only."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

from bridge.store.process_identity import find_dead, new_holder_name

NEIGHBOUR = """
from bridge.store.process_identity import new_holder_name
print(new_holder_name(), flush=True)
input()
"""


@contextmanager
def neighbour():
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_living_processes_are_not_dead():
    with neighbour() as (_, name):
        assert find_dead([name, new_holder_name()]) == []


def test_killed_process_is_dead_before_and_after_its_parent_waits():
    with neighbour() as (process, name):
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert find_dead([name, new_holder_name()]) == [name]

    assert find_dead([name]) == [name]


def test_another_process_with_the_same_id_is_another():
    place, pid, born, token = new_holder_name().split(".")

    earlier = f"{place}.{pid}.{int(born) - 1}.{token}"

    assert find_dead([earlier]) == [earlier]


def test_nothing_is_known_of_other_places():
    with neighbour() as (process, name):
        process.kill()
    elsewhere = f"elsewhere.{name.partition('.')[2]}"

    assert find_dead([elsewhere, "a1b2c3d4", ""]) == []
