"""`labels=true`: the labels of picklist values and the names of referenced records.

A picklist's labels are in the metadata; a value without a label may be newer than the
metadata, which is then looked up. Names of references cost at most one vendor call for
each referenced entity and page, and are cached in this process for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bridge.ceql.ast import Expr, Operator, Predicate
from bridge.errors import BridgeError
from bridge.interfaces import (
    Backend,
    Entity,
    EntityType,
    Field,
    FieldInfo,
    FieldType,
    Scalar,
)
from bridge.services.fields import ID, EntityFields
from bridge.services.records.members import UDFS
from bridge.services.timed_cache import TimedCache

MAX_NAME_LENGTH = 200
"""Characters of a name; the rest is cut off. Some names are long descriptions."""

_USUAL = ("Name", "{entity}Name", "Title", "Subject", "Description")


@dataclass(frozen=True, slots=True)
class _Column:
    """A field with labels: its member, and the labels of its picklist by value."""

    info: FieldInfo
    member: str
    items: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"{self.member}Label"


@dataclass(frozen=True, slots=True)
class Labeller:
    """Adds labels to the records of one request.

    `cache` has the names of records by instance, entity and id, `""` for a record
    without a name. `named_by` has the fields that make up a record's name, by entity.
    `notes` collects why labels are missing, `names` the names used, by entity and id;
    those it starts with are used as they are.
    Without a `backend` only cached names are used.
    """

    backend: Backend | None
    cache: TimedCache[tuple[int, str, int], str]
    instance_id: int
    now: datetime
    named_by: Mapping[str, Sequence[str]]
    notes: list[str] = field(default_factory=list)
    names: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(
        self,
        fields: EntityFields,
        entities: Sequence[Entity],
        records: Sequence[dict[str, object]],
    ) -> None:
        """Add `<member>Label` beside each picklist and reference member shown.

        The item of a user-defined field gets `label` where it has a picklist. A value
        without a label, or whose name cannot be read, gets none. Failed vendor calls
        end in `notes`, not in an error.
        """
        columns = list(_columns(fields))
        names = self.names
        self._find_names(columns, entities, records)
        for entity, record in zip(entities, records, strict=True):
            for column in columns:
                value = entity.values.get(column.info.name)
                if value is None or column.member not in record:
                    continue
                label = column.items.get(str(value))
                if column.info.reference and isinstance(value, int):
                    label = names.get((column.info.reference, value))
                if label:
                    record[column.label] = label
        _add_udf_labels(fields, records)

    def _find_names(
        self,
        columns: Sequence[_Column],
        entities: Sequence[Entity],
        records: Sequence[dict[str, object]],
    ) -> None:
        wanted: dict[str, dict[int, None]] = {}
        for column in columns:
            if not column.info.reference:
                continue
            # An ordered set: above the limit, the first records get their names.
            ids = wanted.setdefault(column.info.reference, {})
            for entity, record in zip(entities, records, strict=True):
                value = entity.values.get(column.info.name)
                if isinstance(value, int) and column.member in record:
                    ids[value] = None
        for entity_name, ids in wanted.items():
            self._read(entity_name, list(ids))

    def _read(self, entity_name: str, ids: list[int]) -> None:
        missing: list[int] = []
        for record_id in ids:
            if (entity_name, record_id) in self.names:
                continue
            key = (self.instance_id, entity_name, record_id)
            known = self.cache.get(key, self.now)
            if known is None:
                missing.append(record_id)
            else:
                self.names[entity_name, record_id] = known
        if not missing or self.backend is None:
            return
        # As many names as one query can look for, and one reply can hold.
        limits = self.backend.limits
        wanted = missing[: min(limits.page, limits.alternatives)]
        where: Expr[Field, Scalar] = Predicate(ID, Operator.IN, tuple(wanted))
        try:
            page = self.backend.query(EntityType(entity_name), where, shared=True)
        except BridgeError as error:
            self.notes.append(
                f"Labels of {entity_name} are missing: {error.caller_text}"
            )
            return
        if len(missing) > len(wanted):
            self.notes.append(
                f"Labels of {entity_name} are given for {len(wanted)} records only."
            )
        found = {entity.id: entity for entity in page.entities}
        for record_id in wanted:
            entity = found.get(record_id)
            name = "" if entity is None else self._name(entity_name, entity.values)
            self.names[entity_name, record_id] = name
            key = (self.instance_id, entity_name, record_id)
            self.cache.put(key, self.now, name)

    def _name(self, entity_name: str, values: Mapping[str, Scalar]) -> str:
        declared = self.named_by.get(entity_name, ())
        parts = [str(values[part]) for part in declared if values.get(part)]
        usual = (name.format(entity=entity_name) for name in _USUAL)
        whole = " ".join(parts) or next(
            (str(values[name]) for name in usual if values.get(name)), ""
        )
        return (
            whole
            if len(whole) <= MAX_NAME_LENGTH
            else f"{whole[: MAX_NAME_LENGTH - 1]}…"
        )


def _columns(fields: EntityFields) -> Iterator[_Column]:
    """Yield the fields with labels, unless another field has the label's name."""
    for info in fields.standard.values():
        column = _Column(info, fields.name_of(info), _items(info))
        taken = column.label.lower() in fields.by_name
        if (info.reference or column.items) and not taken:
            yield column


def _add_udf_labels(fields: EntityFields, records: Sequence[dict[str, object]]) -> None:
    labels = {udf.name: _items(udf) for udf in fields.udfs.values()}
    for record in records:
        udfs = record.get(UDFS)
        for item in udfs["userDefinedField"] if isinstance(udfs, dict) else ():
            label = labels.get(item["name"], {}).get(str(item.get("value")))
            if label:
                item["label"] = label


def lacks_labels(fields: EntityFields, entities: Sequence[Entity]) -> bool:
    """Return whether an entity has a picklist value that the metadata lacks."""
    standard = [
        (info.name, items)
        for info in fields.standard.values()
        if (items := _items(info))
    ]
    own = [(udf.name, items) for udf in fields.udfs.values() if (items := _items(udf))]
    for entity in entities:
        for values, picklists in ((entity.values, standard), (entity.udfs or {}, own)):
            for name, items in picklists:
                value = values.get(name)
                if value not in (None, "") and str(value) not in items:
                    return True
    return False


def _items(info: FieldInfo) -> dict[str, str]:
    """Return the labels of a picklist by the text of the stored value."""
    if not info.is_picklist:
        return {}
    if info.type is FieldType.BOOLEAN and not info.udf:
        return {
            str(value): item.label
            for item in info.picklist
            for value in (True, False)
            if info.is_item(item, value)
        }
    return {item.value: item.label for item in info.picklist}
