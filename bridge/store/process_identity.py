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
_ENDED_STATES = "ZX"


def current_process() -> str:
    """Return a name for this process, another one with each call."""
    namespace, token = _pid_namespace(), secrets.token_hex(8)
    started = _read_start_time(os.getpid())
    return (
        f"{namespace}.{os.getpid()}.{started}.{token}"
        if namespace and started
        else token
    )


def find_dead(holders: Iterable[str]) -> list[str]:
    """Return those that lived where this process does and do not any more."""
    return [each for each in holders if _is_dead(each)]


def _is_dead(holder: str) -> bool:
    namespace, *rest = holder.split(".")
    if len(rest) != _PARTS - 1 or not namespace or namespace != _pid_namespace():
        return False
    pid, started = int(rest[0]), rest[1]
    try:
        return _read_start_time(pid) != started
    except PermissionError:
        return False


def _read_start_time(pid: int) -> str:
    """Return when a process was started, in its system's own count; "" when it is over.

    The number tells it from a later process with the same id. One that has ended and
    that nobody has asked about yet is still listed.

    Raises:
        PermissionError: the process exists and is nobody's business of ours.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return _require_ended(pid)
    # The name before the last parenthesis may hold anything.
    state, *numbers = text.rpartition(")")[2].split()
    return "" if state in _ENDED_STATES else numbers[18]


def _require_ended(pid: int) -> str:
    """Tell a process that is over from one that is hidden from us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    raise PermissionError(pid)


@cache
def _pid_namespace() -> str:
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
