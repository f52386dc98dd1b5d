"""Faults on demand: a queue of what shall go wrong with the next matching calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

MAX_SECONDS = 600.0
"""The longest wait of any fault."""


class FaultKind(StrEnum):
    """What goes wrong with one call.

    - http503, html200: a web page instead of SOAP, with that status.
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
    RESET = "reset"
    TRUNCATE = "truncate"
    DELAY = "delay"
    SOAP_FAULT = "fault"
    TIMEOUT = "timeout"
    DRIP = "drip"
    LATE_COMMIT = "late_commit"


_ANSWERED = frozenset({FaultKind.TRUNCATE, FaultKind.DELAY, FaultKind.DRIP})


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
        return self.after_commit or self.kind in _ANSWERED


def read_fault(document: object) -> Fault:
    """Return the fault that a JSON document describes.

    Raises:
        ValueError: a member is unknown, missing or of another type.
    """
    if not isinstance(document, Mapping):
        raise ValueError("A fault is a JSON object.")  # noqa: TRY004 - one kind for all
    known = {field.name for field in fields(Fault)}
    unknown = set(document) - known
    if unknown:
        raise ValueError(f"Unknown members: {', '.join(sorted(unknown))}.")
    try:
        kind = FaultKind(str(document.get("kind")))
    except ValueError:
        kinds = ", ".join(FaultKind)
        raise ValueError(f"kind must be one of {kinds}.") from None
    operation, times = document.get("operation"), document.get("times", 1)
    seconds, after = document.get("seconds", 0), document.get("after_commit", False)
    if operation is not None and not isinstance(operation, str):
        raise ValueError("operation must be a text.")
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise ValueError("times must be a whole number from 1.")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"seconds must be a number up to {MAX_SECONDS:.0f}.")
    if not isinstance(after, bool):
        raise ValueError("after_commit must be true or false.")  # noqa: TRY004 - one kind for all
    return Fault(kind, operation, times, float(seconds), after)


class FaultQueue:
    """Faults that are still to happen, first in, first out; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[list[Fault]] = []

    def add(self, fault: Fault) -> None:
        """Let a fault happen `times` times."""
        with self._lock:
            self._faults.append([fault] * fault.times)

    def take(self, operation: str) -> Fault | None:
        """Return the next fault for a call, used up by it."""
        with self._lock:
            for waiting in self._faults:
                if waiting[0].operation in {None, operation}:
                    fault = waiting.pop()
                    if not waiting:
                        self._faults.remove(waiting)
                    return fault
        return None

    def clear(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> int:
        """Return how many calls can still fail."""
        with self._lock:
            return sum(len(waiting) for waiting in self._faults)
