"""Writes to the database that are retried until they succeed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from bridge.errors import StoreError
from bridge.telemetry.batch_writer import BatchWriter

Write: TypeAlias = Callable[[], object]
"""An idempotent write: doing it twice has the same effect as doing it once."""

_MAX_PENDING = 5_000

_log = logging.getLogger(__name__)


class PendingWrites:
    """Results of creates and releases of locks that could not be stored.

    Until they are stored, other processes wait for this one, because it is alive. They
    are retried every half second, and once more when the process ends; a process that
    is killed is recognized as dead by the others. One to a process, made after a fork.

    Ends of calls for which nothing was sent have a queue of their own: while the
    database is away there may be any number of them, and none may displace a result.
    """

    def __init__(self) -> None:
        self._results = _collect("results of calls", logging.ERROR)
        self._unsent = _collect("ends of calls not sent", logging.DEBUG)

    def save(self, write: Write, *, unsent: bool = False) -> None:
        """Do a write now, or later where the database fails.

        `unsent` marks the end of a call for which nothing was sent.
        """
        try:
            write()
        except StoreError:
            (self._unsent if unsent else self._results).enqueue(write)


def _collect(what: str, level: int) -> BatchWriter[Write]:
    return BatchWriter(
        _write_all,
        lost=partial(_report_lost, what, level),
        what=what,
        max_rows=_MAX_PENDING,
    )


def _write_all(writes: Sequence[Write]) -> None:
    """Do each write even if others fail; then raise the last error."""
    refusal: StoreError | None = None
    for write in writes:
        try:
            write()
        except StoreError as error:
            refusal = error
    if refusal is not None:
        raise refusal


def _report_lost(what: str, level: int, count: int) -> None:
    _log.log(level, "%d %s were not saved; others wait for leases", count, what)
