"""The shape of the declared facts about the vendor's entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

# Releases that differ, oldest first; an entity or field lists those that have it.
GENERATIONS = ("1.5", "1.6.0", "1.6.x-2019", "1.6.9+", "1.6.11")

_EARLY = frozenset({"1.5", "1.6.0", "1.6.x-2019"})
_LATER_DELETE = frozenset({"AccountAlert"})
_LATER_FIELDS: Mapping[tuple[str, str], dict[str, Any]] = {
    ("AccountAlert", "AlertText"): {"required": True},
    ("Product", "Name"): {"length": 1000},
    ("Project", "Description"): {"length": 8000},
    ("TicketChecklistItem", "ItemName"): {"length": 600},
    ("Service", "PeriodType"): {"read_only": True},
}
# Source: a client made from 1.6.11 metadata. Unverified: that nothing else changed;
# the entity InventoryProduct, whose fields are not known, is missing.
_LATER_ITEMS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("AttachmentInfo", "ParentType"): {"18": "Time Entry", "23": "Note"},
    ("AttachmentInfo", "Publish"): {"4": "Internal & Co-Managed"},
}
# Source: one tenant of the vendor's other API, 2026; SOAP help names such parents from
# 2021 on. Unverified: the labels of the parents, and the release that brought them.


@dataclass(frozen=True, slots=True)
class PicklistItem:
    """One allowed value of a picklist; `value` is text, whatever the field's type."""

    value: str
    label: str
    is_default: bool = False
    sort_order: int = 0
    is_active: bool = True
    is_system: bool = False
    parent_value: str | None = None


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One standard field, as GetFieldInfo describes it and as it is on the wire.

    `wire_type` is the local name of the `xsi:type` in responses (`int`, `string`,
    `dateTime`, ...) and empty for the few fields that the schema itself types.
    `picklist`: None for a field without one; an empty picklist has no known items.
    `date_only` marks times that are dates at midnight, in no zone; `date_by_value`
    those that are dates when they are exactly midnight.
    `picklist_source` is how certain a picklist's values are, see the loader.
    """

    name: str
    label: str
    type: str
    length: int
    required: bool
    read_only: bool
    queryable: bool
    reference: str | None
    picklist: tuple[PicklistItem, ...] | None
    picklist_parent: str | None
    wire_type: str
    date_only: bool
    date_by_value: bool
    generations: frozenset[str]
    picklist_source: str | None = None


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """One entity type with its capabilities and its fields in wire order, id first.

    `user_access` maps create, query, update and delete to All, Restricted or None.
    `early` holds the capability flags of early 1.6 where they differed, in the order
    create, update, query, delete.
    """

    name: str
    result_type: str
    can_create: bool
    can_update: bool
    can_query: bool
    can_delete: bool
    user_access: tuple[str, str, str, str]
    can_have_udfs: bool
    supports_webhooks: bool
    generations: frozenset[str]
    early: tuple[bool, bool, bool, bool] | None
    fields: tuple[FieldFacts, ...]

    @property
    def is_open(self) -> bool:
        """Whether the entity's module is active: the user may do anything with it.

        Source: SOAP help, modules; contract notes, section 20.
        """
        return any(right != "None" for right in self.user_access)

    def create_only(self, field: FieldFacts) -> bool:
        """Whether a field must be sent on create and is ignored on update."""
        return (
            field.required
            and field.read_only
            and self.can_create
            and field.name != "id"
        )

    def fields_of(self, generation: str) -> tuple[FieldFacts, ...]:
        """Return the fields that a release has, in wire order."""
        return tuple(field for field in self.fields if generation in field.generations)


def entities_of(
    facts: Mapping[str, EntityFacts], generation: str
) -> tuple[EntityFacts, ...]:
    """Return the entities of a release, as it has them, in the order of `facts`.

    Verbs, lengths and required flags are those of the release; `fields_of` still
    selects the fields.
    """
    return tuple(
        _as_of(entity, generation)
        for entity in facts.values()
        if generation in entity.generations
    )


def _as_of(entity: EntityFacts, generation: str) -> EntityFacts:
    if generation in _EARLY:
        return _as_early(entity)
    if generation != GENERATIONS[-1]:
        return entity
    deletable = entity.name in _LATER_DELETE
    return replace(
        entity,
        can_delete=entity.can_delete or deletable,
        user_access=(*entity.user_access[:3], "All")
        if deletable
        else entity.user_access,
        fields=tuple(_as_later(entity.name, field) for field in entity.fields),
    )


def _as_early(entity: EntityFacts) -> EntityFacts:
    """Return an entity with its verbs of early releases, and the rights to them.

    They had no rights: the user may use all verbs of an entity, unless its module is
    not active. Unverified: rights are known of one later release only.
    """
    flags = (
        entity.can_create,
        entity.can_update,
        entity.can_query,
        entity.can_delete,
    )
    create, update, query, delete = entity.early or flags
    rights = zip(entity.user_access, (create, query, update, delete), strict=True)
    create_right, query_right, update_right, delete_right = (
        "All" if right == "None" and can and entity.is_open else right
        for right, can in rights
    )
    return replace(
        entity,
        can_create=create,
        can_update=update,
        can_query=query,
        can_delete=delete,
        user_access=(create_right, query_right, update_right, delete_right),
    )


def _as_later(entity: str, field: FieldFacts) -> FieldFacts:
    place = (entity, field.name)
    changes = dict(_LATER_FIELDS.get(place, {}))
    if place in _LATER_ITEMS:
        known = field.picklist or ()
        changes["picklist"] = known + tuple(
            PicklistItem(value, label, sort_order=position, is_system=True)
            for position, (value, label) in enumerate(
                _LATER_ITEMS[place].items(), start=len(known) + 1
            )
        )
    return replace(field, **changes) if changes else field
