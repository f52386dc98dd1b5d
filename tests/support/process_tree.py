"""The process tree of a server under test."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the running children of a process, from `/proc`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat[1]) == pid and stat[0] != "Z":
                found.append(int(entry.name))
    return found


def descendants(pid: int) -> list[int]:
    """Return the running descendants of a process."""
    below = children(pid)
    return below + [one for child in below for one in descendants(child)]


def is_alive(pid: int) -> bool:
    """Return whether a process is running."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def is_worker(pid: int) -> bool:
    """Return whether a process is a worker that `bridge` started."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0worker\0")
    except OSError:
        return False
