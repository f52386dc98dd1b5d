"""Create one record and read it back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bridge.catalog.model import JSON, Verb
from bridge.errors import BridgeError
from bridge.services.context import Context
from bridge.services.records.idempotency import (
    CheckSendDeadline,
    CreateCall,
    create_once,
)
from bridge.services.records.mapping import open_mapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import (
    ALL_MEMBERS,
    RecordOptions,
    open_serializer,
)
from bridge.services.records.validation import vendor_values
from bridge.services.records.vendor_records import (
    read_entity,
    read_parent,
    validate_new,
)
from bridge.services.records.write_result import (
    WriteResult,
    build_result,
    build_unread_result,
)
from bridge.store.instances import Instance


def create_record(  # noqa: PLR0913 - the parts of a create, by name
    ctx: Context,
    instance: Instance,
    object_name: str,
    body: Mapping[str, JSON],
    *,
    key: str | None = None,
    options: RecordOptions = ALL_MEMBERS,
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
    mapping = open_mapping(ctx, instance, object_name, Verb.CREATE, "POST")
    if within is not None:
        body = within.preset(dict(body))
        read_parent(mapping, within)
    create = CreateCall(mapping, body, key, options)
    return create_once(create, partial(_create, create))


def _create(create: CreateCall, check_deadline: CheckSendDeadline) -> WriteResult:
    """Send a create and read the record back; raises nothing once it is created."""
    mapping = create.mapping
    fields, record = validate_new(mapping, create.body)
    record.require_valid(f"The {mapping.resource.singular} was not created")
    serializer = open_serializer(mapping, create.options)
    check_deadline()
    created = mapping.backend.create(mapping.entity, vendor_values(fields, record))
    try:
        stored = read_entity(mapping, str(created["id"]))
        return build_result(serializer, stored, record)
    except BridgeError:
        notice = "created, but not read back: some members may be missing"
        return build_unread_result(serializer, created, record, notice)
