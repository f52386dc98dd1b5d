"""One caller's create, and what distinguishes it from other creates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.catalog.model import Resource
from bridge.errors import BridgeError
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.serializer import ALL_MEMBERS, RecordOptions
from bridge.services.records.vendor_records import NewRecord, tenant_key
from bridge.store.idempotency_records import CreateRequest
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class CreateCall:
    """One caller's create; `key` is its `Idempotency-Key`, None without one.

    `refusal` is the error of a body that may not be sent; it is raised only where the
    call does not repeat an earlier one. `record`: None when the body could not be
    validated at all.
    """

    mapping: RecordMapping
    body: Mapping[str, JSON] = field(repr=False)
    key: str | None = field(repr=False)
    record: NewRecord | None = field(repr=False)
    refusal: BridgeError | None = None
    options: RecordOptions = ALL_MEMBERS


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
