"""Children: records of one object that belong to a record of another.

They are linked by the child's reference field, as the vendor's metadata describes it.
Source: elements-api 4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.catalog.model import Resource
from bridge.ceql.ast import Expr, Operator, Predicate, all_of
from bridge.errors import InvalidRequestError, NotFoundError
from bridge.interfaces import Entity, Field, FieldInfo, Scalar
from bridge.services.context import Context
from bridge.services.fields import EntityFields
from bridge.services.metadata import entity_metadata
from bridge.services.objects import find_object
from bridge.store.instances import Instance
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class ParentLink:
    """A parent record, and the child's field that refers to it."""

    parent: Resource
    parent_id: int
    field: Field
    member: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What distinguishes these children from those of any other parent."""
        return (self.field.name, str(self.parent_id))

    def narrow(self, where: Expr[Field, Scalar] | None) -> Expr[Field, Scalar] | None:
        """Return a filter that matches the parent's children only."""
        own: Expr[Field, Scalar] = Predicate(
            self.field, Operator.EQUAL, (self.parent_id,)
        )
        return all_of(own, where)

    def holds(self, child: Entity) -> bool:
        """Return whether an entity is a child of the parent."""
        return child.get(self.field.name) == self.parent_id

    def preset(self, body: dict[str, JSON]) -> dict[str, JSON]:
        """Return the body of a child with the reference to its parent.

        Raises:
            InvalidRequestError: the body refers to another parent.
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
    """Return what links a child object to a parent record. Calls as `entity_metadata`.

    Whether the parent exists is not checked here.

    Raises:
        NotFoundError: no such object, no such link, or an id that is not a number.
        InvalidRequestError: several fields of the child refer to the parent.
    """
    parent = find_object(ctx, instance, parent_name)
    metadata = entity_metadata(ctx, instance, find_object(ctx, instance, child))
    fields = metadata.get(lambda fields: not _references(fields, parent))
    number = parse_id(parent, parent_id)
    info = choose_field(fields, parent)
    return ParentLink(parent, number, fields.typed(info), fields.facade_name(info.name))


def choose_field(fields: EntityFields, parent: Resource) -> FieldInfo:
    """Return the field of a child that refers to its parent.

    Of several, the field named after the parent's entity, else the only required one.

    Raises:
        NotFoundError: no field refers to it.
        InvalidRequestError: several do, and neither rule selects one.
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


def parse_id(resource: Resource, record_id: str) -> int:
    """Return the id in a path.

    Raises:
        NotFoundError: it is not a number, so no record has it.
    """
    # 18 digits always fit the 64 bits of an id.
    if not re.fullmatch(r"-?\d{1,18}", record_id, re.ASCII):
        raise NotFoundError(not_found(resource, record_id))
    return int(record_id)


def not_found(resource: Resource, record_id: str) -> str:
    """Return the message for a record that does not exist."""
    return f"The {resource.singular} with ID {record_id[:40]} was not found."
