"""The processes that a test run starts: found by a variable that all of them inherit.

`python run_processes.py RUN` waits for its standard input to end, which it does when
the process that started it is gone in whatever way, and kills what is left of the run.
Reads `/proc`; where there is none, it finds nothing and ends nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "BRIDGE_TEST_RUN"


def find_processes(run: str) -> dict[int, str]:
    """Return the command lines of a run's living processes by their process ids.

    The process that asks and its own ancestors are left out.
    """
    wanted = f"{VARIABLE}={run}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        with suppress(OSError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state = (folder / "stat").read_text().rpartition(") ")[2][0]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if state != "Z" and pid not in _ancestors():
                found[pid] = command.strip()
    return found


def kill_processes(run: str) -> dict[int, str]:
    """Kill what is left of a run, children made meanwhile included; return it."""
    killed: dict[int, str] = {}
    while left := find_processes(run):
        killed |= left
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return killed


def _ancestors() -> set[int]:
    pids, pid = set(), os.getpid()
    while pid > 0:
        pids.add(pid)
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(") ")[2].split()[1])
    return pids


if __name__ == "__main__":
    sys.stdin.buffer.read()
    kill_processes(sys.argv[1])
