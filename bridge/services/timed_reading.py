"""Database reads with a timeout, which holds even while the database hangs.

For responses that must not hang with it: metrics, readiness, the landing page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from bridge.errors import StoreUnavailableError

TIMEOUT_S = 4.0
"""Less than the usual timeout of health checks, so that they receive the reason."""

_T = TypeVar("_T")


class TimedReader:
    """Reads the database in a background thread, with a timeout for the caller.

    One read runs at a time. A late read continues in its thread and blocks the next
    ones, so that threads and connections do not pile up. Safe to use from many threads.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._due_at = float("inf")

    def read(self, reading: Callable[[], _T]) -> _T:
        """Return what `reading` returns, or raise what it raises.

        Raises:
            StoreUnavailableError: it did not end in time, or an earlier one has not.
        """
        due_at = time.monotonic() + self._timeout_s
        if not self._acquire(due_at):
            raise self._late()
        # Only the holder of the turn writes it; waiters stop when it passes.
        self._due_at = due_at
        result: Future[_T] = Future()
        thread = threading.Thread(
            target=self._run, args=(result, reading), name="timed-reading", daemon=True
        )
        try:
            thread.start()
        # The process cannot start another thread.
        except RuntimeError:
            self._turn.release()
            raise
        wait([result], due_at - time.monotonic())
        if not result.done():
            raise self._late()
        return result.result()

    def _acquire(self, due_at: float) -> bool:
        """Wait for the read in progress, unless it is late already."""
        if self._turn.acquire(blocking=False):
            return True
        # Waiting on would be useless once the read in progress is late.
        until = min(due_at, self._due_at)
        return self._turn.acquire(timeout=max(0.0, until - time.monotonic()))

    def _run(self, result: Future[_T], reading: Callable[[], _T]) -> None:
        try:
            value = reading()
        except BaseException as error:  # noqa: BLE001
            self._turn.release()
            result.set_exception(error)
        else:
            self._turn.release()
            result.set_result(value)

    def _late(self) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The database did not respond within {self._timeout_s:g} s",
            cure="end what locks its tables, or restart its server",
        )
