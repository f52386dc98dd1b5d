"""The results of getEntityInfo, GetFieldInfo and getUDFInfo.

Source: soap-samples 11 to 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.sandbox.data.dataset import Udf
from bridge.sandbox.data.fragments import element
from bridge.sandbox.declarations import rule
from bridge.sandbox.facts.model import EntityFacts, FieldFacts, PicklistItem

# Source: metadata of a real tenant.
_ID_NOT_FIRST = frozenset({"AccountNote", "Resource"})

# Releases with the four UserAccess members and the webhook flags.
NEWER_GENERATIONS = frozenset({"1.6.9+", "1.6.11"})


def entity_infos(
    entities: Iterable[EntityFacts], with_udfs: frozenset[str], generation: str
) -> bytes:
    """Return the members of getEntityInfo's result, in alphabetical order."""
    ordered = sorted(entities, key=lambda entity: entity.name)
    return "".join(
        _entity_info(entity, entity.name in with_udfs, generation) for entity in ordered
    ).encode()


@rule(
    "Metadata",
    "Flags, labels, picklists and references per field; user-defined fields live",
    source="captured",
)
@rule(
    "Metadata",
    "The id is not the first field of AccountNote and Resource",
    source="captured",
)
def field_infos(entity: EntityFacts, generation: str) -> bytes:
    """Return the members of GetFieldInfo's result.

    The id is the first field, but on two entities. Unverified: that it is the last one
    there.
    """
    fields = entity.fields_of(generation)
    if entity.name in _ID_NOT_FIRST:
        fields = (*fields[1:], fields[0])
    return "".join(_field_info(field, generation) for field in fields).encode()


def udf_infos(udfs: Iterable[Udf], generation: str) -> bytes:
    """Return the members of getUDFInfo's result, empty for an entity without UDFs."""
    return "".join(_udf_info(udf, generation) for udf in udfs).encode()


def _flag(name: str, value: bool) -> str:  # noqa: FBT001 - the member's value
    return f"<{name}>{'true' if value else 'false'}</{name}>"


@rule(
    "Metadata",
    "Members of newer releases follow the generation that is served",
    source="captured",
)
def _entity_info(entity: EntityFacts, has_udfs: bool, generation: str) -> str:  # noqa: FBT001 - the member's value
    create, query, update, delete = entity.user_access
    newer = generation in NEWER_GENERATIONS
    access = (
        element("UserAccessForCreate", create),
        element("UserAccessForQuery", query),
        element("UserAccessForUpdate", update),
        element("UserAccessForDelete", delete),
    )
    members = (
        element("Name", entity.name),
        _flag("CanUpdate", entity.can_update),
        _flag("CanDelete", entity.can_delete),
        _flag("CanCreate", entity.can_create),
        _flag("CanQuery", entity.can_query),
        *(access if newer else ()),
        _flag("HasUserDefinedFields", has_udfs),
        _flag("SupportsWebhookCallouts", entity.supports_webhooks) if newer else "",
    )
    return f"<EntityInfo>{''.join(members)}</EntityInfo>"


def _field_info(field: FieldFacts, generation: str) -> str:
    members = (
        element("Name", field.name),
        element("Label", field.label),
        element("Type", field.type),
        f"<Length>{field.length}</Length>",
        _flag("IsRequired", field.required),
        _flag("IsReadOnly", field.read_only),
        _flag("IsQueryable", field.queryable),
        _flag("IsReference", field.reference is not None),
        element("ReferenceEntityType", field.reference),
        _flag("IsPickList", field.picklist is not None),
        _picklist(field.picklist, with_parents=True),
        element("PicklistParentValueField", field.picklist_parent),
        _webhook_flag(generation),
    )
    return f"<Field>{''.join(members)}</Field>"


def _udf_info(udf: Udf, generation: str) -> str:
    members = (
        element("Name", udf.name),
        element("Label", udf.name),
        element("Type", udf.type),
        "<Length>0</Length>",
        element("Description", udf.description) if udf.description else "",
        _flag("IsRequired", udf.required),
        _flag("IsReadOnly", value=False),
        _flag("IsQueryable", value=True),
        _flag("IsReference", value=False),
        element("ReferenceEntityType", None),
        _flag("IsPickList", udf.picklist is not None),
        _picklist(udf.picklist, with_parents=False),
        element("PicklistParentValueField", None),
        element("DefaultValue", udf.default) if udf.default else "",
        _webhook_flag(generation),
    )
    return f"<Field>{''.join(members)}</Field>"


def _webhook_flag(generation: str) -> str:
    if generation not in NEWER_GENERATIONS:
        return ""
    return _flag("IsSupportedWebhookField", value=False)


def _picklist(items: Sequence[PicklistItem] | None, *, with_parents: bool) -> str:
    """Return the items of a list; those of UDFs have no `parentValue`."""
    if items is None:
        return ""
    if not items:
        return "<PicklistValues />"
    shown = "".join(_picklist_value(item, with_parents=with_parents) for item in items)
    return f"<PicklistValues>{shown}</PicklistValues>"


def _picklist_value(item: PicklistItem, *, with_parents: bool) -> str:
    members = (
        element("Value", item.value),
        element("Label", item.label),
        _flag("IsDefaultValue", item.is_default),
        f"<SortOrder>{item.sort_order}</SortOrder>",
        element("parentValue", item.parent_value) if with_parents else "",
        _flag("IsActive", item.is_active),
        _flag("IsSystem", item.is_system),
    )
    return f"<PickListValue>{''.join(members)}</PickListValue>"
