"""Rules of user-defined fields' definitions, and what saving one changes.

Source: SOAP contract notes, section 10. Unverified: the texts, and that entity and type
of a UDF stay what they were.
"""

from __future__ import annotations

from bridge.sandbox import errors, udfs
from bridge.sandbox.checks import Draft
from bridge.sandbox.saving import Save
from bridge.sandbox.schema import quoted


def judge_definition(save: Save, draft: Draft) -> None:
    """Names are unique per entity, entity and type stay, there can be so many."""
    fixed = ("UdfType", "DataType")
    if not draft.is_new and any(draft.get(name) != draft.was(name) for name in fixed):
        draft.save_faults.append("UdfType and DataType cannot be changed.")
        return
    entity = udfs.entity_of(draft.stored)
    table = save.schema.find(entity)
    if table is None:
        return
    name = draft.get("Name") or ""
    own_id = -1 if draft.is_new else draft.submission.record_id
    same = '"UdfType" = ? AND "Name" = ? AND id <> ?'
    kind = draft.get("UdfType") or 0
    if save.exists(udfs.DEFINITION, same, kind, name, own_id):
        draft.save_faults.append(f"A UDF {name} already exists in the {entity} Entity.")
    most = udfs.MOST.get(entity)
    if draft.is_new and most is not None and len(table.udfs) >= most:
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
