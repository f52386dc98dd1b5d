"""Process identities that let other processes on the same host detect a crash.

A holder of slots, of a lock or of an idempotency record is named by the host and PID
namespace of its process, its PID and its start time, and a random token: one process
has many holders. Processes in the same namespace can check whether the holder's process
is alive, long before its lease expires; for all others only the lease counts.
Source: proc(5), pid_namespaces(7).
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


def new_holder_name() -> str:
    """Return a name for a new holder in this process; each call returns another."""
    namespace, token = _pid_namespace(), secrets.token_hex(8)
    started = _read_start_time(os.getpid())
    return (
        f"{namespace}.{os.getpid()}.{started}.{token}"
        if namespace and started
        else token
    )


def find_dead(holders: Iterable[str]) -> list[str]:
    """Return the holders in this PID namespace whose processes are not alive."""
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
    """Return a process's start time in clock ticks since boot; "" when it has ended.

    The start time distinguishes it from a later process with the same PID.

    Raises:
        PermissionError: the process exists, but this one may not inspect it.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return _require_ended(pid)
    # The command's name, in parentheses, may itself hold parentheses and spaces.
    state, *numbers = text.rpartition(")")[2].split()
    # A zombie has ended, but is listed until its parent waits for it.
    if state in _ENDED_STATES:
        return ""
    # Field 22; the state is field 3, so the numbers begin with field 4.
    return numbers[18]


def _require_ended(pid: int) -> str:
    """Return "" for a process that has ended; raise for a hidden one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    raise PermissionError(pid)


@cache
def _pid_namespace() -> str:
    """Return an id of this host's boot and PID namespace; "" when unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        family = (_PROC / "self/ns/pid").readlink()
        # If /proc shows another namespace than ours, live processes would seem dead.
        if str((_PROC / "self").readlink()) != str(os.getpid()):
            return ""
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{family}".encode()).hexdigest()[:12]
