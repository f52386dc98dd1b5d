"""Writes to the database that must happen, if not now then as soon as it can."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from bridge.errors import StoreError
from bridge.telemetry.batch_writer import BatchWriter

Write: TypeAlias = Callable[[], object]
"""A write that may be repeated: once it was done, doing it again changes nothing."""

_MAX_UNSAVED = 5_000

_log = logging.getLogger(__name__)


class PendingWrites:
    """Results of creates and releases of locks that the database did not take.

    Until they are saved, others wait for this process, because it lives. They are
    tried again every half second, and once more when the process ends; when it is
    killed, the others see that. One to a process, made after a fork.

    Calls that nothing was sent for wait apart: while the database is away any number of
    them come, and none may take the room of a result.
    """

    def __init__(self) -> None:
        self._results = _collect("results of calls", logging.ERROR)
        self._unsent = _collect("ends of calls not sent", logging.DEBUG)

    def save(self, write: Write, *, unsent: bool = False) -> None:
        """Do a write; when the database refuses, return and do it later.

        `unsent` tells that it ends a call that nothing was sent for.
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
        max_rows=_MAX_UNSAVED,
    )


def _write_all(writes: Sequence[Write]) -> None:
    """Do each write, whatever becomes of the others; then raise what one raised."""
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
