"""Resources that are a part of an entity's records: those of one picklist value.

Which value that is differs between tenants; the catalogue says how to find it.
"""

from __future__ import annotations

from bridge.catalog.model import Discriminator
from bridge.ceql.ast import Expr, Operator, Predicate, all_of
from bridge.errors import NotFoundError
from bridge.interfaces import Entity, Field, FieldInfo, Scalar
from bridge.services.fields import EntityFields
from bridge.services.values import read_text


def lacks_fixed(fields: EntityFields) -> bool:
    """Return whether the tenant has no such records, so that `find_fixed` raises."""
    fixed = fields.resource.fixed
    return fixed is not None and not _values(fields, fixed)


def find_fixed(fields: EntityFields) -> tuple[FieldInfo, Scalar] | None:
    """Return the field and the value that all records of the resource have in common.

    None when the resource is the whole entity. No vendor call.

    Raises:
        NotFoundError: this tenant's picklist has neither the value nor the label.
    """
    fixed = fields.resource.fixed
    if fixed is None:
        return None
    info, values = fields.standard.get(fixed.field), _values(fields, fixed)
    if info is None or not values:
        raise NotFoundError(
            f"There are no {fields.resource.name} in this Autotask database: "
            f"{fields.resource.entity}.{fixed.field} has neither the value "
            f"{fixed.value} nor an item called {fixed.label}."
        )
    return info, read_text(fields.typed(info), values[0])


def _values(fields: EntityFields, fixed: Discriminator) -> list[str]:
    """Return the values of the items that match, the best match first."""
    info = fields.standard.get(fixed.field)
    items = info.picklist if info else ()
    values = [item.value for item in items if item.value == fixed.value]
    label = fixed.label.casefold()
    labelled = [item.value for item in items if item.label.strip().casefold() == label]
    return values + labelled


def narrow(
    fields: EntityFields, where: Expr[Field, Scalar] | None
) -> Expr[Field, Scalar] | None:
    """Return a filter that matches the resource's records only.

    Raises:
        NotFoundError: as `find_fixed`.
    """
    found = find_fixed(fields)
    if found is None:
        return where
    info, value = found
    own: Expr[Field, Scalar] = Predicate(fields.typed(info), Operator.EQUAL, (value,))
    return all_of(own, where)


def require_fixed(fields: EntityFields, entity: Entity, not_found: str) -> None:
    """Check that an entity is a record of the resource.

    Raises:
        NotFoundError: it is not, with the message `not_found`; or as `find_fixed`.
    """
    found = find_fixed(fields)
    if found is not None and entity.values.get(found[0].name) != found[1]:
        raise NotFoundError(not_found)
