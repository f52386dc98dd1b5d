"""Which records can have attachments, and how attachments name their record.

The vendor numbers the kinds of parents in a picklist, whose labels are words for its
own entities; which kinds a tenant has, its metadata says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.catalog.model import Resource
from bridge.ceql.ast import And, Expr, Operator, Predicate
from bridge.errors import NotFoundError
from bridge.interfaces import Entity, Field, FieldInfo, PicklistItem, Scalar
from bridge.services.fields import EntityFields
from bridge.services.records.parents import ParentLink
from bridge.services.values import read_text

PARENT_ID = "ParentID"
PARENT_TYPE = "ParentType"

_OTHER_LABELS = {
    "Account": frozenset({"company", "organization"}),
    "InstalledProduct": frozenset({"configurationitem"}),
}
"""Labels that are no entity's name. Source: the vendor's newer API, which calls these
entities so. Unverified: as labels of this picklist."""

_ACCOUNT = "1"
"""The one value that is confirmed, whatever its label. Source: SOAP contract notes."""


@dataclass(frozen=True, slots=True)
class AttachmentLink(ParentLink):
    """A parent that attachments name by an id and the number of its kind."""

    kind: Field
    value: Scalar

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells these attachments from those of any other parent."""
        return (self.field.name, str(self.parent_id), str(self.value))

    def narrow(self, where: Expr[Field, Scalar] | None) -> Expr[Field, Scalar] | None:
        """Return a filter that finds the parent's attachments only."""
        kind: Expr[Field, Scalar] = Predicate(self.kind, Operator.EQUAL, (self.value,))
        if where is None:
            return ParentLink.narrow(self, kind)
        items = where.items if isinstance(where, And) else (where,)
        return ParentLink.narrow(self, And((kind, *items)))

    def holds(self, child: Entity) -> bool:
        """Tell whether an attachment is one of the parent's."""
        same_kind = child.get(self.kind.name) == self.value
        return same_kind and child.get(self.field.name) == self.parent_id


def link_attachments(
    fields: EntityFields, parent: Resource, parent_id: int
) -> ParentLink:
    """Return what links attachments to a record; `fields` are the attachments'.

    Those of a parent that has a reference field of its own are found by that.
    Source: published clients, OpportunityID.

    Raises:
        NotFoundError: such records can have none; the message names which can.
    """
    kind = _parent_type(fields, parent)
    own = fields.standard.get(f"{parent.entity}ID")
    if own is not None and own.reference == parent.entity and own.queryable:
        return ParentLink(
            parent, parent_id, fields.typed(own), fields.facade_name(own.name)
        )
    typed = fields.typed(fields.standard[PARENT_ID])
    return AttachmentLink(
        parent,
        parent_id,
        typed,
        fields.facade_name(PARENT_ID),
        fields.typed(fields.standard[PARENT_TYPE]),
        _value(fields, kind),
    )


def parent_members(fields: EntityFields, link: ParentLink) -> dict[str, int | str]:
    """Return the members of a new attachment that name its record."""
    kind = _parent_type(fields, link.parent)
    members: dict[str, int | str] = {
        fields.facade_name(PARENT_ID): link.parent_id,
        fields.facade_name(PARENT_TYPE): kind.value,
    }
    return members | {link.member: link.parent_id}


def _value(fields: EntityFields, item: PicklistItem) -> Scalar:
    return read_text(fields.typed(fields.standard[PARENT_TYPE]), item.value)


def _parent_type(fields: EntityFields, parent: Resource) -> PicklistItem:
    info: FieldInfo | None = fields.standard.get(PARENT_TYPE)
    items = [item for item in (info.picklist if info else ()) if item.is_active]
    words = {parent.entity.lower()} | _OTHER_LABELS.get(parent.entity, frozenset())
    for item in items:
        if words & _label_names(item.label):
            return item
    for item in items:
        if parent.entity == "Account" and item.value == _ACCOUNT:
            return item
    labels = ", ".join(item.label for item in items)
    raise NotFoundError(
        f"{parent.name} have no attachments; in this Autotask database these have: "
        f"{labels or 'none'}."
    )


def _label_names(label: str) -> set[str]:
    """Return a label's names of entities: `Task Or Ticket` holds two of them."""
    parts = re.split(r"\bor\b|[/,|]", label.lower())
    return {re.sub(r"[^a-z0-9]", "", part) for part in parts}
