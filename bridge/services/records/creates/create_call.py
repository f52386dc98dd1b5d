"""One caller's create, and what distinguishes it from other creates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge.catalog.model import Resource
from bridge.errors import BridgeError
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink
from bridge.services.records.serializer import ALL_MEMBERS, RecordOptions
from bridge.services.records.validation import ValidatedRecord
from bridge.services.records.vendor_records import (
    tenant_key,
    validate_new,
    validate_new_at_hand,
)
from bridge.store.idempotency_records import CreateRequest
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class CreateCall:
    """One caller's create; `key` is its `Idempotency-Key`, None without one.

    `validated` is the body as it was read, `refusal` the error of a body that may not
    be sent; it is raised only where the call does not repeat an earlier one. Both are
    None while the body is not validated. `within` is the parent of an attachment.
    """

    mapping: RecordMapping
    body: Mapping[str, JSON] = field(repr=False)
    key: str | None = field(repr=False)
    validated: ValidatedRecord | None = field(default=None, repr=False)
    refusal: BridgeError | None = None
    options: RecordOptions = ALL_MEMBERS
    within: ParentLink | None = None


def validate(create: CreateCall, *, at_hand: bool = False) -> CreateCall:
    """Return the create with its body validated, and the refusal of an invalid one.

    Vendor calls as `validate_new`. With `at_hand` none is made: a create that needs one
    stays as it is. It is claimed first and validated afterwards, because an equal one
    that arrives during the vendor call has to find it.

    The refusal is kept, not raised: a call that repeats an earlier create gets that
    create's response, even where metadata has changed so that its body would be refused
    today.
    """
    validated, read = None, validate_new_at_hand if at_hand else validate_new
    try:
        validated = read(create.mapping, create.body)
        if validated is not None:
            singular = create.mapping.resource.singular
            validated.require_valid(f"The {singular} was not created")
    except BridgeError as error:
        return replace(create, validated=validated, refusal=error)
    return replace(create, validated=validated)


def identify_create(create: CreateCall) -> CreateRequest:
    """Return what distinguishes this create; bodies are equal in any member order."""
    body = json.dumps(create.body, sort_keys=True, separators=(",", ":"))
    instance, resource = create.mapping.instance, create.mapping.resource
    identity = ["body", body] if create.key is None else ["key", create.key]
    return CreateRequest(
        instance_id=instance.id,
        tenant=tenant_key(instance),
        entity=resource.entity,
        scope=json.dumps([instance.id, "POST", _target(resource), *identity]),
        body=body,
        keyed=create.key is not None,
    )


def _target(resource: Resource) -> str:
    """Name where a create goes: an entity by any of its names, or a part of it."""
    return resource.name if resource.fixed else resource.entity
