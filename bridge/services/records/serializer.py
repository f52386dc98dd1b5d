"""Vendor entities turned into the records a caller sees: one pass, names only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.catalog.naming import facade_name
from bridge.errors import BridgeError, ProviderError
from bridge.interfaces import UDF_MEMBER, Entity, FieldType
from bridge.services.fields import EntityFields
from bridge.services.records.labels import Labeller, lacks_labels
from bridge.services.records.mapping import RecordMapping
from bridge.services.times import show_vendor_time

Record: TypeAlias = dict[str, object]
"""One record by facade member name. Values are JSON values, or `Decimal`, aware
UTC `datetime` and `date`, which the web layer encodes as elements-api 4.3 says."""

FILTER_NULLS = "filter.response.nulls"
_UDFS = "userDefinedFields"
_MAY_BE_TIME = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Which members of records a call requests, and whether with labels.

    All members when `fields` is empty; the id is always included. Members may be named
    in any case or by the vendor's name, and user-defined fields by their own names.
    """

    fields: tuple[str, ...] = ()
    labels: bool = False


ALL_MEMBERS = RecordOptions()


@dataclass(frozen=True, slots=True)
class SerializedRecord:
    """One record as a caller sees it; `notes` say what differs from the request."""

    record: Record
    notes: tuple[str, ...] = ()


class _Names(dict[str, str]):
    """Facade names by vendor name, computed on first use; starts with exceptions."""

    def __missing__(self, vendor: str) -> str:
        name = self[vendor] = facade_name(vendor)
        return name


class UdfTimes:
    """Converts times in user-defined fields to the form in which callers read times.

    The vendor sends these values as texts without types, so the fields' metadata is
    read when a text may be a time. A field that the stored metadata does not have is
    newer than it, and looked up. Without metadata texts are passed on unchanged.
    """

    def __init__(self, mapping: RecordMapping) -> None:
        self._mapping = mapping
        self._known: set[str] = set()
        self._times: frozenset[str] | None = None

    def convert(self, items: list[dict[str, object]]) -> None:
        """Replace the values that are times."""
        names = {str(item["name"]) for item in items}
        texts = [
            (item, text)
            for item in items
            if isinstance(text := item.get("value"), str) and _MAY_BE_TIME.match(text)
        ]
        if not names <= self._known or (texts and self._times is None):
            self._read_types(names, required=bool(texts))
        for item, text in texts:
            if item["name"] in (self._times or ()):
                item["value"] = show_vendor_time(text, self._mapping.timezone)

    def _read_types(self, names: set[str], *, required: bool) -> None:
        mapping = self._mapping
        # Before the look-up, so that a failed one is not repeated for each record.
        self._known |= names
        # Metadata may cost vendor calls; a record without times does not need it.
        if not required and mapping.metadata.find() is None:
            return
        try:
            fields = mapping.metadata.get_to_show(
                lambda fields: not names <= fields.udfs.keys()
            )
        except ProviderError:
            self._times = self._times or frozenset()
            return
        self._times = frozenset(
            udf.name for udf in fields.udfs.values() if udf.type is FieldType.DATETIME
        )


