"""`dryRun=true`: what a write would send, without sending it.

One vendor call for an update or a delete, which read the record, and for the create
of a child, which reads its parent; none for any other create. No lock is acquired, and
nothing is stored: no idempotency record, and no `Idempotency-Key`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import InvalidRequestError
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink, parse_id
from bridge.services.records.validation import unchanged_values, vendor_values
from bridge.services.records.vendor_records import (
    read_entity,
    read_parent,
    require_own,
    validate_change,
    validate_new,
)
from bridge.types import JSON


def preview_create(
    mapping: RecordMapping,
    body: dict[str, JSON],
    *,
    within: ParentLink | None = None,
) -> tuple[dict[str, JSON], list[str], list[str]]:
    """Return what a create would send, the members it would ignore, and its notes.

    The document is `{"dryRun", "operation", "entity", "request", "problems"}`;
    `request` is null when there are problems, because nothing would be sent.

    Raises:
        NotFoundError: no such parent.
    """
    problems: list[str] = []
    if within is not None:
        read_parent(mapping, within)
        try:
            body = within.preset(body)
        except InvalidRequestError as error:
            problems.append(error.message)
    record = validate_new(mapping, body)
    problems += record.problems
    request = None
    if not problems:
        values = vendor_values(record)
        request = mapping.backend.preview("create", mapping.entity, 0, values)
    document = build_document("create", mapping.entity.name, request, problems)
    return document, record.ignored, record.notes


def preview_update(
    mapping: RecordMapping,
    record_id: str,
    body: Mapping[str, JSON],
    *,
    within: ParentLink | None = None,
) -> tuple[dict[str, JSON], list[str], list[str]]:
    """Return what an update would send, the members it would ignore, and its notes.

    `request` is also null when the body changes nothing. One vendor call.

    Raises:
        NotFoundError: no such record.
    """
    entity_id = parse_id(mapping.resource, record_id)
    stored = read_entity(mapping, record_id)
    require_own(mapping, stored, within)
    record = validate_change(mapping, body, stored)
    request = None
    if record.given and not record.problems:
        changes, unchanged = vendor_values(record), unchanged_values(stored, record)
        request = mapping.backend.preview(
            "update", mapping.entity, entity_id, changes, unchanged
        )
    document = build_document("update", mapping.entity.name, request, record.problems)
    return document, record.ignored, record.notes


def preview_delete(
    mapping: RecordMapping,
    record_id: str,
    *,
    within: ParentLink | None = None,
) -> dict[str, JSON]:
    """Return what a delete would send. One vendor call.

    Raises:
        NotFoundError: no such record.
    """
    entity_id = parse_id(mapping.resource, record_id)
    require_own(mapping, read_entity(mapping, record_id, typed=False), within)
    request = mapping.backend.preview("delete", mapping.entity, entity_id, {})
    return build_document("delete", mapping.entity.name, request, [])


def build_document(
    operation: str, entity: str, request: str | None, problems: list[str]
) -> dict[str, JSON]:
    """Return the document of a dry run; without a `request` nothing would be sent."""
    return {
        "dryRun": True,
        "operation": operation,
        "entity": entity,
        "request": request,
        "problems": [*problems],
    }
