"""Schemas of a tenant's records, from the vendor's metadata."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.catalog.model import JSON
from bridge.interfaces import (
    DateKind,
    Field,
    FieldInfo,
    FieldType,
    PicklistItem,
    Scalar,
)
from bridge.services.fields import EntityFields
from bridge.services.object_metadata import field_type, is_createable, is_updateable
from bridge.services.openapi.resource_paths import type_name
from bridge.services.openapi.schema import Schema, obj, ref, text
from bridge.services.records.fixed import find_fixed

_UDFS = "userDefinedFields"
_TIME = {
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+0000$",
    "example": "2019-03-14T09:26:53+0000",
}
_MAX_ITEMS = 200


def record_schemas(
    fields: EntityFields, *, nulls: bool, custom: bool = True
) -> dict[str, Schema]:
    """Return the schemas of an object's records, as read, created and updated.

    `nulls` says that members without a value are returned as null; `custom` names
    user-defined fields.

    Raises:
        NotFoundError: this tenant has no such resource.
    """
    name = type_name(fields.resource)
    create, update, udfs = f"{name}Create", f"{name}Update", f"{name}UserDefinedFields"
    given = f"{udfs}Input"
    named = {
        name: _read_schema(fields, udfs, nulls=nulls),
        create: _create_schema(fields, given),
        update: _update_schema(fields, given),
    }
    if fields.udfs:
        infos = [*fields.udfs.values()] if custom else []
        # A response may hold fields that are newer than our cached metadata, hence no
        # names there.
        for holder, item, names in (
            (udfs, f"{name}UserDefinedField", []),
            (given, f"{name}UserDefinedFieldInput", infos),
        ):
            named[item] = _udf_item(names)
            named[holder] = obj(
                optional={"userDefinedField": {"type": "array", "items": ref(item)}}
            )
            if infos:
                named[holder]["x-userDefinedFields"] = [_udf(info) for info in infos]
    return named


def _read_schema(fields: EntityFields, udfs: str, *, nulls: bool) -> Schema:
    members = {}
    for info in fields.standard.values():
        schema = _described(fields, info, _read_value(info))
        if nulls and info.name != "id":
            schema["type"] = [schema["type"], "null"]
        members[fields.facade_name(info.name)] = schema
    return _record(fields, members, udfs)


def _create_schema(fields: EntityFields, udfs: str) -> Schema:
    """Return the schema of a create.

    The field that makes the record one of this resource is preset, and not required.
    """
    preset = find_fixed(fields)
    members, required = {}, []
    for info in fields.standard.values():
        if not is_createable(fields.resource, info):
            continue
        name = fields.facade_name(info.name)
        members[name] = _described(fields, info, _input_value(fields.typed(info), info))
        if preset is not None and info.name == preset[0].name:
            members[name]["enum"] = [_preset_value(preset[1])]
            members[name].pop("x-enumNames", None)
        elif info.required:
            required.append(name)
    schema = _record(fields, members, udfs)
    if required:
        schema["required"] = [*required]
    return schema


def _update_schema(fields: EntityFields, udfs: str) -> Schema:
    """Return the schema of an update: null clears what is not required."""
    members = {}
    for info in fields.standard.values():
        if is_updateable(fields.resource, info):
            given = _input_value(fields.typed(info), info)
            schema = _described(fields, info, given)
            if not info.required:
                schema["type"] = [schema["type"], "null"]
                if isinstance(enum := schema.get("enum"), list):
                    schema["enum"] = [*enum, None]
            members[fields.facade_name(info.name)] = schema
    return _record(fields, members, udfs)


def _record(fields: EntityFields, members: dict[str, Schema], udfs: str) -> Schema:
    if fields.udfs:
        members[_UDFS] = ref(udfs)
    return obj(optional=members)


def _udf_item(infos: list[FieldInfo]) -> Schema:
    """Return the schema of one user-defined field; values of all types are text."""
    name = text()
    if infos:
        name["enum"] = [info.name for info in infos]
    value: Schema = {
        "type": ["string", "null"],
        "description": "Empty or null clears it",
    }
    return obj({"name": name}, {"value": value})


def _udf(info: FieldInfo) -> JSON:
    """Return name, type and picklist values of one user-defined field."""
    known: dict[str, JSON] = {
        "name": info.name,
        "displayName": info.label or info.name,
        "type": field_type(info),
        "required": info.required,
    }
    if items := [*_active(info)]:
        known["values"] = {item.value: item.label for item in items}
    return known


def _described(fields: EntityFields, info: FieldInfo, schema: Schema) -> Schema:
    """Add the field's label, and what it refers to."""
    if info.label and info.label != info.name:
        schema["title"] = info.label
    notes = [info.description] if info.description else []
    if info.reference:
        notes.append(f"Id of {info.reference}.")
    if info.picklist_parent:
        notes.append(f"Depends on {fields.facade_name(info.picklist_parent)}.")
    if notes:
        schema["description"] = " ".join(notes)
    return schema


def _read_value(info: FieldInfo) -> Schema:
    if info.type is FieldType.DATETIME:
        return {"type": "string", **_TIME}
    schema: Schema = {"type": field_type(info)}
    items = [*_active(info)][:_MAX_ITEMS]
    if items:
        schema["x-values"] = {item.value: item.label for item in items}
    return schema


def _input_value(field: Field, info: FieldInfo) -> Schema:
    """Return what a field accepts; other spellings of the same value are read too."""
    if info.type is FieldType.DATETIME:
        is_day = field.date_kind is DateKind.DAY
        return {"type": "string", "format": "date" if is_day else "date-time"}
    schema: Schema = {"type": field_type(info)}
    if _is_text(info) and info.length:
        schema["maxLength"] = info.length
    if schema["type"] == "integer":
        schema["format"] = "int32" if info.type is FieldType.INTEGER else "int64"
    items = [*_active(info)]
    if 0 < len(items) <= _MAX_ITEMS:
        values = [_item_value(info, item) for item in items]
        if None not in values:
            schema["enum"] = [*values]
            schema["x-enumNames"] = [item.label for item in items]
    return schema


def _preset_value(value: Scalar) -> JSON:
    return value if isinstance(value, bool | int | float) else str(value)


def _item_value(info: FieldInfo, item: PicklistItem) -> JSON:
    """Return a picklist value in its field's type, None where it does not fit."""
    if _is_text(info):
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


def _is_text(info: FieldInfo) -> bool:
    return info.type is FieldType.STRING
