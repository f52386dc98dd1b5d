"""Faults on demand: a queue of what shall go wrong with the next matching calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from enum import StrEnum

from bridge.sandbox.control import json_members
from bridge.sandbox.facts.service import OPERATIONS

MAX_SECONDS = 600.0
"""The longest wait of any fault."""

MAX_TIMES = 1_000_000
"""How often one fault can happen."""

_MAX_QUEUED = 1000


class FaultKind(StrEnum):
    """What goes wrong with one call.

    - http503, html200: a web page instead of SOAP, with that status.
    - http401: the web page that refuses a login.
    - reset: the connection is cut before the answer.
    - truncate: half an answer, then the connection is cut.
    - delay: the answer comes, late.
    - fault: a `soap:Fault` about a database time-out.
    - timeout: no answer for so long, or until the client hangs up.
    - drip: the answer trickles in over so long.
    - late_commit: no answer; the call is carried out so long after the client gave up.
    """

    HTTP_503 = "http503"
    HTML_200 = "html200"
    HTTP_401 = "http401"
    RESET = "reset"
    TRUNCATE = "truncate"
    DELAY = "delay"
    SOAP_FAULT = "fault"
    TIMEOUT = "timeout"
    DRIP = "drip"
    LATE_COMMIT = "late_commit"


_OPERATIONS = {operation.name.lower(): operation.name for operation in OPERATIONS}
_WITH_RESPONSE = frozenset({FaultKind.TRUNCATE, FaultKind.DELAY, FaultKind.DRIP})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `operation` None matches every call.

    `seconds` is the "so long" of the kinds that have one; the others wait so long
    before they happen. With `after_commit` the call is carried out first; kinds that
    show an answer always carry it out.
    """

    kind: FaultKind
    operation: str | None = None
    times: int = 1
    seconds: float = 0.0
    after_commit: bool = False

    @property
    def carried_out(self) -> bool:
        """Whether the call does its work before the fault."""
        return self.after_commit or self.kind in _WITH_RESPONSE


def read_fault(document: object) -> Fault:
    """Return the fault that a JSON document describes.

    Raises:
        ValueError: a member is unknown, missing or of another type.
    """
    given = json_members.members(document, [field.name for field in fields(Fault)])
    try:
        kind = FaultKind(str(given.get("kind")))
    except ValueError:
        kinds = ", ".join(FaultKind)
        raise ValueError(f"kind must be one of {kinds}.") from None
    return Fault(
        kind,
        _operation(given),
        json_members.whole(given, "times", 1, MAX_TIMES, default=1),
        json_members.number(given, "seconds", 0, MAX_SECONDS),
        json_members.switch(given, "after_commit", default=False),
    )


def _operation(given: json_members.Members) -> str | None:
    """Return the operation that is meant, in the vendor's spelling; None for all."""
    if given.get("operation") is None:
        return None
    name = _OPERATIONS.get(json_members.text(given, "operation").lower())
    if name is None:
        names = ", ".join(_OPERATIONS.values())
        raise ValueError(f"operation must be one of {names}.")
    return name


class FaultQueue:
    """Faults that are still to happen, first in, first out; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_QueuedFault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault happen `times` times.

        Raises:
            ValueError: so many different ones wait already.
        """
        with self._lock:
            if len(self._faults) >= _MAX_QUEUED:
                raise ValueError(f"{_MAX_QUEUED} faults are waiting already.")
            self._faults.append(_QueuedFault(fault, fault.times))

    def pop(self, operation: str) -> Fault | None:
        """Return the next fault for a call, used up by it."""
        with self._lock:
            for waiting in self._faults:
                if waiting.fault.operation in {None, operation}:
                    waiting.times -= 1
                    if not waiting.times:
                        self._faults.remove(waiting)
                    return waiting.fault
        return None

    def clear(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> int:
        """Return how many calls can still fail."""
        with self._lock:
            return sum(waiting.times for waiting in self._faults)


@dataclass(slots=True, eq=False)
class _QueuedFault:
    """A fault and how often it is still to happen."""

    fault: Fault
    times: int
