"""The logs in the database: requests, vendor calls, traces.

No request waits for them: rows are queued and written from background threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bridge.interfaces import VendorCall
from bridge.settings import Settings
from bridge.store.database.engine import Database
from bridge.store.logs import request_log as rows
from bridge.store.logs.request_log import RequestEntry, TraceEntry, VendorCallEntry
from bridge.telemetry import current_call
from bridge.telemetry.batch_writer import BatchWriter
from bridge.telemetry.metrics import Metrics

Row = TypeVar("Row", RequestEntry, VendorCallEntry, TraceEntry)

_MAX_TRACES = 500


class RequestLog:
    """The three logs of a process; the `CallLog` of its backends.

    A row is in the database half a second later, or when the process ends. A crash
    loses the rows of its last half second.
    """

    def __init__(
        self, database: Database, metrics: Metrics, settings: Settings
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._kept = timedelta(days=settings.log_retention_days)
        self._traces_kept = timedelta(days=settings.trace_retention_days)
        self._answered = self._collect("request_log", rows.add_requests)
        self._called = self._collect("vendor_call_log", rows.add_vendor_calls)
        self._traces = self._collect("traces", rows.add_traces, _MAX_TRACES)

    def record(self, call_made: VendorCall) -> None:
        """Record one exchange with the vendor. Implements `interfaces.CallLog`."""
        # Background threads, such as usage readings, have no current call.
        current = current_call.current()
        if current is not None:
            current.vendor_calls += 1
            if current.trace is not None:
                current.trace.add(_exchange(call_made))
        self._metrics.vendor_call(
            call_made.operation, call_made.outcome, call_made.duration_ms
        )
        self._called.enqueue(
            VendorCallEntry(
                request_id=current.request_id if current is not None else None,
                instance_id=call_made.instance_id,
                operation=call_made.operation,
                entity=call_made.entity,
                attempt=call_made.attempt,
                outcome=call_made.outcome,
                started_at=call_made.started_at,
                duration_ms=call_made.duration_ms,
                expires_at=call_made.started_at + self._kept,
            )
        )

    def record_request(self, row: RequestEntry) -> None:
        """Record a request."""
        self._answered.enqueue(row)

    def record_trace(self, row: TraceEntry) -> None:
        """Record a trace."""
        self._traces.enqueue(row)

    def log_expiry(self, now: datetime) -> datetime:
        """Return when a row that is written at `now` expires."""
        return now + self._kept

    def trace_expiry(self, now: datetime) -> datetime:
        """Return when a trace that is written at `now` expires."""
        return now + self._traces_kept

    def flush(self) -> None:
        """Write all queued rows now."""
        for batches in (self._answered, self._called, self._traces):
            batches.flush()

    def _collect(
        self,
        table: str,
        add: Callable[[Database, Sequence[Row]], None],
        max_rows: int = 20_000,
    ) -> BatchWriter[Row]:
        # A counter that starts at 0 makes the first loss visible as an increase.
        self._metrics.rows_lost(table, 0)
        return BatchWriter(
            partial(add, self._database),
            lost=partial(self._metrics.rows_lost, table),
            max_rows=max_rows,
        )


def _exchange(made: VendorCall) -> current_call.Exchange:
    return current_call.Exchange(
        operation=made.operation,
        entity=made.entity,
        attempt=made.attempt,
        outcome=made.outcome,
        duration_ms=made.duration_ms,
        request=made.request,
        reply=made.reply,
    )
