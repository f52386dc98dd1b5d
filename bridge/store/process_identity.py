"""Who holds lanes, leases or intents: a process, so named that neighbours see it die.

A name tells where a process lives and which one it is. Whoever lives at the same place
can ask the system whether it is still there, long before its lease is over; of all
others, and where the system does not say, nothing is known but the lease.
Facts: proc(5), pid_namespaces(7).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_PARTS = 4
_ENDED = "ZX"


def current_process() -> str:
    """Return a name for this process, another one with each call."""
    place, token = _place(), secrets.token_hex(8)
    born = _read_birth(os.getpid())
    return f"{place}.{os.getpid()}.{born}.{token}" if place and born else token


def find_dead(holders: Iterable[str]) -> list[str]:
    """Return those that lived where this process does and do not any more."""
    return [each for each in holders if _is_dead(each)]


def _is_dead(holder: str) -> bool:
    place, *rest = holder.split(".")
    if len(rest) != _PARTS - 1 or not place or place != _place():
        return False
    pid, born = int(rest[0]), rest[1]
    try:
        return _read_birth(pid) != born
    except PermissionError:
        return False


def _read_birth(pid: int) -> str:
    """Return when a process was started, in its system's own count; "" when it is over.

    The number tells it from a later process with the same id. One that has ended and
    that nobody has asked about yet is still listed.

    Raises:
        PermissionError: the process exists and is nobody's business of ours.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return _ask_for(pid)
    # The name before the last parenthesis may hold anything.
    state, *numbers = text.rpartition(")")[2].split()
    return "" if state in _ENDED else numbers[18]


def _ask_for(pid: int) -> str:
    """Tell a process that is over from one that is hidden from us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    raise PermissionError(pid)


@cache
def _place() -> str:
    """Name the set of processes that see each other; empty where that is not known."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        family = (_PROC / "self/ns/pid").readlink()
        # A listing of other processes than ours would make the living look dead.
        if str((_PROC / "self").readlink()) != str(os.getpid()):
            return ""
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{family}".encode()).hexdigest()[:12]
