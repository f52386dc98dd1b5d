"""Prometheus metrics; those of several processes are summed when they are read.

Each process writes its metrics to its own files in the directory given to `share`.
The counters of an ended process stay in the sums until the next start.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bridge.errors import StoreUnavailableError
from bridge.telemetry.preallocated_files import PreallocatedDict

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_STALE_AFTER_S = 7 * 24 * 3600
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_WAITS = (0.005, 0.05, 0.25, 1, 2.5, 5, 10, 20, 60)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 110)


def share(directory: Path, *, reset: bool) -> None:
    """Share metrics between this process, its children and others on this machine.

    Call it before `Metrics` is built. Machines that share a data directory each have a
    folder in it, because their process ids overlap. With `reset`, the files of ended
    processes are removed, and the folders of other machines that were not written to
    for a week: a container has another host name each time it is created.
    """
    # Process ids are unique on one machine only.
    own = directory / "".join(
        letter if letter.isalnum() or letter == "-" else "-"
        for letter in socket.gethostname()
    )
    for folder in (directory, own):
        folder.mkdir(mode=0o700, exist_ok=True)
    if reset:
        _remove_files_of_dead(own.glob("*.db*"))
        _remove_stale_machines(directory, own)
    os.environ[_DIRECTORY] = str(own)
    # prometheus-client offers no other way to choose the class of its files.
    values.MmapedDict = PreallocatedDict  # type: ignore[attr-defined]
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


class RefusalReason(StrEnum):
    """Why the rate limiter refused a call."""

    BUDGET = "budget"
    SLOTS = "slots"
    CIRCUIT_BREAKER = "circuit_breaker"


StateMetric: TypeAlias = GaugeMetricFamily
"""A gauge that is read for each scrape."""


def state_metric(
    name: str, text: str, values: Sequence[tuple[Mapping[str, str], float]]
) -> StateMetric:
    """Return a gauge for one scrape, with a value per combination of labels."""
    labels = list(values[0][0]) if values else []
    metric = StateMetric(name, text, labels=labels)
    for found, value in values:
        metric.add_metric([found[label] for label in labels], float(value))
    return metric


# A missing or full data directory must not fail a call; meanwhile nothing is counted.
_uncounted = contextlib.suppress(OSError)


class Metrics:
    """The metrics of one process. Safe to use from many threads."""

    def __init__(self, *, version: str) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._begun = 0
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry, buckets=_SECONDS)
        self._requests = counter(
            "bridge_requests", "Requests answered.", ("method", "route", "status")
        )
        self._request_seconds = histogram(
            "bridge_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
        )
        self._in_flight = Gauge(
            "bridge_requests_in_flight",
            "Requests being answered now.",
            ("server",),
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._vendor_calls = counter(
            "bridge_vendor_calls",
            "Exchanges with Autotask, repeated ones included.",
            ("operation", "outcome"),
        )
        self._vendor_seconds = histogram(
            "bridge_vendor_call_seconds", "Exchanges with Autotask.", ("operation",)
        )
        self._rows_lost = counter(
            "bridge_log_rows_lost",
            "Rows of the request and vendor call logs that could not be kept.",
            ("table",),
        )
        self._limiter_waits = histogram(
            "bridge_rate_limit_wait_seconds",
            "Waiting for a slot and the budget, until it was granted or refused.",
            ("priority",),
            buckets=_WAITS,
        )
        self._limiter_refusals = counter(
            "bridge_rate_limit_refusals",
            "Calls to Autotask that were refused before they were sent.",
            ("reason",),
        )
        # So that a rate can be computed from the first one on.
        with _uncounted:
            for reason in RefusalReason:
                self._limiter_refusals.labels(reason)

    def request_begins(self) -> None:
        """Count a request as in flight; `request_ends` must follow."""
        self._count_begun(1)

    def request_ends(self, method: str, route: str, status: int, ms: float) -> None:
        """Count a completed request; `route` is a template, never a caller's path."""
        # A caller may send any method; each new label value would cost memory for ever.
        method = method if method in _METHODS else "other"
        self._count_begun(-1)
        with _uncounted:
            self._requests.labels(method, route, status).inc()
            self._request_seconds.labels(route).observe(ms / 1000)

    def vendor_call(self, operation: str, outcome: str, ms: float) -> None:
        """Count one exchange with the vendor."""
        with _uncounted:
            self._vendor_calls.labels(operation, outcome).inc()
            self._vendor_seconds.labels(operation).observe(ms / 1000)

    def rows_lost(self, table: str, count: int) -> None:
        """Count rows of a log table that could not be stored."""
        with _uncounted:
            self._rows_lost.labels(table).inc(count)

    def limiter_wait(self, priority: str, seconds: float) -> None:
        """Count how long a call waited for the rate limiter."""
        with _uncounted:
            self._limiter_waits.labels(priority).observe(seconds)

    def limiter_refusal(self, reason: RefusalReason) -> None:
        """Count a call that the rate limiter refused."""
        with _uncounted:
            self._limiter_refusals.labels(reason).inc()

    def _count_begun(self, change: int) -> None:
        """Set the gauge to our own count, so that one lost write corrects itself."""
        with self._lock, _uncounted:
            self._begun += change
            self._in_flight.labels("facade").set(self._begun)

    def exposition(self, state: Iterable[StateMetric] = ()) -> bytes:
        """Return all metrics in the format of `CONTENT_TYPE`, of all processes.

        `state` has gauges that the caller has just read.

        Raises:
            StoreUnavailableError: the directory of the metrics is missing; the rest of
                them would look like counters that were reset.
        """
        registry, shared = self._registry, os.environ.get(_DIRECTORY)
        if shared:
            if not Path(shared).is_dir():
                raise StoreUnavailableError(
                    "The directory of the metrics is not there any more; put the data "
                    "directory back, or restart Bridge."
                )
            # Killed processes would count as still having requests in flight.
            _remove_files_of_dead(Path(shared).glob("gauge_live*.db"))
            registry = CollectorRegistry()
            MultiProcessCollector(registry, shared)  # type: ignore[no-untyped-call]
        build = (
            "# HELP bridge_build_info The release that answers.\n"
            "# TYPE bridge_build_info gauge\n"
            f'bridge_build_info{{version="{self._version}"}} 1.0\n'
        )
        return (
            build.encode() + generate_latest(registry) + generate_latest(_State(state))
        )


@dataclass(frozen=True, slots=True)
class _State(Collector):
    """The metrics of one scrape, as the library collects them."""

    metrics: Iterable[StateMetric]

    def collect(self) -> Iterable[StateMetric]:
        return self.metrics


def _remove_files_of_dead(files: Iterable[Path]) -> None:
    for file in files:
        if not _is_alive(file):
            file.unlink(missing_ok=True)


def _remove_stale_machines(directory: Path, own: Path) -> None:
    """Remove the folders of other machines that were not written to for a week."""
    # By age, because whether processes of other machines are alive cannot be checked.
    latest_kept = time.time() - _STALE_AFTER_S
    for folder in directory.iterdir():
        if folder == own or folder.is_symlink() or not folder.is_dir():
            continue
        # Several processes may start at once and remove the same folder.
        with contextlib.suppress(FileNotFoundError):
            files = [folder, *folder.iterdir()]
            if max(file.stat().st_mtime for file in files) < latest_kept:
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(file: Path) -> bool:
    """Return whether the process that a file is named after is running."""
    with contextlib.suppress(ProcessLookupError, ValueError):
        try:
            # Signal 0 only checks that the process exists.
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        # The process exists, but belongs to another user.
        except PermissionError:
            return True
        return True
    return False
