"""Vendor entities turned into the records a caller sees: one pass, names only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bridge.catalog.model import Resource
from bridge.catalog.naming import facade_name
from bridge.errors import ProviderError
from bridge.interfaces import UDF_MEMBER, Entity, FieldType
from bridge.services.context import Context
from bridge.services.credentials import open_backend, vendor_zone
from bridge.services.fields import EntityFields
from bridge.services.labels import Labeller
from bridge.services.metadata import entity_fields, fields_to_show, stored_fields
from bridge.services.times import show_vendor_time
from bridge.store.instances import Instance

Record: TypeAlias = dict[str, object]
"""One record by facade member name. Values are JSON values, or `Decimal`, aware
UTC `datetime` and `date`, which the web room writes as elements-api 4.3 says."""

FILTER_NULLS = "filter.response.nulls"
_UDFS = "userDefinedFields"
_MAY_BE_TIME = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """How a call wants records shown: which members, and whether with labels.

    All members when `fields` is empty; the id is always among them. Members may be
    named in any case and by the vendor's name, a user-defined field by itself.
    """

    fields: tuple[str, ...] = ()
    labels: bool = False


PLAIN = RecordOptions()


@dataclass(frozen=True, slots=True)
class SerializedRecord:
    """One record as it is shown, and what is not as the call wanted it."""

    record: Record
    notes: tuple[str, ...] = ()


class _Names(dict[str, str]):
    """Vendor name to facade name, by the rule and its exceptions, filled on use."""

    def __missing__(self, vendor: str) -> str:
        name = self[vendor] = facade_name(vendor)
        return name


class UdfTimes:
    """Shows times in user-defined fields as callers read times.

    The vendor's texts say nothing of their types, so metadata is asked for when a text
    may be a time. A field that stored metadata does not know is newer than that, and
    looked up. Without metadata texts are shown as they are.
    """

    def __init__(self, ctx: Context, instance: Instance, resource: Resource) -> None:
        self._wanted = (ctx, instance, resource)
        self._known: set[str] = set()
        self._times: frozenset[str] | None = None
        self._zone: ZoneInfo | None = None

    def show(self, items: list[dict[str, object]]) -> None:
        """Rewrite the values that are times."""
        names = {str(item["name"]) for item in items}
        texts = [
            (item, text)
            for item in items
            if isinstance(text := item.get("value"), str) and _MAY_BE_TIME.match(text)
        ]
        if not names <= self._known or (texts and self._times is None):
            self._learn(names, needed=bool(texts))
        for item, text in texts:
            if self._zone is not None and item["name"] in (self._times or ()):
                item["value"] = show_vendor_time(text, self._zone)

    def _learn(self, names: set[str], *, needed: bool) -> None:
        ctx, instance, resource = self._wanted
        self._known |= names
        if not needed and stored_fields(ctx, instance, resource) is None:
            return
        self._zone = vendor_zone(ctx, instance)
        try:
            fields = fields_to_show(
                ctx, instance, resource, lambda fields: not names <= fields.udfs.keys()
            )
        except ProviderError:
            self._times = self._times or frozenset()
            return
        self._times = frozenset(
            udf.name for udf in fields.udfs.values() if udf.type is FieldType.DATETIME
        )


@dataclass(frozen=True, slots=True)
class RecordSerializer:
    """How entities of one resource are shown to one instance.

    `nulls` lists the members to show as null when the vendor leaves them out; it is
    empty for instances that filter nulls. `only` limits the members, when not empty;
    `ignored` says what of that wish is of no use.
    """

    names: _Names
    nulls: tuple[str, ...]
    only: frozenset[str]
    ignored: tuple[str, ...] = ()
    labeller: Labeller | None = None
    udf_times: UdfTimes | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the records shown so far lack of what was wanted, and why."""
        return (*self.ignored, *(self.labeller.notes if self.labeller else ()))

    def records(self, entities: list[Entity]) -> list[Record]:
        """Return a record for each entity, in order."""
        records = [self._record(entity) for entity in entities]
        if self.labeller is not None:
            self.labeller.add(entities, records)
        return records

    def record(self, entity: Entity) -> Record:
        """Return one record; members in the vendor's order."""
        return self.records([entity])[0]

    def show(self, entity: Entity) -> SerializedRecord:
        """Return one record, and what was noted of all shown so far."""
        record = self.record(entity)
        return SerializedRecord(record, self.notes)

    def _record(self, entity: Entity) -> Record:
        names = self.names
        record: Record = {names[name]: value for name, value in entity.items()}
        if UDF_MEMBER in entity:
            record[_UDFS] = self._udfs(entity[UDF_MEMBER])
        for name in self.nulls:
            record.setdefault(name, None)
        return self._chosen(record) if self.only else record

    def _chosen(self, record: Record) -> Record:
        chosen = {n: v for n, v in record.items() if n.lower() in self.only}
        if _UDFS in record and _UDFS not in chosen:
            udfs = record[_UDFS]
            items = udfs["userDefinedField"] if isinstance(udfs, dict) else []
            own = [item for item in items if item["name"].lower() in self.only]
            if own:
                chosen[_UDFS] = {"userDefinedField": own}
        return chosen

    def _udfs(self, udfs: object) -> dict[str, list[dict[str, object]]]:
        items: Mapping[str, object] = udfs if isinstance(udfs, dict) else {}
        shown: list[dict[str, object]] = [
            {"name": name} if text is None and not self.nulls else _udf(name, text)
            for name, text in items.items()
        ]
        if self.udf_times is not None:
            self.udf_times.show(shown)
        return {"userDefinedField": shown}


