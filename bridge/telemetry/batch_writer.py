"""Write rows in batches from a background thread, so that no caller waits for them."""

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
    """Passes rows to `write` from its own thread, `interval_s` after the first.

    `enqueue` never blocks and never fails. Rows that cannot be written stay queued and
    are retried; above `max_rows`, new ones are dropped and `lost` is called with their
    number. Queued rows are written when the process ends; a crash loses them. Build it
    after a fork, because a thread does not survive one.
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
        """Queue a row."""
        if len(self._rows) >= self._max_rows:
            self._lost(1)
            return
        # No lock: a deque appends atomically, and a few rows too many do no harm.
        self._rows.append(row)
        if self._thread is None:
            self._start()
        # Setting an event takes its lock; most rows find it set already.
        if not self._waiting.is_set():
            self._waiting.set()

    def flush(self) -> bool:
        """Write all rows now; False when that failed and they stay queued."""
        with self._writing:
            while self._rows:
                count = min(len(self._rows), _BATCH_ROWS)
                batch = [self._rows.popleft() for _ in range(count)]
                if not self._try(batch):
                    # Back to the front, so that rows are written in their order.
                    self._rows.extendleft(reversed(batch))
                    return False
        return True

    def close(self) -> None:
        """Write what is queued and end the thread.

        Called automatically when the process ends.
        """
        self._closing.set()
        self._waiting.set()
        self.flush()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a hanging database must not keep the process from ending.
                thread = threading.Thread(target=self._run, name="batches", daemon=True)
                thread.start()
                atexit.register(self.close)
                self._thread = thread

    def _run(self) -> None:
        written = True
        while True:
            self._waiting.wait()
            self._waiting.clear()
            # Not a plain sleep, so that `close` need not wait for the interval.
            if self._closing.wait(self._interval_s):
                return
            before, written = written, self.flush()
            # One warning per outage, not one per attempt.
            if before and not written:
                _log.warning("%s cannot be written; they are kept for now", self._what)
            if not written:
                self._waiting.set()

    def _try(self, batch: Sequence[Row]) -> bool:
        """Write a batch; False if the database failed and a retry may help."""
        try:
            self._write(batch)
        except BridgeError:
            return False
        except Exception:  # noqa: BLE001 - the last frame of this thread
            self._lost(len(batch))
            _log.exception("%d %s were lost", len(batch), self._what)
        return True
