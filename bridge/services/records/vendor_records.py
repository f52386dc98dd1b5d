"""Reads one record at the vendor, and validates a body against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial

from bridge.ceql.ast import Expr, Operator, Predicate
from bridge.errors import NotFoundError
from bridge.interfaces import Entity, Field, Scalar
from bridge.services.fields import ID, EntityFields
from bridge.services.records.discriminator import lacks_fixed, require_fixed
from bridge.services.records.mapping import RecordMapping
from bridge.services.records.parents import ParentLink, not_found, parse_id
from bridge.services.records.validation import (
    ValidatedRecord,
    validate_create,
    validate_update,
)
from bridge.store.instances import Instance
from bridge.types import JSON


def read_entity(
    mapping: RecordMapping,
    record_id: str,
    *,
    shared: bool = False,
    typed: bool = True,
) -> Entity:
    """Return one entity. One vendor call, none when the id is not a number.

    Two more where it has a user-defined field that may hold a time and no metadata is
    cached, unless it need not be `typed`.

    Raises:
        NotFoundError: the vendor has no such entity.
    """
    entity_id = parse_id(mapping.resource, record_id)
    where: Expr[Field, Scalar] = Predicate(ID, Operator.EQUAL, (entity_id,))
    entity = mapping.typed_entity if typed else mapping.entity
    page = mapping.backend.query(entity, where, limit=1, shared=shared)
    if not page.entities:
        raise NotFoundError(not_found(mapping.resource, record_id))
    return page.entities[0]


def read_parent(mapping: RecordMapping, link: ParentLink) -> None:
    """Check that a parent exists and is a record of its resource. One vendor call.

    Raises:
        NotFoundError: it is not.
    """
    parents = mapping.open(link.parent)
    parent = read_entity(parents, str(link.parent_id), typed=False)
    require_own(parents, parent, None)


def require_own(
    mapping: RecordMapping, entity: Entity, within: ParentLink | None
) -> None:
    """Check that an entity is a record of the resource, and of the parent.

    One vendor call when the parent's resource is a part of its entity.

    Raises:
        NotFoundError: it is not.
    """
    missing = not_found(mapping.resource, str(entity.id))
    if within is not None and not within.holds(entity):
        raise NotFoundError(missing)
    if within is not None and within.parent.fixed is not None:
        read_parent(mapping, within)
    if mapping.resource.fixed is not None:
        require_fixed(mapping.metadata.get(lacks_fixed), entity, missing)


def validate_new(mapping: RecordMapping, body: Mapping[str, JSON]) -> ValidatedRecord:
    """Validate the body of a create. Vendor calls as `mapping.metadata`."""
    mapping.metadata.get(lacks_fixed)
    return mapping.metadata.apply(_validation(mapping, body), _is_in_doubt)


def validate_new_at_hand(
    mapping: RecordMapping, body: Mapping[str, JSON]
) -> ValidatedRecord | None:
    """Return what `validate_new` returns; None if that would call the vendor."""
    metadata = mapping.metadata
    if metadata.get_at_hand(lacks_fixed) is None:
        return None
    return metadata.apply_at_hand(_validation(mapping, body), _is_in_doubt)


def validate_change(
    mapping: RecordMapping, body: Mapping[str, JSON], stored: Entity
) -> ValidatedRecord:
    """Validate the body of an update against what is stored, as `validate_new` does."""
    read = partial(
        validate_update,
        members=mapping.read_body(body),
        stored=stored,
    )
    return mapping.metadata.apply(read, _is_in_doubt)


def _validation(
    mapping: RecordMapping, body: Mapping[str, JSON]
) -> Callable[[EntityFields], ValidatedRecord]:
    return partial(validate_create, members=mapping.read_body(body))


def _is_in_doubt(record: ValidatedRecord) -> bool:
    return record.in_doubt


def lock_key(mapping: RecordMapping, entity_id: int) -> str:
    """Return the lock key of a record, equal for all instances of one database."""
    return f"{tenant_key(mapping.instance)}/{mapping.resource.entity}/{entity_id}"


def tenant_key(instance: Instance) -> str:
    """Return a key for a tenant's database, equal for all instances that use it."""
    zone = instance.zone
    database = f"{zone.url}#{zone.ci}" if zone else f"instance-{instance.id}"
    return hashlib.sha256(database.lower().encode()).hexdigest()[:16]
