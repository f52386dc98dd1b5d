"""Rules of user-defined fields' definitions, and what saving one changes.

Source: SOAP contract notes, section 10. Unverified: the texts, and that entity and type
of a UDF stay what they were.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data import udfs
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_OTHERS_OF_ENTITY = '"UdfType" = ? AND id <> ?'


def judge_definition(save: Save, draft: Draft) -> None:
    """Names are unique on an entity, its type stays, so many can be active."""
    fixed = ("UdfType", "DataType")
    if not draft.is_new and any(draft.get(name) != draft.was(name) for name in fixed):
        draft.save_faults.append("UdfType and DataType cannot be changed.")
        return
    entity = udfs.entity_of(draft.stored)
    if save.schema.find(entity) is None:
        return
    if udfs.has_bad_default(draft.stored):
        fault = f"DefaultValue is not a value of the UDF {draft.get('Name')}."
        draft.save_faults.append(fault)
    name = draft.get("Name") or ""
    own_id = -1 if draft.is_new else draft.submission.record_id
    kind = draft.get("UdfType") or 0
    same = f'{_OTHERS_OF_ENTITY} AND "Name" = ?'
    if save.exists(udfs.DEFINITION, same, kind, own_id, name):
        draft.save_faults.append(f"A UDF {name} already exists in the {entity} Entity.")
    others = f'COALESCE("IsActive", 1) <> 0 AND {_OTHERS_OF_ENTITY}'
    most = udfs.MOST.get(entity)
    # Counted in the database, which has those of the same call too.
    if (
        most is not None
        and draft.get("IsActive") != 0
        and save.count(udfs.DEFINITION, others, kind, own_id) >= most
    ):
        draft.save_faults.append(
            f"The {entity} Entity cannot have more than {most} UDFs."
        )


def judge_list_item(save: Save, draft: Draft) -> None:
    """Only lists have items."""
    definition = save.read(udfs.DEFINITION, draft.get("UdfFieldId"))
    if definition and definition.get(quoted("DataType")) != udfs.LIST:
        fault = errors.bad_reference("UdfFieldId", udfs.DEFINITION)
        draft.check_faults.append(fault)


def after_definition(save: Save, draft: Draft, record_id: int) -> None:
    """Make room for the values of a new UDF, remember an edited one."""
    udfs.note(save.connection, save.schema, record_id, draft.before, draft.stored)


def after_list_item(save: Save, draft: Draft, _record_id: int) -> None:
    """Remember that a list has other items."""
    definition_id = draft.get("UdfFieldId")
    row = save.read(udfs.DEFINITION, definition_id)
    if definition_id is not None and row:
        udfs.note(save.connection, save.schema, int(definition_id), row, row)
