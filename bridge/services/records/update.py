"""Update one record: read, compare, write, read again."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.interfaces import Entity
from bridge.services.locks import record_lock
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink, parse_id
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.validation import (
    ValidatedRecord,
    unchanged_values,
    vendor_values,
)
from bridge.services.records.vendor_records import (
    lock_key,
    read_entity,
    require_own,
    validate_change,
)
from bridge.services.records.write_result import (
    WriteResult,
    build_result,
    read_back,
)
from bridge.types import JSON


def update_record(
    mapping: RecordMapping,
    record_id: str,
    body: Mapping[str, JSON],
    *,
    options: RecordOptions = ALL_MEMBERS,
    within: ParentLink | None = None,
) -> WriteResult:
    """Change the members in `body` and nothing else. Three vendor calls.

    All steps run under a lock: updates of one record through any process are made one
    after the other. The vendor has no conditional update, so a change made elsewhere
    between our read and our write is lost. A body that changes nothing costs one call.

    Raises:
        NotFoundError: no such record.
        InvalidRequestError: the body; every problem is named, nothing was written.
        ProviderRejectedError: Autotask refused; nothing was changed.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    entity_id = parse_id(mapping.resource, record_id)
    serializer = open_serializer(mapping, options)
    with record_lock(mapping.ctx, lock_key(mapping, entity_id)) as lock:
        stored = read_entity(mapping, record_id)
        require_own(mapping, stored, within)
        record = validate_change(mapping, body, stored)
        record.require_valid(f"The {mapping.resource.singular} was not changed")
        if record.given:
            changes, unchanged = vendor_values(record), unchanged_values(stored, record)
            lock.require_send_time()
            mapping.backend.update(mapping.entity, entity_id, changes, unchanged)
    if not record.given:
        return build_result(serializer, stored, record)
    notice = "updated, but not read back: computed members may be old"
    return read_back(serializer, _overlay(stored, record), record, notice)


def _overlay(stored: Entity, record: ValidatedRecord) -> Entity:
    """Return the entity as it must be after the write."""
    given = record.given.values()
    changes = {info.name: value for info, value in given if not info.udf}
    # As in the response of a query, which leaves out null fields.
    values = {n: v for n, v in (stored.values | changes).items() if v is not None}
    udfs = {info.name: value for info, value in given if info.udf}
    return Entity(values, (stored.udfs or {}) | udfs if udfs else stored.udfs)
