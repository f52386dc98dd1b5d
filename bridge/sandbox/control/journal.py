"""The journal of calls, so that tests can count and validate them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

# Calls of operations that do not exist are counted under one name: a client that makes
# names up would fill the memory.
UNKNOWN = "(unknown)"

_MAX_ENTRIES = 200
_MAX_EXCHANGES = 200  # a page of 500 records has one or two megabytes
_MAX_SPANS = 20_000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One completed request, without headers and body.

    `operation` is empty when it could not be read, or `UNKNOWN`. `ms` is the time until
    the response was ready; `fault` the kind of fault on demand, `busy`, or empty.
    """

    operation: str
    entity: str
    user: str
    status: int
    ms: float
    fault: str = ""


# User, entity, start and end of a call, by the monotonic clock.
_Span: TypeAlias = tuple[str, str, float, float]


class Journal:
    """Counts since the start or the last `clear`, and the latest requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._latest: deque[Entry] = deque(maxlen=_MAX_ENTRIES)
        self._spans: deque[_Span] = deque(maxlen=_MAX_SPANS)

    def add(self, entry: Entry) -> None:
        """Add a request whose response has just become ready."""
        ended = time.monotonic()
        span = (entry.user, entry.entity, ended - entry.ms / 1000, ended)
        with self._lock:
            self._spans.append(span)
            self._counts[entry.operation, entry.entity] += 1
            self._latest.append(entry)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._counts.clear()
            self._latest.clear()
            self._spans.clear()

    def latest(self, number: int) -> list[Entry]:
        """Return the latest requests, newest first."""
        with self._lock:
            return list(reversed(self._latest))[:number]

    def report(self) -> dict[str, object]:
        """Return total, counts by operation and entity, and the latest, oldest first.

        Calls without an entity are counted under the empty name. `mostAtOnce` is the
        highest number of concurrent calls by user and entity.
        """
        with self._lock:
            counts: dict[str, dict[str, int]] = defaultdict(dict)
            for (operation, entity), number in sorted(self._counts.items()):
                counts[operation][entity] = number
            return {
                "total": self._counts.total(),
                "counts": counts,
                "mostAtOnce": _max_concurrent(self._spans),
                "requests": [asdict(entry) for entry in self._latest],
            }


class RecordingError(Exception):
    """The file for exchanges cannot be written; says why in one sentence."""


class Recording:
    """Whole SOAP requests and responses: all in a file, the latest in memory.

    Requests contain the integration code; passwords are sent in HTTP headers, which are
    not recorded.

    Raises:
        RecordingError: the file cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._is_broken = False
        self._latest: deque[dict[str, object]] = deque(maxlen=_MAX_EXCHANGES)
        try:
            self._write("")
        except OSError as error:
            raise RecordingError(
                f"Exchanges cannot be recorded in {path}: {error.strerror}."
            ) from error

    def add(
        self, entry: Entry, request: bytes, response: bytes, *, in_memory: bool
    ) -> None:
        """Add one exchange to the file, as a line of JSON, and to memory if so.

        A file that cannot be written is logged once and tried again.
        """
        if not in_memory and self._path is None:
            return
        texts = {"request": _text(request), "reply": _text(response)}
        document = asdict(entry) | texts
        with self._lock:
            if in_memory:
                self._latest.append(document)
            try:
                self._write(json.dumps(document) + "\n")
            except OSError as error:
                if not self._is_broken:
                    _LOG.error("An exchange is not recorded: %s", error)
                self._is_broken = True
            else:
                self._is_broken = False

    def _write(self, text: str) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)

    def latest(self) -> list[dict[str, object]]:
        """Return the latest exchanges, oldest first."""
        with self._lock:
            return list(self._latest)

    def clear(self) -> None:
        """Remove the exchanges in memory; the file stays as it is."""
        with self._lock:
            self._latest.clear()


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _max_concurrent(spans: Iterable[_Span]) -> dict[str, dict[str, int]]:
    # At one moment ends come before starts: calls in a row do not overlap.
    changes = sorted(
        (moment, change, user, entity)
        for user, entity, start, end in spans
        for moment, change in ((start, 1), (end, -1))
    )
    now: Counter[tuple[str, str]] = Counter()
    highest: dict[str, dict[str, int]] = defaultdict(dict)
    for _moment, change, user, entity in changes:
        now[user, entity] += change
        known = highest[user].get(entity, 0)
        highest[user][entity] = max(known, now[user, entity])
    return highest
