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
from bridge.services.fields import EntityFields
from bridge.services.records.mapping import RecordMapping
from bridge.types import JSON


@dataclass(frozen=True, slots=True)
class ParentLink:
    """A parent record, and the child's field that refers to it.

    `member` is the field's name for callers, `names` are all its names in lower case.
    """

    parent: Resource
    parent_id: int
    field: Field
    member: str
    names: frozenset[str]

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
            own = name.lower() in self.names
            if own and value is not None and str(value).strip() != str(self.parent_id):
                raise InvalidRequestError(
                    f"{name} is {self.parent_id} by the path, and {value} in the body."
                )
        rest = {n: value for n, value in body.items() if n.lower() not in self.names}
        return {self.member: self.parent_id, **rest}


def find_link(children: RecordMapping, parent: Resource, parent_id: str) -> ParentLink:
    """Return what links child records to a parent record. Vendor calls as `metadata`.

    Whether the parent exists is not checked here.

    Raises:
        NotFoundError: no such link, or an id that is not a number.
        InvalidRequestError: several fields of the child refer to the parent.
    """
    fields = children.metadata.get(lambda fields: not _references(fields, parent))
    number = parse_id(parent, parent_id)
    return link_by(fields, choose_field(fields, parent), parent, number)


def link_by(
    fields: EntityFields, info: FieldInfo, parent: Resource, parent_id: int
) -> ParentLink:
    """Return the link of child records to a parent by a field of theirs."""
    typed, names = fields.typed(info), fields.names_of(info)
    return ParentLink(parent, parent_id, typed, fields.name_of(info), names)


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
    names = ", ".join(fields.name_of(info) for info in found)
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
