"""Objects and their fields as callers discover them. Source: elements-api 4.7."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.catalog.model import Resource, Verb
from bridge.errors import NotFoundError
from bridge.interfaces import FieldInfo
from bridge.services.context import Context
from bridge.services.extended_resources.resources import Model, find_model
from bridge.services.fields import EntityFields
from bridge.services.objects import entity_directory
from bridge.services.records.mapping import open_mapping
from bridge.store.instances import Instance
from bridge.types import JSON

_MASK = "yyyy-MM-dd'T'HH:mm:ssZ"


def list_objects(ctx: Context, instance: Instance) -> list[dict[str, JSON]]:
    """Return all objects: the element's resources, then the tenant's entities.

    Each has `name`, `vendorName` and `type`, which is `ceCanonical` for a resource
    and `vendor` for an entity. No vendor call while the entities are cached, else one.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    resources = ctx.elements[instance.element_key].resources.values()
    entities = entity_directory(ctx, instance).by_name.values()
    rows = [(item.name, item.entity, "ceCanonical") for item in resources]
    rows += [(info.name, info.name, "vendor") for info in entities]
    return [
        {"name": name, "vendorName": vendor_name, "type": kind}
        for name, vendor_name, kind in rows
    ]


def get_metadata(
    ctx: Context,
    instance: Instance,
    object_name: str,
    *,
    custom_only: bool = False,
    rich: bool = False,
) -> dict[str, JSON]:
    """Return `{"fields": […]}` of a resource or an entity, vendor order, UDFs last.

    `custom_only` returns user-defined fields only; `rich` adds the members of the later
    API version. A resource that the account added is described by its model: a path is
    looked up before resources and entities, the name of a model after them. No vendor
    call while the stored fields are less than a minute old, else up to three.

    Raises:
        NotFoundError: no such object.
        ProviderError: the vendor call failed and nothing is cached.
    """
    model = find_model(ctx, instance, object_name)
    if model is not None and model.by_path:
        return _model_metadata(model, custom_only=custom_only, rich=rich)
    try:
        mapping = open_mapping(ctx, instance, object_name)
    except NotFoundError:
        if model is None:
            raise
        return _model_metadata(model, custom_only=custom_only, rich=rich)
    fields = mapping.metadata.get_recent()
    infos = [*fields.udfs.values()]
    if not custom_only:
        infos = [*fields.standard.values(), *infos]
    return {"fields": [_field(fields, info, rich=rich) for info in infos]}


def is_createable(resource: Resource, info: FieldInfo) -> bool:
    """Return whether a create may set a field; create-only fields are among them."""
    settable = info.name != "id" and (info.required or not info.read_only)
    return settable and Verb.CREATE in resource.verbs


def is_updateable(resource: Resource, info: FieldInfo) -> bool:
    """Return whether an update may change a field."""
    return not info.read_only and info.name != "id" and Verb.UPDATE in resource.verbs


def _field(fields: EntityFields, info: FieldInfo, *, rich: bool) -> dict[str, JSON]:
    resource = fields.resource
    name = fields.name_of(info)
    label = info.label or info.name
    field: dict[str, JSON] = {
        "type": fields.json_type(info),
        "path": name,
        "vendorPath": name,
        "displayName": label,
        "vendorDisplayName": label,
        "vendorNativeType": "picklist" if info.is_picklist else info.type.value,
        "vendorRequired": info.required and info.name != "id",
        "vendorReadOnly": info.read_only,
        "custom": info.udf,
        "hidden": False,
        "filterable": info.queryable,
        "createable": is_createable(resource, info),
        "updateable": is_updateable(resource, info),
    }
    if field["type"] == "date":
        field["mask"] = _MASK
    if info.length:
        field["maxLength"] = info.length
    if info.default is not None:
        field["defaultValue"] = info.default
    if info.description:
        field["description"] = info.description
    if info.reference:
        field["reference"] = info.reference
    if info.is_picklist:
        field |= _picklist(fields, info)
    return field | _extras(resource, info) if rich else field


def _picklist(fields: EntityFields, info: FieldInfo) -> dict[str, JSON]:
    """Return the active items, with the parent's value in a dependent picklist."""
    items: list[JSON] = []
    for item in info.picklist:
        if not item.is_active:
            continue
        shown: dict[str, JSON] = {"displayValue": item.label, "value": item.value}
        if item.parent_value:
            shown["parentValue"] = item.parent_value
        if item.is_default:
            shown["default"] = True
        items.append(shown)
    picklist: dict[str, JSON] = {"picklistValues": items, "restrictedPicklist": True}
    if info.picklist_parent:
        picklist["picklistParent"] = fields.member_of(info.picklist_parent)
    return picklist


def _extras(resource: Resource, info: FieldInfo) -> dict[str, JSON]:
    """Return which methods accept and return the field, and whether it is the id."""
    readable = bool({Verb.LIST, Verb.GET} & resource.verbs)
    uses = (
        ("GET", False, readable),
        ("POST", is_createable(resource, info), Verb.CREATE in resource.verbs),
        ("PATCH", is_updateable(resource, info), Verb.UPDATE in resource.verbs),
    )
    return {
        "method": [
            {"name": name, "request": accepted, "response": returned}
            for name, accepted, returned in uses
            if returned
        ],
        "primaryKey": info.name == "id",
    }


def _model_metadata(model: Model, *, custom_only: bool, rich: bool) -> dict[str, JSON]:
    """Return the fields in the model of an added resource; none of them is custom."""
    properties = model.schema.get("properties")
    required = model.schema.get("required")
    named = properties if isinstance(properties, dict) and not custom_only else {}
    needed = required if isinstance(required, list) else []
    return {
        "fields": [
            _model_field(name, field, model.method, required=name in needed, rich=rich)
            for name, field in named.items()
            if isinstance(field, dict)
        ]
    }


def _model_field(
    name: str, schema: Mapping[str, JSON], method: str, *, required: bool, rich: bool
) -> dict[str, JSON]:
    native = str(schema.get("type", "string"))
    is_time = native == "string" and schema.get("format") in {"date", "date-time"}
    sent = method != "GET"
    field: dict[str, JSON] = {
        "type": "date" if is_time else native,
        "path": name,
        "vendorPath": name,
        "displayName": name,
        "vendorDisplayName": name,
        "vendorNativeType": "datetime" if is_time else native,
        "vendorRequired": required,
        "vendorReadOnly": False,
        "custom": False,
        "hidden": False,
        "filterable": False,
        "createable": method == "POST",
        "updateable": method in {"PUT", "PATCH"},
    }
    if is_time:
        field["mask"] = _MASK
    if description := schema.get("description"):
        field["description"] = description
    if isinstance(values := schema.get("enum"), list):
        items: list[JSON] = [{"displayValue": v, "value": v} for v in values]
        field |= {"picklistValues": items, "restrictedPicklist": True}
    if not rich:
        return field
    use: JSON = {"name": method, "request": sent, "response": True}
    return field | {"method": [use], "primaryKey": name == "id"}
