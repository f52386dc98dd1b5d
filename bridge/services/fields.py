"""The fields of one entity under the names of their callers. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from bridge.catalog.model import Resource
from bridge.interfaces import NO_PLACE, DateKind, Field, FieldInfo, FieldType

_INFOS = TypeAdapter(list[FieldInfo])
ID = Field("id", FieldType.LONG)
"""The id, which every entity has."""

_WHOLE_NUMBERS = (FieldType.INTEGER, FieldType.LONG, FieldType.SHORT)


@dataclass(frozen=True, slots=True)
class EntityFields:
    """The fields of one entity as the callers of one record mapping see them.

    `standard` and `udfs` are keyed by vendor name and are in the vendor's order;
    `places` counts the standard fields in it from 0. `members` has the caller's name
    of a standard field by its vendor name, `by_name` every name in lower case under
    which callers find one. `json_types` has the types of the members whose type is not
    that of their field.
    """

    resource: Resource
    standard: Mapping[str, FieldInfo]
    places: Mapping[str, int]
    udfs: Mapping[str, FieldInfo]
    members: Mapping[str, str]
    by_name: Mapping[str, FieldInfo]
    content_hash: str
    fetched_at: datetime
    json_types: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> FieldInfo | None:
        """Return the field of a caller's name, a vendor name, or a UDF name."""
        return self.by_name.get(name.lower()) or self.find_udf(name)

    def find_udf(self, name: str) -> FieldInfo | None:
        """Return a UDF by its name; without regard to case if that is unambiguous."""
        if name in self.udfs:
            return self.udfs[name]
        alike = [
            info for info in self.udfs.values() if info.name.lower() == name.lower()
        ]
        # UDF names may differ only in case; then only the exact name is safe.
        return alike[0] if len(alike) == 1 else None

    def name_of(self, info: FieldInfo) -> str:
        """Return the caller's name of a field; a UDF has its own."""
        return info.name if info.udf else self.member_of(info.name)

    def member_of(self, vendor: str) -> str:
        """Return the caller's name of a standard field, perhaps of an unknown one."""
        return self.members.get(vendor) or self.resource.member_of(vendor)

    def names_of(self, info: FieldInfo) -> frozenset[str]:
        """Return all names of a standard field in lower case."""
        return frozenset(n for n, each in self.by_name.items() if each is info)

    def json_type(self, info: FieldInfo) -> str:
        """Return the type that callers see; for a UDF, that of its texts' meaning."""
        if not info.udf and info.name in self.json_types:
            return self.json_types[info.name]
        return json_type(info)

    def typed(self, info: FieldInfo) -> Field:
        """Return a field as a backend takes it, with the kind of its dates.

        The catalogue cannot list the UDFs of a tenant, so their values decide.
        """
        kind = DateKind.INSTANT
        if info.type is FieldType.DATETIME:
            kinds = self.resource.facts.date_kinds
            kind = DateKind.BY_VALUE if info.udf else kinds.get(info.name, kind)
        place = self.places.get(info.name, NO_PLACE)
        return Field(info.name, info.type, info.udf, kind, place)

    def renamed(
        self, members: Mapping[str, str], json_types: Mapping[str, str]
    ) -> EntityFields:
        """Return the fields with other names, by vendor name, and other types.

        A name takes precedence over an earlier one of another field.
        """
        return dataclasses.replace(
            self,
            members={**self.members, **members},
            by_name=dict(self.by_name)
            | {name.lower(): self.standard[vendor] for vendor, name in members.items()},
            json_types={**self.json_types, **json_types},
        )


def compile_fields(
    resource: Resource, payload: bytes, content_hash: str, fetched_at: datetime
) -> EntityFields:
    """Return the fields that `write_fields` wrote, with the catalogue's facts."""
    infos = _INFOS.validate_json(payload)
    standard = {
        info.name: dataclasses.replace(
            info, required=info.required or info.name in resource.facts.required
        )
        for info in infos
        if not info.udf
    }
    members = {name: resource.member_of(name) for name in standard}
    return EntityFields(
        resource=resource,
        standard=standard,
        places={name: place for place, name in enumerate(standard)},
        udfs={info.name: info for info in infos if info.udf},
        members=members,
        # Vendor names first: a facade name wins where the two are the same.
        by_name={name.lower(): info for name, info in standard.items()}
        | {member.lower(): standard[name] for name, member in members.items()},
        content_hash=content_hash,
        fetched_at=fetched_at,
    )


def json_type(info: FieldInfo) -> str:
    """Return the type of a field's values in JSON, as the platform names it."""
    if info.type is FieldType.DATETIME:
        return "date"
    if info.type in _WHOLE_NUMBERS:
        return "integer"
    return "number" if info.type.is_number else info.type.value


def write_fields(infos: Sequence[FieldInfo]) -> bytes:
    """Return fields as the JSON of the metadata cache."""
    return _INFOS.dump_json(list(infos))
