"""Rows that nobody waits for: collected here, written together a little later."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bridge.errors import BridgeError

Row = TypeVar("Row")

_MAX_ROWS = 20_000
_BATCH_ROWS = 500

_log = logging.getLogger(__name__)


class BatchWriter(Generic[Row]):
    """Hands rows to `write` from a thread of its own, `interval_s` after the first.

    `put` never blocks and never fails. Rows that cannot be written are kept and
    tried again; when too many wait, new ones are let go, and `lost` is told how many.
    What is there when the process ends is written then; a crash loses it. Make one
    after a fork, never before: its thread would stay behind.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Row]], None],
        *,
        lost: Callable[[int], None],
        what: str = "rows of the log tables",
        interval_s: float = 0.5,
        max_rows: int = _MAX_ROWS,
    ) -> None:
        self._write = write
        self._lost = lost
        self._what = what
        self._interval_s = interval_s
        self._max_rows = max_rows
        self._rows: deque[Row] = deque()
        self._waiting = threading.Event()
        self._closing = threading.Event()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def enqueue(self, row: Row) -> None:
        """Take a row."""
        if len(self._rows) >= self._max_rows:
            self._lost(1)
            return
        self._rows.append(row)
        if self._thread is None:
            self._start()
        if not self._waiting.is_set():
            self._waiting.set()

    def flush(self) -> bool:
        """Write all rows now; False when they could not be written and wait on."""
        with self._writing:
            while self._rows:
                count = min(len(self._rows), _BATCH_ROWS)
                batch = [self._rows.popleft() for _ in range(count)]
                if not self._try(batch):
                    self._rows.extendleft(reversed(batch))
                    return False
        return True

    def close(self) -> None:
        """Write what is there and end the thread.

        Runs by itself when the process ends.
        """
        self._closing.set()
        self._waiting.set()
        self.flush()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="batches", daemon=True)
                thread.start()
                atexit.register(self.close)
                self._thread = thread

    def _run(self) -> None:
        written = True
        while True:
            self._waiting.wait()
            self._waiting.clear()
            if self._closing.wait(self._interval_s):
                return
            before, written = written, self.flush()
            if before and not written:
                _log.warning("%s cannot be written; they are kept for now", self._what)
            if not written:
                self._waiting.set()

    def _try(self, batch: Sequence[Row]) -> bool:
        """Write a batch; only a database that refuses is a reason to keep it."""
        try:
            self._write(batch)
        except BridgeError:
            return False
        except Exception:  # noqa: BLE001 - the last frame of this thread
            self._lost(len(batch))
            _log.exception("%d %s were lost", len(batch), self._what)
        return True
