"""Rules of the definitions of user-defined fields, and what saving one changes.

Source: SOAP contract notes, section 10. Unverified: the texts, and that entity and type
of a UDF stay what they were.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data import udfs
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import after_save, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_OTHERS_OF_ENTITY = '"UdfType" = ? AND id <> ?'


@validates(udfs.DEFINITION)
@rule(
    "UserDefinedFieldDefinition",
    "names are unique, types cannot change, their number is limited",
    source="help",
)
def validate_definition(write: WriteTransaction, draft: Draft) -> None:
    """Validate a definition among the others of its entity."""
    if not draft.is_new and draft.changed("UdfType", "DataType"):
        draft.save_faults.append("UdfType and DataType cannot be changed.")
        return
    entity = udfs.entity_of(draft.stored)
    if write.schema.find(entity) is None:
        return
    if udfs.has_bad_default(draft.stored):
        fault = f"DefaultValue is not a value of the UDF {draft.get('Name')}."
        draft.save_faults.append(fault)
    name = draft.get("Name") or ""
    own_id = -1 if draft.is_new else draft.submission.record_id
    kind = draft.get("UdfType") or 0
    same = f'{_OTHERS_OF_ENTITY} AND "Name" = ?'
    if write.exists(udfs.DEFINITION, same, kind, own_id, name):
        draft.save_faults.append(f"A UDF {name} already exists in the {entity} Entity.")
    others = f'COALESCE("IsActive", 1) <> 0 AND {_OTHERS_OF_ENTITY}'
    limit = udfs.MAX_ACTIVE.get(entity)
    # Counted in the database, which has the earlier records of this call too.
    if (
        limit is not None
        and draft.get("IsActive") != 0
        and len(write.find(udfs.DEFINITION, others, kind, own_id)) >= limit
    ):
        draft.save_faults.append(
            f"The {entity} Entity cannot have more than {limit} UDFs."
        )


@validates(udfs.LIST_ITEM)
def validate_list_item(write: WriteTransaction, draft: Draft) -> None:
    """Refuse an item of a field that is not a list."""
    definition = write.read(udfs.DEFINITION, draft.get("UdfFieldId"))
    if definition and definition.get(quoted("DataType")) != udfs.LIST:
        fault = errors.BAD_REFERENCE.format("UdfFieldId", udfs.DEFINITION)
        draft.check_faults.append(fault)


@after_save(udfs.DEFINITION)
def apply_definition(write: WriteTransaction, draft: Draft, record_id: int) -> None:
    """Record that a definition is new or changed."""
    udfs.record_change(
        write.connection, write.schema, record_id, draft.before, draft.stored
    )


@after_save(udfs.LIST_ITEM)
def apply_list_item(write: WriteTransaction, draft: Draft, _record_id: int) -> None:
    """Record that the definition of a list item has changed."""
    definition_id = draft.get("UdfFieldId")
    row = write.read(udfs.DEFINITION, definition_id)
    if definition_id is not None and row:
        udfs.record_change(write.connection, write.schema, int(definition_id), row, row)
