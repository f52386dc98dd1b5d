"""Delete one record by its id."""

from __future__ import annotations

from bridge.errors import ProviderRejectedError
from bridge.services.locks import record_lock
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink, parse_id
from bridge.services.records.vendor_records import (
    lock_key,
    read_entity,
    require_own,
)


def delete_record(
    mapping: RecordMapping,
    record_id: str,
    *,
    within: ParentLink | None = None,
) -> None:
    """Delete one record of an entity that can be deleted. One vendor call.

    Two for a child, which is read first. One more when Autotask refuses.

    Raises:
        NotFoundError: no such record.
        ProviderRejectedError: Autotask refused; the record still exists.
        ProviderOutcomeUnknownError: sent, and no response came.
    """
    entity_id = parse_id(mapping.resource, record_id)
    with record_lock(mapping.ctx, lock_key(mapping, entity_id)):
        if within is not None:
            require_own(mapping, read_entity(mapping, record_id, typed=False), within)
        try:
            mapping.backend.delete(mapping.entity, entity_id)
        except ProviderRejectedError:
            # The vendor has one text for a missing record and for a missing permission;
            # one call more tells them apart.
            read_entity(mapping, record_id, typed=False)
            raise
