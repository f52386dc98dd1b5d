"""The fields of one entity, compiled from the metadata cache. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from bridge.catalog.model import Resource
from bridge.catalog.naming import facade_name
from bridge.interfaces import NO_PLACE, DateKind, Field, FieldInfo, FieldType

_INFOS = TypeAdapter(list[FieldInfo])


@dataclass(frozen=True, slots=True)
class EntityFields:
    """The fields of one entity, by vendor name and by facade name.

    `by_facade` is keyed by the facade name in lower case; `udfs` by exact name.
    `places` counts the standard fields from 0, in the vendor's order.
    """

    resource: Resource
    standard: Mapping[str, FieldInfo]
    places: Mapping[str, int]
    udfs: Mapping[str, FieldInfo]
    by_facade: Mapping[str, FieldInfo]
    content_hash: str
    fetched_at: datetime

    def find(self, name: str) -> FieldInfo | None:
        """Return the field of a facade name, a vendor name, or a UDF name."""
        return self.by_facade.get(name.lower()) or self.find_udf(name)

    def find_udf(self, name: str) -> FieldInfo | None:
        """Return a UDF by its name; without regard to case if that is unambiguous."""
        if name in self.udfs:
            return self.udfs[name]
        alike = [
            info for info in self.udfs.values() if info.name.lower() == name.lower()
        ]
        # UDF names may differ only in case; then only the exact name is safe.
        return alike[0] if len(alike) == 1 else None

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

    def facade_name(self, vendor: str) -> str:
        """Return the facade name of a standard field."""
        return self.resource.rename.get(vendor) or facade_name(vendor)


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
    # Vendor names first: a facade name wins where the two are the same.
    by_facade = {name.lower(): info for name, info in standard.items()}
    by_facade |= {
        (resource.rename.get(name) or facade_name(name)).lower(): info
        for name, info in standard.items()
    }
    return EntityFields(
        resource=resource,
        standard=standard,
        places={name: place for place, name in enumerate(standard)},
        udfs={info.name: info for info in infos if info.udf},
        by_facade=by_facade,
        content_hash=content_hash,
        fetched_at=fetched_at,
    )


def write_fields(infos: Sequence[FieldInfo]) -> bytes:
    """Return fields as the JSON of the metadata cache."""
    return _INFOS.dump_json(list(infos))
