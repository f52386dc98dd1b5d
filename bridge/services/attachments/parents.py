"""Which records can have attachments, and how attachments refer to their record.

The vendor numbers the kinds of parents in a picklist, whose labels name entities; the
tenant's metadata has the kinds that it supports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.catalog.model import Resource
from bridge.ceql.ast import Expr, Operator, Predicate, all_of
from bridge.errors import NotFoundError
from bridge.interfaces import Entity, Field, FieldInfo, PicklistItem, Scalar
from bridge.services.fields import EntityFields
from bridge.services.records.parents import ParentLink, link_by
from bridge.services.values import read_text

PARENT_ID = "ParentID"
PARENT_TYPE = "ParentType"

_OTHER_LABELS = {
    "Account": frozenset({"company", "organization"}),
    "InstalledProduct": frozenset({"configurationitem"}),
}
"""Other labels for entities. Source: the vendor's newer API, which uses these names.
Unverified: as labels of this picklist."""

_ACCOUNT = "1"
"""The only confirmed value; its label may differ. Source: vendor contract notes."""


@dataclass(frozen=True, slots=True)
class AttachmentLink(ParentLink):
    """A parent to which attachments refer by an id and the number of its kind."""

    kind: Field
    value: Scalar

    def narrow(self, where: Expr[Field, Scalar] | None) -> Expr[Field, Scalar] | None:
        """Return a filter for the parent's attachments only."""
        kind: Expr[Field, Scalar] = Predicate(self.kind, Operator.EQUAL, (self.value,))
        return ParentLink.narrow(self, all_of(kind, where))

    def holds(self, child: Entity) -> bool:
        """Return whether an attachment belongs to the parent."""
        return ParentLink.holds(self, child) and child.get(self.kind.name) == self.value


def link_attachments(
    fields: EntityFields, parent: Resource, parent_id: int
) -> ParentLink:
    """Return the link of attachments to a record; `fields` are the attachments'.

    A parent with its own reference field is linked by that. Source: published clients,
    OpportunityID.

    Raises:
        NotFoundError: these records can have no attachments; the message names those
            that can.
    """
    kind = _parent_type(fields, parent)
    own = fields.standard.get(f"{parent.entity}ID")
    # A reference field is exact; ParentType needs a label to be recognized.
    if own is not None and own.reference == parent.entity and own.queryable:
        return link_by(fields, own, parent, parent_id)
    by_id = link_by(fields, fields.standard[PARENT_ID], parent, parent_id)
    typed = fields.typed(fields.standard[PARENT_TYPE])
    return AttachmentLink(
        parent=parent,
        parent_id=parent_id,
        field=by_id.field,
        member=by_id.member,
        names=by_id.names,
        kind=typed,
        value=read_text(typed, kind.value),
    )


def parent_members(fields: EntityFields, link: ParentLink) -> dict[str, int | str]:
    """Return the members of a new attachment that refer to its record."""
    kind = _parent_type(fields, link.parent)
    members: dict[str, int | str] = {
        fields.member_of(PARENT_ID): link.parent_id,
        fields.member_of(PARENT_TYPE): kind.value,
    }
    return members | {link.member: link.parent_id}


def _parent_type(fields: EntityFields, parent: Resource) -> PicklistItem:
    info: FieldInfo | None = fields.standard.get(PARENT_TYPE)
    # A tenant may have deactivated a kind of parents.
    items = [item for item in (info.picklist if info else ()) if item.is_active]
    names = {parent.entity.lower()} | _OTHER_LABELS.get(parent.entity, frozenset())
    for item in items:
        if names & _label_names(item.label):
            return item
    for item in items:
        # Tenants may rename labels.
        if parent.entity == "Account" and item.value == _ACCOUNT:
            return item
    labels = ", ".join(item.label for item in items)
    raise NotFoundError(
        f"{parent.name} have no attachments; in this Autotask database these have: "
        f"{labels or 'none'}."
    )


def _label_names(label: str) -> set[str]:
    """Return the entity names in a label: `Task Or Ticket` has two."""
    parts = re.split(r"\bor\b|[/,|]", label.lower())
    return {re.sub(r"[^a-z0-9]", "", part) for part in parts}
