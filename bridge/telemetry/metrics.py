"""Counters for Prometheus; those of several processes are summed when they are read.

Processes that `share` a directory keep their figures in files there, one set each.
What a process counted stays in the sums after it has ended, until the next start.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

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

from bridge.errors import StoreUnavailableError
from bridge.telemetry.preallocated_files import PreallocatedDict

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_STALE_AFTER_S = 7 * 24 * 3600
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_WAITS = (0.005, 0.05, 0.25, 1, 2.5, 5, 10, 20, 60)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 110)


def share(directory: Path, *, reset: bool) -> None:
    """Let this process and its children count together with others on this machine.

    Call it before any `Metrics` is made. Machines that share a data directory have
    folders of their own in it, because their process numbers are alike. When counting
    begins `anew`, what ended processes left behind is removed; so are the folders of
    other machines in which nobody has counted for a week, because a container has
    another host name each time it is made.
    """
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
    values.MmapedDict = PreallocatedDict  # type: ignore[attr-defined]
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


class RefusalReason(StrEnum):
    """Why the rate limiter refused a call."""

    BUDGET = "budget"
    SLOTS = "slots"
    CIRCUIT_BREAKER = "circuit_breaker"


@dataclass(frozen=True, slots=True)
class StateMetric:
    """A gauge read when `/metrics` is: a value for each combination of labels."""

    name: str
    help: str
    values: Sequence[tuple[Mapping[str, str], float]]


# A data directory that is gone or full fails no call: what happens meanwhile is not
# counted.
_uncounted = contextlib.suppress(OSError)


class Metrics:
    """The figures of one process. Safe to use from many threads."""

    def __init__(self, *, version: str) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._begun = 0
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "bridge_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "bridge_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "bridge_requests_in_flight",
            "Requests being answered now.",
            ("server",),
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._vendor_calls = Counter(
            "bridge_vendor_calls",
            "Exchanges with Autotask, repeated ones included.",
            ("operation", "outcome"),
            registry=self._registry,
        )
        self._vendor_seconds = Histogram(
            "bridge_vendor_call_seconds",
            "Exchanges with Autotask.",
            ("operation",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows_lost = Counter(
            "bridge_log_rows_lost",
            "Rows of the request and vendor call logs that could not be kept.",
            ("table",),
            registry=self._registry,
        )
        self._limiter_waits = Histogram(
            "bridge_rate_limit_wait_seconds",
            "Waiting for a slot and the budget, until it was granted or refused.",
            ("priority",),
            buckets=_WAITS,
            registry=self._registry,
        )
        self._limiter_refusals = Counter(
            "bridge_rate_limit_refusals",
            "Calls to Autotask that were refused before they were sent.",
            ("reason",),
            registry=self._registry,
        )
        # So that a rate can be computed from the first one on.
        with _uncounted:
            for reason in RefusalReason:
                self._limiter_refusals.labels(reason)

    def request_begins(self) -> None:
        """Count a request as being answered; `request_ends` must follow."""
        self._count_begun(1)

    def request_ends(self, method: str, route: str, status: int, ms: float) -> None:
        """Count an answered request; `route` is a template, never a caller's path."""
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
        """Count rows of a log table that nobody will ever read."""
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
        """Set the gauge, rather than change it: a change that is lost would stay so."""
        with self._lock, _uncounted:
            self._begun += change
            self._in_flight.labels("facade").set(self._begun)

    def exposition(self, state: Iterable[StateMetric] = ()) -> bytes:
        """Return all figures as `CONTENT_TYPE` says, other processes' included.

        `state` is what nobody counts, and the caller has read.

        Raises:
            StoreUnavailableError: the directory of the figures is gone; a part of them
                would look like counters that began anew.
        """
        registry, shared = self._registry, os.environ.get(_DIRECTORY)
        if shared:
            if not Path(shared).is_dir():
                raise StoreUnavailableError(
                    "The directory of the metrics is not there any more; put the data "
                    "directory back, or restart Bridge."
                )
            # What killed processes say they are doing now.
            _remove_files_of_dead(Path(shared).glob("gauge_live*.db"))
            registry = CollectorRegistry()
            MultiProcessCollector(registry, shared)  # type: ignore[no-untyped-call]
        build = (
            "# HELP bridge_build_info The release that answers.\n"
            "# TYPE bridge_build_info gauge\n"
            f'bridge_build_info{{version="{self._version}"}} 1.0\n'
        )
        return build.encode() + generate_latest(registry) + _render(state)


def _render(state: Iterable[StateMetric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_StateCollector(state))
    return generate_latest(registry)


class _StateCollector:
    """What the library renders: `collect` is its protocol."""

    def __init__(self, state: Iterable[StateMetric]) -> None:
        self._state = tuple(state)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics in the library's own form."""
        for metric in self._state:
            labels = tuple(metric.values[0][0]) if metric.values else ()
            family = GaugeMetricFamily(metric.name, metric.help, labels=labels)
            for found, value in metric.values:
                family.add_metric([found[label] for label in labels], float(value))
            yield family


def _remove_files_of_dead(files: Iterable[Path]) -> None:
    for file in files:
        if not _is_alive(file):
            file.unlink(missing_ok=True)


def _remove_stale_machines(directory: Path, own: Path) -> None:
    """Remove the folders of other machines that were not written to lately."""
    latest_kept = time.time() - _STALE_AFTER_S
    for folder in directory.iterdir():
        if folder == own or folder.is_symlink() or not folder.is_dir():
            continue
        # Several may start and look at once; what one has removed is gone for all.
        with contextlib.suppress(FileNotFoundError):
            files = [folder, *folder.iterdir()]
            if max(file.stat().st_mtime for file in files) < latest_kept:
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(file: Path) -> bool:
    """Tell whether the process that a file is named after runs."""
    with contextlib.suppress(ProcessLookupError, ValueError):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except PermissionError:
            return True
        return True
    return False
