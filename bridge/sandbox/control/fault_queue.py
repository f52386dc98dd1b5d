"""Faults on demand: a queue of what goes wrong with the next matching calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from bridge.sandbox.control import json_members
from bridge.sandbox.facts.service import OPERATIONS

MAX_SECONDS = 600.0
MAX_TIMES = 1_000_000
_MAX_QUEUED = 1000


class FaultKind(StrEnum):
    """What goes wrong with one call; `docs/simulator.md` describes each."""

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


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `operation` None matches every call.

    `seconds` is the duration of `timeout`, `drip` and `late_commit`; the other kinds
    wait so long before they happen. With `after_commit` the call is executed first;
    kinds that send a response always execute it.
    """

    kind: FaultKind
    operation: str | None = None
    times: int = 1
    seconds: float = 0.0
    after_commit: bool = False


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
    """Return the operation in the vendor's spelling; None for all."""
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
        self._queued: list[Fault] = []  # `times` is how often each is still to happen

    def add(self, fault: Fault) -> None:
        """Add a fault that happens `times` times.

        Raises:
            ValueError: the queue is full.
        """
        with self._lock:
            if len(self._queued) >= _MAX_QUEUED:
                raise ValueError(f"{_MAX_QUEUED} faults are waiting already.")
            self._queued.append(fault)

    def pop(self, operation: str) -> Fault | None:
        """Return the next fault for a call, and count it as used."""
        with self._lock:
            for position, fault in enumerate(self._queued):
                if fault.operation in {None, operation}:
                    left = fault.times - 1
                    still_queued = [replace(fault, times=left)] if left else []
                    self._queued[position : position + 1] = still_queued
                    return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._queued.clear()

    def waiting(self) -> int:
        """Return how many calls can still fail."""
        with self._lock:
            return sum(fault.times for fault in self._queued)
