"""Readings of the database that end in time, even while the database does not respond.

For what must respond when all else hangs: metrics, readiness, the landing page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from bridge.errors import StoreUnavailableError

TIMEOUT_S = 4.0
"""Less than health checks wait by default, so that they get the reason."""

_T = TypeVar("_T")


class TimedReader:
    """Reads a database in a thread that nobody waits for longer than `timeout_s`.

    One reading runs at a time. A reading that is late goes on alone, and while it does,
    no other is begun: neither threads nor connections pile up. Safe to use from many
    threads.
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
        self._due_at = due_at
        result: Future[_T] = Future()
        thread = threading.Thread(
            target=self._run, args=(result, reading), name="timed-reading", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._turn.release()
            raise
        wait([result], due_at - time.monotonic())
        if not result.done():
            raise self._late()
        return result.result()

    def _acquire(self, due_at: float) -> bool:
        """Wait for the reading under way, unless it is late already."""
        if self._turn.acquire(blocking=False):
            return True
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