@dataclass(frozen=True, slots=True)
class RecordSerializer:
    """Converts entities of one resource to records, for one request.

    `nulls` lists the members to show as null when the vendor leaves them out; it is
    empty for instances that filter nulls. `only` limits the members, when not empty;
    `ignored` says which requested members do not exist.
    """

    mapping: RecordMapping
    names: _Names
    nulls: tuple[str, ...]
    only: frozenset[str]
    udf_times: UdfTimes
    ignored: tuple[str, ...] = ()
    labeller: Labeller | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """How the records so far differ from what was requested, and why."""
        return (*self.ignored, *(self.labeller.notes if self.labeller else ()))

    def records(self, entities: Sequence[Entity]) -> list[Record]:
        """Return a record for each entity, in order; members in the vendor's order."""
        records = [self._record(entity) for entity in entities]
        if self.labeller is not None:
            self._add_labels(self.labeller, entities, records)
        return records

    def record(self, entity: Entity) -> SerializedRecord:
        """Return one record, with the notes on all records so far."""
        [record] = self.records([entity])
        return SerializedRecord(record, self.notes)

    def _add_labels(
        self, labeller: Labeller, entities: Sequence[Entity], records: list[Record]
    ) -> None:
        try:
            fields = self.mapping.metadata.get_to_show(
                lambda fields: lacks_labels(fields, entities)
            )
        except BridgeError as error:
            labeller.notes.append(f"Labels are missing: {error.caller_text}")
            return
        labeller.add(fields, entities, records)

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
            {"name": name}
            if text is None and not self.nulls
            else {"name": name, "value": text}
            for name, text in items.items()
        ]
        self.udf_times.convert(shown)
        return {"userDefinedField": shown}


def open_serializer(
    mapping: RecordMapping, options: RecordOptions = ALL_MEMBERS
) -> RecordSerializer:
    """Return the serializer for one request.

    Vendor calls only for metadata that is not cached, or is looked up because it lacks
    a name: where the instance shows nulls, where the call requests labels or certain
    members, and where a user-defined field may hold a time. Labels of references cost
    what `labels` says.
    """
    nulls: tuple[str, ...] = ()
    if mapping.instance.configuration.get(FILTER_NULLS, "true").lower() == "false":
        fields = mapping.metadata.get()
        nulls = tuple(fields.facade_name(name) for name in fields.standard)
    only, ignored = _choose_members(mapping, options)
    return RecordSerializer(
        mapping=mapping,
        names=_Names(mapping.resource.rename),
        nulls=nulls,
        only=only,
        ignored=ignored,
        labeller=_open_labeller(mapping) if options.labels else None,
        udf_times=UdfTimes(mapping),
    )


def _choose_members(
    mapping: RecordMapping, options: RecordOptions
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the requested members in lower case, and a note on those not found.

    When none of them exists all members are returned: too much serves a caller better
    than an empty record. A name that is not in the metadata may be newer than the
    metadata, so it is looked up.
    """
    if not options.fields or "*" in options.fields:
        return frozenset(), ()
    names = [name.lower() for name in options.fields]
    try:
        fields = mapping.metadata.get_to_show(
            lambda fields: any(
                _member(fields, name, options) is None for name in names
            ),
        )
    except ProviderError:
        # Without metadata the names are used as they are.
        return frozenset({"id", *names}), ()
    members = {name: _member(fields, name.lower(), options) for name in options.fields}
    unknown = [name for name, member in members.items() if member is None]
    note = f"fields: {', '.join(unknown)} ignored, there is no such field."
    notes = (note,) if unknown else ()
    if len(unknown) == len(members):
        return frozenset(), notes
    chosen = (member or name.lower() for name, member in members.items())
    return frozenset({"id", *chosen}), notes


def _member(fields: EntityFields, name: str, options: RecordOptions) -> str | None:
    """Return the member for a name in lower case; a label selects its own member."""
    info = fields.by_facade.get(name)
    if info is not None:
        return fields.facade_name(info.name).lower()
    if name in {"id", _UDFS.lower(), *map(str.lower, fields.udfs)}:
        return name
    if options.labels and name.endswith("label"):
        return _member(fields, name.removesuffix("label"), RecordOptions())
    return None


def _open_labeller(mapping: RecordMapping) -> Labeller:
    ctx, instance = mapping.ctx, mapping.instance
    facts = ctx.elements[instance.element_key].facts
    return Labeller(
        backend=mapping.backend,
        cache=ctx.names,
        instance_id=instance.id,
        now=ctx.clock(),
        named_by={name: fact.named_by for name, fact in facts.items()},
        notes=[],
    )
