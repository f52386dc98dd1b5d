"""What a use case may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.catalog.model import Element
from bridge.interfaces import Enqueue, InspectableRateLimiter, OpenBackend
from bridge.services.entities import EntityDirectory
from bridge.services.fields import EntityFields
from bridge.services.pending_writes import PendingWrites
from bridge.services.request_log import RequestLog
from bridge.services.timed_cache import TimedCache
from bridge.services.timed_reading import TimedReader
from bridge.settings import Settings
from bridge.store.database.engine import Database
from bridge.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from bridge.services.records.mapping import RecordMapping


def _as_it_is(mapping: RecordMapping) -> RecordMapping:
    return mapping


@dataclass(frozen=True, slots=True)
class Context:
    """Everything outside the process that a use case works with.

    `elements` is keyed by element key; `backends` by the names that instances select a
    backend by, the default first; `close_backends` closes their connections, once, when
    no use case needs them. `clock` returns aware UTC times; `fields` and `directories`
    are this process's part of the metadata cache, by instance and name; `names` its
    cache of record names, by instance, entity and id. `rate_limiter` holds the call
    budgets; `request_log` and `metrics` record what happens; `pending_writes` retries
    writes that the database refused. `state_reader` and `readiness_reader` read the
    database for responses that may not wait for it; each has its own timeout.
    `wrap_mapping` is applied to each record mapping that is opened.
    """

    settings: Settings
    database: Database
    elements: Mapping[str, Element]
    backends: Mapping[str, OpenBackend]
    close_backends: Callable[[], None]
    rate_limiter: InspectableRateLimiter
    fields: TimedCache[tuple[int, str], EntityFields]
    directories: TimedCache[tuple[int, str], EntityDirectory]
    names: TimedCache[tuple[int, str, int], str]
    enqueue: Enqueue
    clock: Callable[[], datetime]
    request_log: RequestLog
    metrics: Metrics
    pending_writes: PendingWrites
    state_reader: TimedReader
    readiness_reader: TimedReader
    wrap_mapping: Callable[[RecordMapping], RecordMapping] = _as_it_is
