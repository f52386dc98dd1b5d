"""The knobs: how the simulator behaves until they are set again.

One declaration of a knob is the source of its validation, of the form on the status
page and of the table in the documentation. Faults that happen once are in
`fault_queue`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from random import Random
from types import MappingProxyType
from typing import Any

from bridge.sandbox.control import json_members
from bridge.sandbox.control.fault_queue import MAX_SECONDS, Fault, FaultKind

_MAX_MS = MAX_SECONDS * 1000
_P99 = 2.3263478740408408  # standard deviations below which 99 % of all values lie


def _number(says: str, *, maximum: float, default: float = 0.0) -> Any:  # noqa: ANN401 - as `field` itself
    return field(default=default, metadata={"says": says, "maximum": maximum})


def _rate(says: str) -> Any:  # noqa: ANN401 - as `field` itself
    return _number(f"Share of calls that {says}, 0 to 1.", maximum=1.0)


def _switch(says: str) -> Any:  # noqa: ANN401 - as `field` itself
    return field(default=False, metadata={"says": says})


@dataclass(frozen=True, slots=True)
class Knobs:
    """The values of all knobs; with their defaults nothing goes wrong."""

    latency_p50_ms: float = _number(
        "Median of the delay of responses.", maximum=_MAX_MS
    )
    latency_p99_ms: float = _number(
        "99th percentile of the delay of responses, at least the median.",
        maximum=_MAX_MS,
    )
    reset_rate: float = _rate("are disconnected before the response and not executed")
    timeout_rate: float = _rate("get no response and are not executed")
    unavailable_rate: float = _rate("get a page with status 503")
    maintenance_rate: float = _rate("get an HTML page with status 200")
    truncate_rate: float = _rate("are executed and get half a response")
    fault_rate: float = _rate("get a soap:Fault and are not executed")
    drip_rate: float = _rate("get their response slowly")
    late_commit_rate: float = _rate("are executed after the client disconnected")
    timeout_s: float = _number(
        "How long a call without response stays connected.",
        maximum=MAX_SECONDS,
        default=120.0,
    )
    drip_s: float = _number(
        "How long a slow response takes.", maximum=MAX_SECONDS, default=5.0
    )
    late_commit_s: float = _number(
        "How long after the disconnect a late commit is executed.",
        maximum=MAX_SECONDS,
        default=5.0,
    )
    slot_held_ms: float = _number(
        "How long after its response a call still occupies a thread.", maximum=_MAX_MS
    )
    dates_stand_still: bool = _switch("Edited records keep their activity dates.")
    identifier_always: bool = _switch(
        "Version 1.5 requires an integration code of every user, as 1.6 does."
    )
    recording: bool = _switch("Whole requests and responses are kept, see exchanges.")


_KINDS = {
    "reset": FaultKind.RESET,
    "timeout": FaultKind.TIMEOUT,
    "unavailable": FaultKind.HTTP_503,
    "maintenance": FaultKind.HTML_200,
    "truncate": FaultKind.TRUNCATE,
    "fault": FaultKind.SOAP_FAULT,
    "drip": FaultKind.DRIP,
    "late_commit": FaultKind.LATE_COMMIT,
}
# The knobs by name. Metadata: `says`, and for numbers `maximum`.
DECLARED: Mapping[str, Field[Any]] = MappingProxyType(
    {knob.name: knob for knob in fields(Knobs)}
)


class KnobBoard:
    """The knobs of one simulator, and its random numbers; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.current = Knobs()
        self._random = Random(0)

    def set(self, document: object) -> None:
        """Set the knobs in a JSON object; the others stay.

        Raises:
            ValueError: unknown name, wrong type or range, or rates above 1 together;
                no knob was changed.
        """
        if not isinstance(document, Mapping):
            raise ValueError("Knobs are a JSON object.")  # noqa: TRY004 - one kind for all
        unknown = set(document) - set(DECLARED)
        if unknown:
            raise ValueError(
                f"Unknown knobs: {', '.join(sorted(unknown))}. "
                f"There are {', '.join(DECLARED)}."
            )
        changes: dict[str, Any] = {
            name: _validated(document, name) for name in document
        }
        with self._lock:
            knobs = replace(self.current, **changes)
            if sum(getattr(knobs, f"{name}_rate") for name in _KINDS) > 1:
                raise ValueError("The rates must not be more than 1 together.")
            self.current = knobs

    def reset(self) -> None:
        """Reset all knobs and the random numbers: the same calls fail again."""
        with self._lock:
            self.current = Knobs()
            self._random = Random(0)

    def fault(self) -> Fault | None:
        """Return the fault of the next call."""
        knobs, chance, upper = self.current, self._random.random(), 0.0
        for name, kind in _KINDS.items():
            upper += getattr(knobs, f"{name}_rate")
            if chance < upper:
                return Fault(kind, seconds=getattr(knobs, f"{name}_s", 0.0))
        return None

    def latency_s(self) -> float:
        """Return the delay of the next call: log-normal with the two percentiles."""
        knobs = self.current
        if not knobs.latency_p99_ms and not knobs.latency_p50_ms:
            return 0.0
        median = max(knobs.latency_p50_ms, 1.0)
        spread = math.log(max(knobs.latency_p99_ms / median, 1.0)) / _P99
        delay_ms = self._random.lognormvariate(math.log(median), spread)
        return min(delay_ms / 1000, MAX_SECONDS)


def _validated(document: Mapping[str, Any], name: str) -> float | bool:
    maximum = DECLARED[name].metadata.get("maximum")
    if maximum is None:
        return json_members.switch(document, name, default=False)
    return json_members.number(document, name, 0, maximum)
