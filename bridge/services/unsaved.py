"""Writes to the database that must happen, if not now then as soon as it can."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from bridge.errors import StoreError
from bridge.telemetry.batches import Batches

Write: TypeAlias = Callable[[], object]
"""A write that may be repeated: once it was done, doing it again changes nothing."""

_MAX_UNSAVED = 5_000

_log = logging.getLogger(__name__)


class UnsavedWrites:
    """Results of creates and releases of locks that the database did not take.

    Until they are saved, others wait for this process, because it lives. They are
    tried again every half second, and once more when the process ends; when it is
    killed, the others see that. One to a process, made after a fork.
    """

    def __init__(self) -> None:
        self._waiting: Batches[Write] = Batches(
            _write_all,
            lost=_report_lost,
            what="results of calls",
            most_kept=_MAX_UNSAVED,
        )

    def save(self, write: Write) -> None:
        """Do a write; when the database refuses, return and do it later."""
        try:
            write()
        except StoreError:
            self._waiting.put(write)


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


def _report_lost(count: int) -> None:
    _log.error(
        "%d results of calls were not saved; others wait for their leases", count
    )
