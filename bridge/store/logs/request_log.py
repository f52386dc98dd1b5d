"""Writes the logs of requests and of vendor calls, and the traces of both.

Rows are written in batches and expire. They have no foreign keys, because a log entry
outlives its instance. A text that the database cannot hold is shortened or changed,
because one unusual path must not prevent a batch from being written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, select

from bridge.store.database.engine import Database
from bridge.store.models import request_log, traces, vendor_call_log

_MAX_TEXT_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """A request and the status of its response; `path` is without its query.

    `route` is the path's template. Ids are None where the caller is unknown.
    """

    request_id: str
    answered_at: datetime
    organization_id: int | None
    account_id: int | None
    user_id: int | None
    instance_id: int | None
    element_key: str | None
    method: str
    path: str
    route: str
    status: int
    duration_ms: float
    vendor_calls: int
    remote_address: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VendorCallEntry:
    """One call to the vendor; outside of a request its `request_id` stays None."""

    request_id: str | None
    instance_id: int | None
    operation: str
    entity: str
    attempt: int
    outcome: str
    started_at: datetime
    duration_ms: float
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """A traced request as a JSON object without secrets."""

    request_id: str
    instance_id: int
    exchange: Mapping[str, object] = field(repr=False)
    expires_at: datetime


def add_requests(db: Database, rows: Sequence[RequestEntry]) -> None:
    """Store requests, in one transaction."""
    _insert(db, request_log, [_storable(row) for row in rows])


def add_vendor_calls(db: Database, rows: Sequence[VendorCallEntry]) -> None:
    """Store vendor calls, in one transaction."""
    _insert(db, vendor_call_log, [_storable(row) for row in rows])


def add_traces(db: Database, rows: Sequence[TraceEntry]) -> None:
    """Store traces, sealed, in one transaction."""
    sealed = [
        {
            "request_id": row.request_id,
            "instance_id": row.instance_id,
            "sealed_exchange": db.keys.seal(json.dumps(row.exchange)),
            "expires_at": row.expires_at,
        }
        for row in rows
    ]
    _insert(db, traces, sealed)


def read_traces(
    db: Database,
    instance_id: int,
    *,
    request_id: str | None = None,
    newest: int = 100,
) -> Iterator[dict[str, object]]:
    """Yield an instance's newest traces, oldest first, or those of one request."""
    chosen = select(traces.c.id).where(traces.c.instance_id == instance_id)
    if request_id is not None:
        chosen = chosen.where(traces.c.request_id == request_id)
    chosen = chosen.order_by(traces.c.id.desc()).limit(newest)
    statement = select(traces.c.sealed_exchange).where(traces.c.id.in_(chosen))
    with db.read() as connection:
        sealed = connection.scalars(statement.order_by(traces.c.id)).all()
    for seal in sealed:
        exchange: dict[str, object] = json.loads(db.keys.open(seal))
        yield exchange


def _insert(db: Database, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        with db.begin() as connection:
            connection.execute(insert(table), rows)


def _storable(row: RequestEntry | VendorCallEntry) -> dict[str, object]:
    return {name: _cut(getattr(row, name)) for name in row.__slots__}


def _cut(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value[:_MAX_TEXT_LENGTH].replace("\0", "�")
    return text.encode("utf-8", "replace").decode("utf-8")
