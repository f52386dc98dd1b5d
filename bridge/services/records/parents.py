"""Children: records of one object that belong to a record of another.

What links them is the child's reference field, by the vendor's own metadata.
Source: elements-api 4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.catalog.model import Resource
from bridge.ceql.ast import And, Expr, Operator, Predicate
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.interfaces import Entity, Field, FieldInfo, Scalar
from bridge.services.context import Context
from bridge.services.fields import EntityFields
from bridge.services.metadata import entity_fields
from bridge.services.objects import find_object
from bridge.store.instances import Instance
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class ParentLink:
    """A parent record, and the field by which its children name it."""

    parent: Resource
    parent_id: int
    field: Field
    member: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells these children from those of any other parent."""
        return (self.field.name, str(self.parent_id))

    def narrow(self, where: Expr[Field, Scalar] | None) -> Expr[Field, Scalar] | None:
        """Return a filter that finds the parent's children only."""
        own: Expr[Field, Scalar] = Predicate(
            self.field, Operator.EQUAL, (self.parent_id,)
        )
        if where is None:
            return own
        return And((own, *(where.items if isinstance(where, And) else (where,))))

    def holds(self, child: Entity) -> bool:
        """Tell whether an entity is a child of the parent."""
        return child.get(self.field.name) == self.parent_id

    def preset(self, body: dict[str, JSON]) -> dict[str, JSON]:
        """Return the body of a child, naming its parent.

        Raises:
            InvalidRequestError: it names another one.
        """
        for name, value in body.items():
            own = name.lower() in (self.member.lower(), self.field.name.lower())
            if own and value is not None and str(value).strip() != str(self.parent_id):
                raise InvalidRequestError(
                    f"{name} is {self.parent_id} by the path, and {value} in the body."
                )
        rest = {
            name: value
            for name, value in body.items()
            if name.lower() not in (self.member.lower(), self.field.name.lower())
        }
        return {self.member: self.parent_id, **rest}


def find_link(
    ctx: Context, instance: Instance, parent_name: str, parent_id: str, child: str
) -> ParentLink:
    """Return what links a child object to a parent record. Calls as `entity_fields`.

    Whether the parent exists is not asked here.

    Raises:
        NotFoundError: no such object, no such link, or an id that is no number.
        InvalidRequestError: several fields of the child lead to the parent.
    """
    parent = find_object(ctx, instance, parent_name)
    fields = entity_fields(
        ctx,
        instance,
        find_object(ctx, instance, child),
        lambda fields: not _references(fields, parent),
    )
    if not re.fullmatch(r"-?\d{1,18}", parent_id, re.ASCII):
        raise NotFoundError(not_found(parent, parent_id))
    info = choose_field(fields, parent)
    return ParentLink(
        parent, int(parent_id), fields.typed(info), fields.facade_name(info.name)
    )


def choose_field(fields: EntityFields, parent: Resource) -> FieldInfo:
    """Return the field of a child that names its parent.

    Of several, the one called after the parent's entity, else the only required one.

    Raises:
        NotFoundError: there is none.
        InvalidRequestError: none of several is preferred.
    """
    found = _references(fields, parent)
    own = [info for info in found if info.name == f"{parent.entity}ID"]
    required = [info for info in found if info.required]
    for preferred in (found, own, required):
        if len(preferred) == 1:
            return preferred[0]
    if not found:
        raise NotFoundError(
            f"{fields.resource.name} are no children of {parent.name}: none of their "
            f"fields refers to {parent.entity}."
        )
    names = ", ".join(fields.facade_name(info.name) for info in found)
    raise InvalidRequestError(
        f"{fields.resource.name} refer to {parent.name} in several ways ({names}): "
        f"list them with a where expression on the one that is meant."
    )


def _references(fields: EntityFields, parent: Resource) -> list[FieldInfo]:
    return [
        info
        for info in fields.standard.values()
        if info.reference == parent.entity and info.queryable
    ]


def not_found(resource: Resource, record_id: str) -> str:
    """Return the sentence for a record that is not there."""
    return f"The {resource.singular} with ID {record_id[:40]} was not found."
