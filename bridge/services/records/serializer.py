"""Entities shown as one caller requests them: chosen members, nulls, labels, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from bridge.errors import BridgeError, ProviderError, ProviderUnavailableError
from bridge.interfaces import UDF_MEMBER, Entity, FieldInfo, FieldType
from bridge.services.fields import EntityFields
from bridge.services.records.labels import Labeller, lacks_labels
from bridge.services.records.mapping import Record, RecordMapping
from bridge.services.records.members import UDFS
from bridge.services.times import show_vendor_time
from bridge.store.instances import Instance

_FILTER_NULLS = "filter.response.nulls"
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


FindFields: TypeAlias = Callable[[Callable[[EntityFields], bool]], EntityFields]
"""Returns the fields of a mapping, newer ones if they leave a request in doubt."""


class UdfTimes:
    """Converts times in user-defined fields to the form in which callers read times.

    The vendor sends these values as texts without types, so the fields' metadata is
    read when a text may be a time. A field that the stored metadata does not have is
    newer than it, and looked up. Without metadata texts are passed on unchanged.
    """

    def __init__(self, mapping: RecordMapping, find_fields: FindFields) -> None:
        self._mapping = mapping
        self._find_fields = find_fields
        self._known: set[str] = set()
        self._times: frozenset[str] | None = None

    def convert(self, entity: Entity) -> Entity:
        """Return an entity with its times converted."""
        udfs = entity.get(UDF_MEMBER)
        if not isinstance(udfs, dict):
            return entity
        texts = {
            name: text
            for name, text in udfs.items()
            if isinstance(text, str) and _MAY_BE_TIME.match(text)
        }
        if not udfs.keys() <= self._known or (texts and self._times is None):
            self._read_types(udfs.keys(), required=bool(texts))
        zone, times = self._mapping.timezone, self._times or frozenset()
        shown = {
            name: show_vendor_time(text, zone)
            for name, text in texts.items()
            if name in times
        }
        return entity | {UDF_MEMBER: udfs | shown} if shown else entity

    def _read_types(self, names: AbstractSet[str], *, required: bool) -> None:
        # Before the look-up, so that a failed one is not repeated for each record.
        self._known |= names
        # Metadata may cost vendor calls; a record without times does not need it.
        if not required and self._mapping.metadata.find() is None:
            return
        try:
            fields = self._find_fields(lambda fields: not names <= fields.udfs.keys())
        except ProviderError:
            self._times = self._times or frozenset()
            return
        self._times = frozenset(
            udf.name for udf in fields.udfs.values() if udf.type is FieldType.DATETIME
        )


@dataclass(frozen=True, slots=True)
class RecordSerializer:
    """Converts entities of one resource to records, for one request.

    `nulls` lists the fields to show as null when the vendor leaves them out; it is
    empty for instances that filter nulls. `only` limits the members, when not empty;
    `ignored` says which requested members do not exist.
    """

    mapping: RecordMapping
    find_fields: FindFields
    nulls: tuple[FieldInfo, ...]
    only: frozenset[str]
    udf_times: UdfTimes
    ignored: tuple[str, ...] = ()
    labeller: Labeller | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """How the records so far differ from what was requested, and why."""
        return (*self.ignored, *(self.labeller.notes if self.labeller else ()))

    @property
    def names_shown(self) -> tuple[tuple[str, int, str], ...]:
        """The entity, id and name of each reference that was shown with a label."""
        names = self.labeller.names if self.labeller else {}
        return tuple((kind, number, name) for (kind, number), name in names.items())

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
            fields = self.find_fields(lambda fields: lacks_labels(fields, entities))
        except BridgeError as error:
            labeller.notes.append(f"Labels are missing: {error.caller_text}")
            return
        labeller.add(fields, entities, records)

    def _record(self, entity: Entity) -> Record:
        if UDF_MEMBER in entity:
            entity = self.udf_times.convert(entity)
        record = self.mapping.to_record(entity, self.nulls)
        return self._chosen(record) if self.only else record

    def _chosen(self, record: Record) -> Record:
        chosen = {n: v for n, v in record.items() if n.lower() in self.only}
        if UDFS in record and UDFS not in chosen:
            udfs = record[UDFS]
            items = udfs["userDefinedField"] if isinstance(udfs, dict) else []
            own = [item for item in items if item["name"].lower() in self.only]
            if own:
                chosen[UDFS] = {"userDefinedField": own}
        return chosen


def open_serializer(
    mapping: RecordMapping,
    options: RecordOptions = ALL_MEMBERS,
    *,
    at_hand: bool = False,
) -> RecordSerializer:
    """Return the serializer for one request.

    Vendor calls only for metadata that is not cached, or is looked up because it lacks
    a name: where the instance shows nulls, where the call requests labels or certain
    members, and where a user-defined field may hold a time. Labels of references cost
    what `labels` says.

    With `at_hand` there are none: stored metadata and cached names are used, and what
    they do not have is shown as it is, or left out with a note.
    """
    find_fields: FindFields = mapping.metadata.get_to_show
    if at_hand:
        find_fields = partial(_find_at_hand, mapping)
    nulls: tuple[FieldInfo, ...] = ()
    if shows_nulls(mapping.instance):
        nulls = _null_fields(mapping, at_hand=at_hand)
    only, ignored = _choose_members(find_fields, options)
    return RecordSerializer(
        mapping=mapping,
        find_fields=find_fields,
        nulls=nulls,
        only=only,
        ignored=ignored,
        labeller=_open_labeller(mapping, at_hand=at_hand) if options.labels else None,
        udf_times=UdfTimes(mapping, find_fields),
    )


def shows_nulls(instance: Instance) -> bool:
    """Return whether an instance shows members without a value as null."""
    return instance.configuration.get(_FILTER_NULLS, "true").lower() == "false"


def _null_fields(mapping: RecordMapping, *, at_hand: bool) -> tuple[FieldInfo, ...]:
    fields = mapping.metadata.find() if at_hand else mapping.metadata.get()
    return () if fields is None else tuple(fields.standard.values())


def _find_at_hand(
    mapping: RecordMapping, _in_doubt: Callable[[EntityFields], bool]
) -> EntityFields:
    """Return the stored fields, of any age.

    Raises:
        ProviderUnavailableError: none are stored.
    """
    fields = mapping.metadata.find()
    if fields is None:
        raise ProviderUnavailableError("The fields of this object are not at hand.")
    return fields


def _choose_members(
    find_fields: FindFields, options: RecordOptions
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
        fields = find_fields(
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
    return frozenset({fields.member_of("id").lower(), *chosen}), notes


def _member(fields: EntityFields, name: str, options: RecordOptions) -> str | None:
    """Return the member for a name in lower case; a label selects its own member."""
    info = fields.by_name.get(name)
    if info is not None:
        return fields.name_of(info).lower()
    if name in {"id", UDFS.lower(), *map(str.lower, fields.udfs)}:
        return name
    if options.labels and name.endswith("label"):
        return _member(fields, name.removesuffix("label"), RecordOptions())
    return None


def _open_labeller(mapping: RecordMapping, *, at_hand: bool) -> Labeller:
    ctx, instance = mapping.ctx, mapping.instance
    facts = ctx.elements[instance.element_key].facts
    return Labeller(
        backend=None if at_hand else mapping.backend,
        cache=ctx.names,
        instance_id=instance.id,
        now=ctx.clock(),
        named_by={name: fact.named_by for name, fact in facts.items()},
    )