def open_serializer(
    ctx: Context, instance: Instance, resource: Resource, view: RecordOptions = PLAIN
) -> RecordSerializer:
    """Return the shape for one call.

    No vendor call, unless metadata is not cached and the instance wants nulls shown,
    the call wants labels or certain members, or a user-defined field may hold a time,
    or a name of these is looked up; what showing records with labels costs, `labels`
    says.
    """
    nulls: tuple[str, ...] = ()
    if instance.configuration.get(FILTER_NULLS, "true").lower() == "false":
        fields = entity_fields(ctx, instance, resource)
        nulls = tuple(fields.facade_name(name) for name in fields.standard)
    only, ignored = _choose(ctx, instance, resource, view)
    return RecordSerializer(
        names=_Names(resource.rename),
        nulls=nulls,
        only=only,
        ignored=ignored,
        labeller=_labeller(ctx, instance, resource) if view.labels else None,
        udf_times=UdfTimes(ctx, instance, resource),
    )


def _choose(
    ctx: Context, instance: Instance, resource: Resource, view: RecordOptions
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the members wanted, in lower case, and a note on those that are none.

    None of them is all of them: who wants nothing that exists is better served by too
    much. A name that is not in the metadata may be newer than that, so it is kept.
    """
    if not view.fields or "*" in view.fields:
        return frozenset(), ()
    wanted = [name.lower() for name in view.fields]
    try:
        fields = fields_to_show(
            ctx,
            instance,
            resource,
            lambda fields: any(_member(fields, name, view) is None for name in wanted),
        )
    except ProviderError:
        # Without metadata names are taken as they come.
        return frozenset({"id", *wanted}), ()
    chosen = {name: _member(fields, name.lower(), view) for name in view.fields}
    unknown = [name for name, member in chosen.items() if member is None]
    note = f"fields: {', '.join(unknown)} ignored, there is no such field."
    notes = (note,) if unknown else ()
    if len(unknown) == len(chosen):
        return frozenset(), notes
    members = (member or name.lower() for name, member in chosen.items())
    return frozenset({"id", *members}), notes


def _member(fields: EntityFields, name: str, view: RecordOptions) -> str | None:
    """Return the member that a name in lower case means; a label means its own."""
    info = fields.by_facade.get(name)
    if info is not None:
        return fields.facade_name(info.name).lower()
    if name in {"id", _UDFS.lower(), *map(str.lower, fields.udfs)}:
        return name
    if view.labels and name.endswith("label"):
        return _member(fields, name.removesuffix("label"), RecordOptions())
    return None


def _labeller(ctx: Context, instance: Instance, resource: Resource) -> Labeller:
    facts = ctx.elements[instance.element_key].facts
    return Labeller(
        backend=open_backend(ctx, instance),
        find_fields=partial(fields_to_show, ctx, instance, resource),
        cache=ctx.names,
        instance_id=instance.id,
        now=ctx.clock(),
        named_by={name: fact.named_by for name, fact in facts.items()},
        notes=[],
    )


def _udf(name: str, text: object) -> dict[str, object]:
    return {"name": name, "value": text}
