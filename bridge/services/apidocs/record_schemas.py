"""What a tenant's records look like, from the vendor's metadata. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.interfaces import (
    DateKind,
    Field,
    FieldInfo,
    FieldType,
    PicklistItem,
    Scalar,
)
from bridge.services.apidocs.hub_room import Shapes, type_name
from bridge.services.apidocs.schema import Schema, array, either, obj, ref, text
from bridge.services.descriptions import field_type, is_createable, is_updateable
from bridge.services.fields import EntityFields
from bridge.services.records.discriminator import find_fixed
from bridge.types import JSON

_UDFS = "userDefinedFields"
_TIME = {
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+0000$",
    "example": "2019-03-14T09:26:53+0000",
}
_MOST_ITEMS = 200


@dataclass(frozen=True, slots=True)
class RecordSchemas:
    """The schemas of one object by name, and how its operations refer to them."""

    named: dict[str, Schema]
    shapes: Shapes


def record_schemas(
    fields: EntityFields, *, nulls: bool, custom: bool = True
) -> RecordSchemas:
    """Return the schemas of an object's records, as answered, created and changed.

    `nulls` says that members without a value are answered as null; `custom` names
    user-defined fields.

    Raises:
        NotFoundError: this tenant has no such resource.
    """
    name = type_name(fields.resource)
    create, update, udfs = f"{name}Create", f"{name}Update", f"{name}UserDefinedFields"
    given = f"{udfs}Input"
    named = {
        name: _answered(fields, udfs, nulls=nulls),
        create: _created(fields, given),
        update: _changed(fields, given),
    }
    if fields.udfs:
        infos = [*fields.udfs.values()] if custom else []
        # What is answered may hold fields that are newer than our metadata.
        for holder, item, names in (
            (udfs, f"{name}UserDefinedField", []),
            (given, f"{name}UserDefinedFieldInput", infos),
        ):
            named[item] = _udf_item(names)
            named[holder] = obj(optional={"userDefinedField": array(ref(item))})
            if infos:
                named[holder]["x-userDefinedFields"] = [_udf(info) for info in infos]
    return RecordSchemas(named, Shapes(ref(name), ref(create), ref(update)))


def _answered(fields: EntityFields, udfs: str, *, nulls: bool) -> Schema:
    members = {}
    for info in fields.standard.values():
        schema = _described(fields, info, _answered_value(info))
        if nulls and info.name != "id":
            schema["type"] = [schema["type"], "null"]
        members[fields.facade_name(info.name)] = schema
    return _with_udfs(fields, members, udfs)


def _created(fields: EntityFields, udfs: str) -> Schema:
    """Return the schema of a create; what makes the record one of a part is preset."""
    preset = find_fixed(fields)
    members, required = {}, []
    for info in fields.standard.values():
        if not is_createable(fields.resource, info):
            continue
        name = fields.facade_name(info.name)
        members[name] = _described(fields, info, _given_value(fields.typed(info), info))
        if preset is not None and info.name == preset[0].name:
            members[name]["enum"] = [_preset_value(preset[1])]
            members[name].pop("x-enumNames", None)
        elif info.required:
            required.append(name)
    schema = _with_udfs(fields, members, udfs)
    if required:
        schema["required"] = [*required]
    return schema


def _changed(fields: EntityFields, udfs: str) -> Schema:
    """Return the schema of a change: null clears what is not required."""
    members = {}
    for info in fields.standard.values():
        if is_updateable(fields.resource, info):
            given = _given_value(fields.typed(info), info)
            schema = _described(fields, info, given)
            if not info.required:
                schema["type"] = [schema["type"], "null"]
                if isinstance(enum := schema.get("enum"), list):
                    schema["enum"] = [*enum, None]
            members[fields.facade_name(info.name)] = schema
    return _with_udfs(fields, members, udfs)


def _with_udfs(fields: EntityFields, members: dict[str, Schema], udfs: str) -> Schema:
    if fields.udfs:
        members[_UDFS] = ref(udfs)
    return obj(optional=members)


def _udf_item(infos: list[FieldInfo]) -> Schema:
    """Return the schema of one user-defined field; all kinds travel as text."""
    name = text()
    if infos:
        name["enum"] = [info.name for info in infos]
    return obj({"name": name}, {"value": either(text("Empty or null clears it"))})


def _udf(info: FieldInfo) -> JSON:
    """Return what is known of one user-defined field."""
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
    said = [info.description] if info.description else []
    if info.reference:
        said.append(f"Id of {info.reference}.")
    if info.picklist_parent:
        said.append(f"Depends on {fields.facade_name(info.picklist_parent)}.")
    if said:
        schema["description"] = " ".join(said)
    return schema


def _answered_value(info: FieldInfo) -> Schema:
    if info.type is FieldType.DATETIME:
        return {"type": "string", **_TIME}
    schema: Schema = {"type": field_type(info)}
    items = [*_active(info)][:_MOST_ITEMS]
    if items:
        schema["x-values"] = {item.value: item.label for item in items}
    return schema


def _given_value(field: Field, info: FieldInfo) -> Schema:
    """Return what a field takes; other spellings of the same value are read too."""
    if info.type is FieldType.DATETIME:
        is_day = field.date_kind is DateKind.DAY
        return {"type": "string", "format": "date" if is_day else "date-time"}
    schema: Schema = {"type": field_type(info)}
    if _is_text(info) and info.length:
        schema["maxLength"] = info.length
    if schema["type"] == "integer":
        schema["format"] = "int32" if info.type is FieldType.INTEGER else "int64"
    items = [*_active(info)]
    if 0 < len(items) <= _MOST_ITEMS:
        values = [_item_value(info, item) for item in items]
        if None not in values:
            schema["enum"] = [*values]
            schema["x-enumNames"] = [item.label for item in items]
    return schema


def _preset_value(value: Scalar) -> JSON:
    return value if isinstance(value, bool | int | float) else str(value)


def _item_value(info: FieldInfo, item: PicklistItem) -> JSON:
    """Return a picklist value in its field's type, None when it is none of that."""
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
