"""Processes that a server under test started."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the living children of a process, by the kernel's table."""
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
