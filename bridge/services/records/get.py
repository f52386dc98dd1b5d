"""Get one record by its id."""

from __future__ import annotations

from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    SerializedRecord,
    open_serializer,
)
from bridge.services.records.vendor_records import read_entity, require_own


def get_record(
    mapping: RecordMapping,
    record_id: str,
    *,
    options: RecordOptions = ALL_MEMBERS,
    within: ParentLink | None = None,
) -> SerializedRecord:
    """Return one record. One vendor call; none when `record_id` is not a number.

    Labels cost what `labels` says.

    Raises:
        NotFoundError: no such record.
        ProviderError: Autotask refused, or gave no usable response.
    """
    entity = read_entity(mapping, record_id, shared=True)
    require_own(mapping, entity, within)
    return open_serializer(mapping, options).record(entity)
