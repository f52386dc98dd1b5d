"""What callers call the fields of one object, and how they write its values.

A `RecordMapping` is opened once for a request, and every step on records works with it:
it knows the names and values of callers on one side and those of the vendor on the
other. No other module translates between the two, with two exceptions: the values of a
`where` and the ids in paths are read as the vendor's fields have them.

`CatalogMapping` follows the catalogue. Another mapping can wrap one to serve the same
records under other names: it passes on to the wrapped mapping what it does not change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from bridge.catalog.model import Resource, Verb
from bridge.ceql.ast import Expr, Literal, Predicate
from bridge.interfaces import Backend, Entity, EntityType, Field, FieldInfo, Scalar
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.fields import EntityFields
from bridge.services.filtering.record_filter import read_condition
from bridge.services.metadata import TenantMetadata, entity_metadata
from bridge.services.objects import find_object
from bridge.services.records.members import UDFS, Members, read_members
from bridge.services.records.udf_values import UdfTypes, show_udf
from bridge.store.instances import Instance
from bridge.types import JSON

Record: TypeAlias = dict[str, object]
"""One record by the caller's member names. Values are JSON values, or `Decimal`, aware
UTC `datetime` and `date`, which the web layer encodes as elements-api 4.3 says."""


@dataclass(frozen=True, slots=True)
class RecordMapping(ABC):
    """One object of one instance, as its callers see it.

    `backend` is the way to the vendor, with credentials that are read once. Metadata
    fetched after `opened_at` is new enough for the whole request.
    """

    ctx: Context
    instance: Instance
    resource: Resource
    backend: Backend
    opened_at: datetime

    @property
    def entity(self) -> EntityType:
        """The object's entity, as backend calls take it."""
        return EntityType(self.resource.entity, self.resource.facts.date_kinds)

    @property
    def typed_entity(self) -> EntityType:
        """The entity for reads whose user-defined values matter: they are typed.

        A read costs up to two vendor calls more where a value may be a time and no
        metadata is cached.
        """
        return replace(self.entity, udf_types=UdfTypes(self.metadata))

    @property
    @abstractmethod
    def metadata(self) -> TenantMetadata[EntityFields]:
        """The fields of the object's entity under the callers' names, cached.

        Filters, orders, selections, labels, links, problems, field metadata and the
        API description look names up here. Metadata with other names needs another
        `TenantMetadata.name`, or processes would find the wrapped mapping's in the
        cache.
        """

    @abstractmethod
    def read_body(self, body: Mapping[str, JSON]) -> Members:
        """Return the members of a body under the callers' names.

        Their values are those that the field behind the name takes. No vendor call.
        """

    @abstractmethod
    def read_condition(
        self, fields: EntityFields, predicate: Predicate[str, Literal]
    ) -> Expr[Field, Scalar]:
        """Return the vendor's condition for one of a caller's filter. No vendor call.

        `fields` are this mapping's. One value may become a span, and a condition
        several.

        Raises:
            InvalidQueryError: the field is unknown or cannot be searched, or a value is
                not of its type; with the column of the condition.
        """

    @abstractmethod
    def to_record(self, entity: Entity, nulls: Sequence[FieldInfo] = ()) -> Record:
        """Return an entity as callers see it, in the vendor's order. No vendor call.

        `nulls` are the fields to show as null where the entity has no value; without
        them, user-defined fields without a value have no `value` either.
        """

    def open(self, resource: Resource) -> RecordMapping:
        """Return the mapping of another resource of the same instance."""
        return _map(self.ctx, self.instance, resource, self.backend, self.opened_at)


class MemberNames(dict[str, str]):
    """The catalogue's member names by vendor name, each computed at its first use."""

    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self._resource = resource

    def __missing__(self, vendor: str) -> str:
        name = self[vendor] = self._resource.member_of(vendor)
        return name


@dataclass(frozen=True, slots=True)
class CatalogMapping(RecordMapping):
    """Names by the catalogue's rule, values as the vendor's fields have them."""

    names: MemberNames

    @property
    def metadata(self) -> TenantMetadata[EntityFields]:
        """The fields under the catalogue's names; vendor names are found as well."""
        return entity_metadata(self.ctx, self.instance, self.resource, self.opened_at)

    def read_body(self, body: Mapping[str, JSON]) -> Members:
        """Return the members of a body as they are."""
        return read_members(body)

    def read_condition(
        self, fields: EntityFields, predicate: Predicate[str, Literal]
    ) -> Expr[Field, Scalar]:
        """Return the condition on the values that the vendor has."""
        backend = self.backend
        return read_condition(fields, predicate, backend.times, backend.limits)

    def to_record(self, entity: Entity, nulls: Sequence[FieldInfo] = ()) -> Record:
        """Return an entity in one pass, in which only names change."""
        names = self.names
        record: Record = {names[name]: value for name, value in entity.values.items()}
        if entity.udfs is not None:
            items = [
                {"name": name}
                if value is None and not nulls
                else {"name": name, "value": show_udf(value)}
                for name, value in entity.udfs.items()
            ]
            # Behind the id, where the vendor has them.
            first: Record = {names["id"]: entity.id, UDFS: {"userDefinedField": items}}
            record = first | record
        for info in nulls:
            record.setdefault(names[info.name], None)
        return record


def open_mapping(
    ctx: Context,
    instance: Instance,
    object_name: str,
    verb: Verb | None = None,
    method: str = "",
) -> RecordMapping:
    """Open the object that a caller names. Vendor calls as `find_object`.

    `verb` is what the caller will do with it, and `method` that in HTTP.

    Raises:
        NotFoundError: no such resource or entity.
        VerbNotSupportedError: the object does not offer the verb.
    """
    resource = find_object(ctx, instance, object_name)
    if verb is not None:
        resource.require(verb, method)
    return map_resource(ctx, instance, resource)


def map_resource(ctx: Context, instance: Instance, resource: Resource) -> RecordMapping:
    """Open a resource that is already found. No vendor call."""
    return _map(ctx, instance, resource, open_backend(ctx, instance), ctx.clock())


def _map(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    backend: Backend,
    opened_at: datetime,
) -> RecordMapping:
    names = MemberNames(resource)
    mapping = CatalogMapping(ctx, instance, resource, backend, opened_at, names)
    return ctx.wrap_mapping(mapping)
