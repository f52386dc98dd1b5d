"""`dryRun=true`: what a write would send, without sending it.

One vendor call for an update or a delete, which read the record, and for the create
of a child, which reads its parent; none for any other create. No lease is taken, and
nothing is remembered: neither an intent nor an `Idempotency-Key`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.catalog.model import Resource, Verb
from bridge.errors import InvalidRequestError
from bridge.interfaces import Field, Scalar
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.objects import find_object
from bridge.services.records.parents import ParentLink
from bridge.services.records.validation import merge, vendor_values
from bridge.services.records.vendor_records import (
    entity_type,
    read_entity,
    read_id,
    read_parent,
    require_own,
    validate_change,
    validate_new,
)
from bridge.store.instances import Instance
from bridge.types import JSON


def rehearse_create(
    ctx: Context,
    instance: Instance,
    object_name: str,
    body: dict[str, JSON],
    *,
    within: ParentLink | None = None,
) -> tuple[dict[str, JSON], list[str], list[str]]:
    """Return what a create would send, the members it would not use, and its notes.

    The document is `{"dryRun", "operation", "entity", "request", "problems"}`;
    `request` is null when there are problems, for nothing would be sent then.

    Raises:
        NotFoundError: no such object or parent.
        VerbNotSupportedError: it cannot be created.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.CREATE, "POST")
    problems: list[str] = []
    if within is not None:
        read_parent(ctx, instance, within)
        try:
            body = within.preset(body)
        except InvalidRequestError as error:
            problems.append(error.message)
    fields, draft = validate_new(ctx, instance, resource, body)
    problems += draft.problems
    request = None
    if not problems:
        request = _preview(
            ctx, instance, resource, "create", 0, vendor_values(fields, draft)
        )
    document = _document("create", resource, request, problems)
    return document, draft.ignored, draft.notes


def rehearse_update(  # noqa: PLR0913 - the parts of an update, by name
    ctx: Context,
    instance: Instance,
    object_name: str,
    record_id: str,
    body: Mapping[str, JSON],
    *,
    method: str = "PATCH",
    within: ParentLink | None = None,
) -> tuple[dict[str, JSON], list[str], list[str]]:
    """Return what an update would send, the members it would not use, and its notes.

    `request` is null as well when the body changes nothing. One vendor call.

    Raises:
        NotFoundError: no such object or record.
        VerbNotSupportedError: it cannot be updated.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.UPDATE, method)
    entity_id = read_id(resource, record_id)
    stored = read_entity(open_backend(ctx, instance), resource, record_id)
    require_own(ctx, instance, resource, stored, within)
    fields, draft = validate_change(ctx, instance, resource, body, stored)
    request = None
    if draft.given and not draft.problems:
        values = merge(fields, stored, draft)
        request = _preview(ctx, instance, resource, "update", entity_id, values)
    document = _document("update", resource, request, draft.problems)
    return document, draft.ignored, draft.notes


def rehearse_delete(
    ctx: Context,
    instance: Instance,
    object_name: str,
    record_id: str,
    *,
    within: ParentLink | None = None,
) -> dict[str, JSON]:
    """Return what a delete would send. One vendor call.

    Raises:
        NotFoundError: no such object or record.
        VerbNotSupportedError: it cannot be deleted.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.DELETE, "DELETE")
    entity_id = read_id(resource, record_id)
    stored = read_entity(open_backend(ctx, instance), resource, record_id)
    require_own(ctx, instance, resource, stored, within)
    request = _preview(ctx, instance, resource, "delete", entity_id, {})
    return _document("delete", resource, request, [])


def _preview(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    operation: str,
    entity_id: int,
    values: Mapping[Field, Scalar | None],
) -> str:
    backend = open_backend(ctx, instance)
    return backend.preview(operation, entity_type(resource), entity_id, values)


def _document(
    operation: str, resource: Resource, request: str | None, problems: list[str]
) -> dict[str, JSON]:
    return {
        "dryRun": True,
        "operation": operation,
        "entity": resource.entity,
        "request": request,
        "problems": [*problems],
    }
