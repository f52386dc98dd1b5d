"""Remembers what was called, so that tests can count vendor calls and judge them."""

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

UNKNOWN = "(unknown)"
"""What operations that there are none of are counted under, whatever their name."""

_MAX_ENTRIES = 200
_MAX_EXCHANGES = 200  # a full page has one or two megabytes
_MAX_SPANS = 20_000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One answered request; no header or body is kept.

    `operation` is empty when it could not be read, or `UNKNOWN`. `ms` is the time until
    the answer was ready, `fault` the kind of what went wrong on demand or `busy`, empty
    for nothing.
    """

    operation: str
    entity: str
    user: str
    status: int
    ms: float
    fault: str = ""


_Span: TypeAlias = tuple[str, str, float, float]
"""User, entity, and when a call came and was answered, by the monotonic clock."""


class Journal:
    """Counts since the start or the last `clear`, and the latest requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._latest: deque[Entry] = deque(maxlen=_MAX_ENTRIES)
        self._spans: deque[_Span] = deque(maxlen=_MAX_SPANS)

    def add(self, entry: Entry) -> None:
        """Add one request, just when its answer is ready."""
        ended = time.monotonic()
        span = (entry.user, entry.entity, ended - entry.ms / 1000, ended)
        with self._lock:
            self._spans.append(span)
            self._counts[entry.operation, entry.entity] += 1
            self._latest.append(entry)

    def clear(self) -> None:
        """Forget everything."""
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

        Calls without an entity are counted under the empty name. `mostAtOnce` tells
        for each user and entity how many calls were ever under way together.
        """
        with self._lock:
            counts: dict[str, dict[str, int]] = {}
            for (operation, entity), number in sorted(self._counts.items()):
                counts.setdefault(operation, {})[entity] = number
            return {
                "total": self._counts.total(),
                "counts": counts,
                "mostAtOnce": _max_concurrent(self._spans),
                "requests": [asdict(entry) for entry in self._latest],
            }


class RecordingError(Exception):
    """The file for exchanges cannot be written; says why in one sentence."""


class Recording:
    """Whole SOAP requests and replies: all of them in a file, the latest in memory.

    The file gets everything, memory what is asked for. Requests name the
    integration code; passwords travel in HTTP headers, which are not kept.

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
        self, entry: Entry, request: bytes, reply: bytes, *, in_memory: bool
    ) -> None:
        """Add one exchange where it is wanted; the file gets it as a line of JSON.

        A file that cannot be written any more is told once and tried again.
        """
        if not in_memory and self._path is None:
            return
        texts = {"request": _text(request), "reply": _text(reply)}
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
        """Forget them; a file stays as it is."""
        with self._lock:
            self._latest.clear()


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _max_concurrent(spans: Iterable[_Span]) -> dict[str, dict[str, int]]:
    changes = sorted(
        (moment, change, user, entity)
        for user, entity, came, answered in spans
        for moment, change in ((came, 1), (answered, -1))
    )
    now: Counter[tuple[str, str]] = Counter()
    most: dict[str, dict[str, int]] = defaultdict(dict)
    for _moment, change, user, entity in changes:
        now[user, entity] += change
        known = most[user].get(entity, 0)
        most[user][entity] = max(known, now[user, entity])
    return most
