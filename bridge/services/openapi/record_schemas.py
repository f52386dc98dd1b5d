"""Schemas of a tenant's records, from the vendor's metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bridge.catalog.model import Verb
from bridge.interfaces import (
    DateKind,
    FieldInfo,
    FieldType,
    PicklistItem,
)
from bridge.services.fields import EntityFields, json_type
from bridge.services.object_metadata import is_createable, is_updateable
from bridge.services.openapi.resource_paths import type_name
from bridge.services.openapi.schema import Schema, obj, ref
from bridge.services.records.discriminator import find_fixed
from bridge.types import JSON

_TIME = {
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+0000$",
    "example": "2019-03-14T09:26:53+0000",
}
_MAX_ITEMS = 200
"""Of a picklist. Longer ones would be most of the document."""


def record_schemas(
    fields: EntityFields, *, nulls: bool, custom: bool = True
) -> dict[str, Schema]:
    """Return the schemas of an object's records, as read, created and updated.

    `nulls` says that members without a value are returned as null; `custom` names
    user-defined fields.

    Raises:
        NotFoundError: this tenant has no such resource.
    """
    name, verbs = type_name(fields.resource), fields.resource.verbs
    infos = fields.standard.values()
    named = {name: _record(fields, "", _read_members(fields, nulls=nulls))}
    if Verb.CREATE in verbs:
        chosen = [info for info in infos if is_createable(fields.resource, info)]
        named[f"{name}Create"] = _create_schema(fields, chosen)
    if Verb.UPDATE in verbs:
        chosen = [info for info in infos if is_updateable(fields.resource, info)]
        members = {fields.name_of(i): _update_value(fields, i) for i in chosen}
        named[f"{name}Update"] = _record(fields, "Input", members)
    if fields.udfs:
        # Without `custom` the member is there still: records have it in any case.
        udfs = [*fields.udfs.values()] if custom else []
        # A response may hold fields that are newer than our metadata: no names there.
        named |= _udf_schemas(name, "", udfs, names=[])
        if verbs & {Verb.CREATE, Verb.UPDATE}:
            names = [info.name for info in udfs]
            named |= _udf_schemas(name, "Input", udfs, names=names)
    return named


def _record(
    fields: EntityFields,
    suffix: str,
    members: Mapping[str, Schema],
    required: Sequence[str] = (),
) -> Schema:
    """Return the schema of a record, which holds its user-defined fields in a member.

    `suffix` is that of the name of their schema.
    """
    if fields.udfs:
        name = f"{type_name(fields.resource)}UserDefinedFields{suffix}"
        members = {**members, "userDefinedFields": ref(name)}
    return obj(members, required)


def _read_members(fields: EntityFields, *, nulls: bool) -> dict[str, Schema]:
    """Return the fields of a record as a response has them."""
    members = {}
    for info in fields.standard.values():
        schema: Schema = {"type": fields.json_type(info)}
        if schema["type"] == "date":
            schema = {"type": "string", **_TIME}
        elif items := [*_active(info)][:_MAX_ITEMS]:
            # Not an enum: old records have values that are inactive today.
            schema["x-values"] = {item.value: item.label for item in items}
        if nulls and info.name != "id":
            schema["type"] = [schema["type"], "null"]
        members[fields.name_of(info)] = schema | _notes(fields, info)
    return members


def _create_schema(fields: EntityFields, infos: Sequence[FieldInfo]) -> Schema:
    """Return the schema of a create.

    The field that makes the record one of this resource is preset, and not required.
    """
    preset = find_fixed(fields)
    members, required = {}, []
    for info in infos:
        name = fields.name_of(info)
        members[name] = _input_value(fields, info)
        if preset is not None and info.name == preset[0].name:
            value = preset[1]
            given = value if isinstance(value, bool | int | float) else str(value)
            members[name]["enum"] = [given]
            members[name].pop("x-enumNames", None)
        elif info.required:
            required.append(name)
    return _record(fields, "Input", members, required)


def _update_value(fields: EntityFields, info: FieldInfo) -> Schema:
    """Return what an update accepts: null clears a field that is not required."""
    schema = _input_value(fields, info)
    if not info.required:
        schema["type"] = [schema["type"], "null"]
        if isinstance(enum := schema.get("enum"), list):
            schema["enum"] = [*enum, None]
    return schema


def _udf_schemas(
    record: str, suffix: str, udfs: Sequence[FieldInfo], *, names: Sequence[str]
) -> dict[str, Schema]:
    """Return the schemas of one user-defined field and of the member that lists them.

    `names` are the only ones allowed; values of all types are text.
    """
    name: Schema = {"type": "string", **({"enum": [*names]} if names else {})}
    value: Schema = {
        "type": ["string", "null"],
        "description": "Empty or null clears it",
    }
    item = f"{record}UserDefinedField{suffix}"
    member = obj({"userDefinedField": {"type": "array", "items": ref(item)}})
    if udfs:
        member["x-userDefinedFields"] = [_udf(info) for info in udfs]
    return {
        item: obj({"name": name, "value": value}, ["name"]),
        f"{record}UserDefinedFields{suffix}": member,
    }


def _udf(info: FieldInfo) -> JSON:
    """Return name, type and picklist values of one user-defined field."""
    values: JSON = {item.value: item.label for item in _active(info)}
    return {
        "name": info.name,
        "displayName": info.label or info.name,
        "type": json_type(info),
        "required": info.required,
        **({"values": values} if values else {}),
    }


def _notes(fields: EntityFields, info: FieldInfo) -> Schema:
    """Return the field's label, its description, and what it refers to."""
    notes = [info.description] if info.description else []
    if info.reference:
        notes.append(f"Id of {info.reference}.")
    if info.picklist_parent:
        notes.append(f"Depends on {fields.member_of(info.picklist_parent)}.")
    title = info.label if info.label != info.name else ""
    described = {"title": title, "description": " ".join(notes)}
    return {name: text for name, text in described.items() if text}


def _input_value(fields: EntityFields, info: FieldInfo) -> Schema:
    """Return what a field accepts; other spellings of the same value are read too."""
    schema: Schema = {"type": fields.json_type(info)}
    if schema["type"] == "date":
        is_day = fields.typed(info).date_kind is DateKind.DAY
        schema = {"type": "string", "format": "date" if is_day else "date-time"}
        return schema | _notes(fields, info)
    if info.type is FieldType.STRING and info.length:
        schema["maxLength"] = info.length
    # Autotask refuses what does not fit the field, so clients need to know its size.
    if schema["type"] == "integer":
        schema["format"] = "int32" if info.type is FieldType.INTEGER else "int64"
    items = [*_active(info)]
    values = [_item_value(info, item) for item in items]
    if 0 < len(items) <= _MAX_ITEMS and None not in values:
        schema |= {"enum": values, "x-enumNames": [item.label for item in items]}
    return schema | _notes(fields, info)


def _item_value(info: FieldInfo, item: PicklistItem) -> JSON:
    """Return a picklist value in its field's type, None where it does not fit."""
    if info.type is FieldType.STRING:
        return item.value
    if info.type is FieldType.BOOLEAN:
        return info.is_item(item, value=True)
    try:
        return int(item.value)
    except ValueError:
        return None


def _active(info: FieldInfo) -> Iterator[PicklistItem]:
    if info.is_picklist:
        yield from (item for item in info.picklist if item.is_active)
