"""Read, create, update and delete records of one instance.

Facade terms outside, vendor terms inside; the catalogue is where they meet.
Knows no HTTP, no SOAP and no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial

from bridge.catalog.model import Resource, Verb
from bridge.errors import (
    BridgeError,
    ProviderRejectedError,
)
from bridge.interfaces import UDF_MEMBER, Entity, Scalar
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.locks import record_lock
from bridge.services.objects import find_object
from bridge.services.records.idempotency import (
    CheckSendDeadline,
    CreateCall,
    create_once,
    tenant_key,
)
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    PLAIN,
    RecordOptions,
    RecordSerializer,
    SerializedRecord,
    open_serializer,
)
from bridge.services.records.validation import ValidatedRecord, merge, vendor_values
from bridge.services.records.vendor_records import (
    entity_type,
    read_entity,
    read_id,
    read_parent,
    require_own,
    validate_change,
    validate_new,
)
from bridge.services.records.write_result import WriteResult, show_unread
from bridge.services.times import write_time
from bridge.store.instances import Instance
from bridge.types import JSON


def get_record(
    ctx: Context,
    instance: Instance,
    object_name: str,
    record_id: str,
    *,
    view: RecordOptions = PLAIN,
    within: ParentLink | None = None,
) -> SerializedRecord:
    """Return one record. One vendor call; none when `record_id` is no number.

    Labels cost what `labels` says.

    Raises:
        NotFoundError: no such resource or record.
        ProviderError: Autotask refused, or gave no usable answer.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.GET, "GET")
    backend = open_backend(ctx, instance)
    entity = read_entity(backend, resource, record_id, shared=True)
    require_own(ctx, instance, resource, entity, within)
    return open_serializer(ctx, instance, resource, view).show(entity)


def create_record(  # noqa: PLR0913 - the parts of a create, by name
    ctx: Context,
    instance: Instance,
    object_name: str,
    body: Mapping[str, JSON],
    *,
    key: str | None = None,
    view: RecordOptions = PLAIN,
    within: ParentLink | None = None,
) -> WriteResult:
    """Create a record and read it back. Two vendor calls; none when it repeats one.

    A child, `within` its parent, costs one more: the parent is read first. So may a
    create with a key, as `guard` says.

    `key` is the caller's `Idempotency-Key`; `guard` says which calls repeat others.
    When only the reading back fails, the record exists: the answer is then what the
    vendor's create reply holds, with a notice, never an error that invites a retry.

    Raises:
        VerbNotSupportedError: this resource cannot be created.
        InvalidRequestError: the body; every problem is named, no vendor call made.
            Or the key was used with another body.
        ConflictError: an equal create is still running; nothing was sent.
        ProviderRejectedError: Autotask refused; nothing was created.
        ProviderOutcomeUnknownError: sent, and no answer came.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.CREATE, "POST")
    if within is not None:
        body = within.preset(dict(body))
        read_parent(ctx, instance, within)
    create = CreateCall(instance, resource, body, key, view)
    return create_once(ctx, create, partial(_create, ctx, create))


def _create(ctx: Context, create: CreateCall, fence: CheckSendDeadline) -> WriteResult:
    """Send a create and read the record back; raises nothing once it is created."""
    instance, resource = create.instance, create.resource
    fields, draft = validate_new(ctx, instance, resource, create.body)
    draft.require_sound(f"The {resource.singular} was not created")
    backend = open_backend(ctx, instance)
    shape = open_serializer(ctx, instance, resource, create.view)
    fence()
    created = backend.create(entity_type(resource), vendor_values(fields, draft))
    try:
        stored = read_entity(backend, resource, str(created["id"]))
        return _written(shape, stored, draft)
    except BridgeError:
        notice = "created, but not read back: some members may be missing"
        return show_unread(partial(_written, shape, created, draft, notice), created)


def update_record(  # noqa: PLR0913 - the parts of an update, by name
    ctx: Context,
    instance: Instance,
    object_name: str,
    record_id: str,
    body: Mapping[str, JSON],
    *,
    method: str = "PATCH",
    view: RecordOptions = PLAIN,
    within: ParentLink | None = None,
) -> WriteResult:
    """Change the members in `body` and nothing else. Three vendor calls.

    Read, merge, write, read again, under a lease: updates of one record through any
    process are made one after the other. The vendor knows no conditional update, so
    a change made elsewhere between our read and our write is lost. A body that
    changes nothing costs the one call of the reading.

    Raises:
        NotFoundError: no such resource or record.
        VerbNotSupportedError: this resource cannot be updated.
        InvalidRequestError: the body; every problem is named, nothing was written.
        ProviderRejectedError: Autotask refused; nothing was changed.
        ProviderOutcomeUnknownError: sent, and no answer came.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.UPDATE, method)
    entity_id = read_id(resource, record_id)
    backend = open_backend(ctx, instance)
    shape = open_serializer(ctx, instance, resource, view)
    with record_lock(ctx, _lease_key(instance, resource, entity_id)) as fence:
        stored = read_entity(backend, resource, record_id)
        require_own(ctx, instance, resource, stored, within)
        fields, draft = validate_change(ctx, instance, resource, body, stored)
        draft.require_sound(f"The {resource.singular} was not changed")
        if draft.given:
            values = merge(fields, stored, draft)
            fence()
            backend.update(entity_type(resource), entity_id, values)
    if not draft.given:
        return _written(shape, stored, draft)
    try:
        return _written(shape, read_entity(backend, resource, record_id), draft)
    except BridgeError:
        notice = "updated, but not read back: computed members may be old"
        known = _overlay(stored, draft)
        return show_unread(partial(_written, shape, known, draft, notice), known)


