"""One record at the vendor, and a body held against it: how every write begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bridge.catalog.model import Resource
from bridge.ceql.ast import Expr, Operator, Predicate
from bridge.errors import NotFoundError
from bridge.interfaces import Backend, Entity, EntityType, Field, FieldType, Scalar
from bridge.services.context import Context
from bridge.services.credentials import open_backend, vendor_zone
from bridge.services.fields import EntityFields
from bridge.services.metadata import entity_fields, read_with_fields
from bridge.services.records.discriminator import lacks_fixed
from bridge.services.records.discriminator import require_own as require_fixed
from bridge.services.records.parents import ParentLink, not_found
from bridge.services.records.validation import (
    ValidatedRecord,
    validate_create,
    validate_update,
)
from bridge.store.instances import Instance
from bridge.types import JSON

_ID = Field("id", FieldType.LONG)


def read_entity(
    backend: Backend, resource: Resource, record_id: str, *, shared: bool = False
) -> Entity:
    """Return one entity. One vendor call, none when the id is no number.

    Raises:
        NotFoundError: it is not there.
    """
    entity_id = read_id(resource, record_id)
    where: Expr[Field, Scalar] = Predicate(_ID, Operator.EQUAL, (entity_id,))
    page = backend.query(entity_type(resource), where, limit=1, shared=shared)
    if not page.entities:
        raise NotFoundError(not_found(resource, record_id))
    return page.entities[0]


def read_parent(ctx: Context, instance: Instance, link: ParentLink) -> None:
    """Make sure that a parent exists and is a record of its resource. One vendor call.

    Raises:
        NotFoundError: it does not.
    """
    backend = open_backend(ctx, instance)
    parent = read_entity(backend, link.parent, str(link.parent_id))
    require_own(ctx, instance, link.parent, parent, None)


def require_own(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    entity: Entity,
    within: ParentLink | None,
) -> None:
    """Make sure that an entity is a record of the resource, and of the parent.

    One vendor call when the parent is of a resource that is a part of its entity.

    Raises:
        NotFoundError: it is not.
    """
    missing = not_found(resource, str(entity["id"]))
    if within is not None and not within.holds(entity):
        raise NotFoundError(missing)
    if within is not None and within.parent.fixed is not None:
        read_parent(ctx, instance, within)
    if resource.fixed is not None:
        fields = entity_fields(ctx, instance, resource, lacks_fixed)
        require_fixed(fields, entity, missing)


def validate_new(
    ctx: Context, instance: Instance, resource: Resource, body: Mapping[str, JSON]
) -> tuple[EntityFields, ValidatedRecord]:
    """Read the body of a create. Vendor calls as `read_with_fields`."""
    return _draft(ctx, instance, resource, lambda fields: validate_create(fields, body))


def validate_change(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    body: Mapping[str, JSON],
    stored: Entity,
) -> tuple[EntityFields, ValidatedRecord]:
    """Read the body of an update against what is stored, as `draft_new` does."""
    zone = vendor_zone(ctx, instance)
    return _draft(
        ctx,
        instance,
        resource,
        lambda fields: validate_update(fields, body, stored, zone),
    )


def _draft(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    read: Callable[[EntityFields], ValidatedRecord],
) -> tuple[EntityFields, ValidatedRecord]:
    if resource.fixed is not None:
        entity_fields(ctx, instance, resource, lacks_fixed)
    return read_with_fields(ctx, instance, resource, read, lambda draft: draft.in_doubt)


def read_id(resource: Resource, record_id: str) -> int:
    """Return the id that a path names.

    Raises:
        NotFoundError: it is no number, so nothing has it.
    """
    if not re.fullmatch(r"-?\d{1,18}", record_id, re.ASCII):
        raise NotFoundError(not_found(resource, record_id))
    return int(record_id)


def entity_type(resource: Resource) -> EntityType:
    """Return the resource's entity as a backend takes it."""
    return EntityType(resource.entity, resource.facts.date_kinds)