def delete_record(
    ctx: Context,
    instance: Instance,
    object_name: str,
    record_id: str,
    *,
    within: ParentLink | None = None,
) -> None:
    """Delete one record of an entity that can be deleted. One vendor call.

    Two for a child, which is read first.

    Two when it fails: the vendor has one text for what is not there and for what the
    user may not delete, so the record is looked for.

    Raises:
        NotFoundError: no such resource or record.
        VerbNotSupportedError: this resource cannot be deleted.
        ProviderRejectedError: Autotask refused; the record is still there.
        ProviderOutcomeUnknownError: sent, and no answer came.
    """
    resource = find_object(ctx, instance, object_name)
    resource.require(Verb.DELETE, "DELETE")
    entity_id = read_id(resource, record_id)
    backend = open_backend(ctx, instance)
    with record_lock(ctx, _lease_key(instance, resource, entity_id)):
        if within is not None:
            stored = read_entity(backend, resource, record_id)
            require_own(ctx, instance, resource, stored, within)
        try:
            backend.delete(entity_type(resource), entity_id)
        except ProviderRejectedError:
            read_entity(backend, resource, record_id)
            raise


def ping(ctx: Context, instance: Instance) -> dict[str, JSON]:
    """Return the document of elements-api 4.8 after one vendor call.

    Raises:
        ProviderError: Autotask refused the credentials, or did not answer.
    """
    open_backend(ctx, instance).check()
    return {
        "dateTime": write_time(ctx.clock()),
        "endpoint": ctx.elements[instance.element_key].name,
        "valid": True,
    }


def _written(
    shape: RecordSerializer, entity: Entity, draft: ValidatedRecord, notice: str = ""
) -> WriteResult:
    shown = shape.show(entity)
    notes = (*draft.notes, *shown.notes)
    return WriteResult(shown.record, tuple(draft.ignored), notice, notes)


def _lease_key(instance: Instance, resource: Resource, entity_id: int) -> str:
    """Name a record across all instances that share a tenant database."""
    return f"{tenant_key(instance)}/{resource.entity}/{entity_id}"


def _overlay(stored: Entity, draft: ValidatedRecord) -> Entity:
    """Return the entity as it must be after the write."""
    given = draft.given.values()
    merged = stored | {info.name: value for info, value in given if not info.udf}
    merged = {name: value for name, value in merged.items() if value is not None}
    if udfs := {info.name: _udf_text(value) for info, value in given if info.udf}:
        kept = merged.get(UDF_MEMBER)
        merged[UDF_MEMBER] = (kept if isinstance(kept, dict) else {}) | udfs
    return merged


def _udf_text(value: Scalar | None) -> str | None:
    """Return the text that the vendor will have for a user-defined field."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return None if value is None else format(value)
