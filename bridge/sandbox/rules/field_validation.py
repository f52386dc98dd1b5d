"""Validates a submitted record field by field and builds the row to store.

All faults of a record are collected. Update is a full replacement: a writable field
that was not sent is cleared; UDFs that were not sent stay.
Source: SOAP contract notes, sections 8, 9.3, 10, 12, 13 and 14.
"""

from __future__ import annotations

import sqlite3

from bridge.sandbox import errors
from bridge.sandbox.data import database, values
from bridge.sandbox.data.schema import Column, TenantSchema, quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.soap.submissions import Submission, Value

_ACTIVE_FLAGS = ("Active", "IsActive")
_REQUIRED_UDFS_ENFORCED = frozenset({"AccountLocation"})


@rule(
    "Write",
    "Update replaces: a writable field that was not sent is cleared",
    source="help",
)
@rule("Write", "User-defined fields that were not sent stay", source="help")
def validate_fields(
    connection: sqlite3.Connection,
    schema: TenantSchema,
    submission: Submission,
    before: dict[str, Stored | None] | None,
) -> Draft:
    """Return the draft of a submitted record with all faults of its fields."""
    draft = Draft(submission, before, dict(before or {}))
    for column in draft.table.columns[1:]:
        if _writable(column, is_new=draft.is_new):
            _validate_field(connection, schema, draft, column)
    for name, text in submission.udfs.items():
        _validate_udf(draft, name, text)
    if draft.is_new:
        _fill_defaults(draft)
        _fill_udf_defaults(draft)
    _require_udfs(draft)
    return draft


@rule("Write", "Required, create-only and read-only fields", source="captured")
def _writable(column: Column, *, is_new: bool) -> bool:
    return not column.read_only or (is_new and column.create_only)


@rule(
    "Write",
    "Numbers, times and booleans must convert; lengths are limited",
    source="clients",
)
def _validate_field(
    connection: sqlite3.Connection, schema: TenantSchema, draft: Draft, column: Column
) -> None:
    sent = draft.submission.values.get(column.name.lower())
    try:
        stored = _read(draft, column, sent)
    except ValueError:
        fault = errors.NOT_CONVERTIBLE.format(column.kind.noun, column.name)
        draft.check_faults.append(fault)
        return
    unchanged = draft.before is not None and draft.before.get(column.sql) == stored
    parent = column.picklist_parent
    draft.stored[column.sql] = stored
    if stored is None or _blank(stored):
        if column.required:
            draft.check_faults.append(errors.MISSING.format(column.name))
    elif unchanged and not (parent and draft.changed(parent)):
        return
    elif column.picklist and not _listed(draft, column, stored):
        shown = column.kind.write(stored)
        draft.check_faults.append(errors.BAD_PICKLIST_VALUE.format(shown, column.name))
    elif column.reference and not _refers(connection, schema, column, stored):
        fault = errors.BAD_REFERENCE.format(column.name, column.reference)
        draft.check_faults.append(fault)


@rule("Write", "An untyped empty element on a text field is an error", source="clients")
def _read(draft: Draft, column: Column, sent: Value | None) -> Stored | None:
    """Return the stored form of what was sent; ValueError when it has none."""
    before = draft.before.get(column.sql) if draft.before else None
    # A client sends back what it has read: the mask, or nothing.
    if column.secret and (sent is None or sent.text in {"", column.mask}):
        return before
    if not column.kind.is_text:
        return column.kind.read(sent.text) if sent and sent.text.strip() else None
    if sent is None:
        # A cleared text is empty, not null, and later an empty element in responses.
        return None if before is None else ""
    if not sent.typed and not sent.text:
        draft.save_faults.append(errors.UNTYPED_TEXT)
    if column.length and len(sent.text) > column.length:
        draft.save_faults.append(errors.TOO_LONG.format(column.name))
    return sent.text


@rule(
    "Write",
    "Picklist values must be listed and active, under their parent's value",
    source="rest",
)
def _listed(draft: Draft, column: Column, stored: Stored) -> bool:
    """Return whether a picklist has the value, active, under the parent's value."""
    # Items of a boolean are 1 and 0, though its values are true and false.
    flag = column.kind is values.BOOLEAN
    text = str(stored) if flag else column.kind.write(stored)
    items = [item for item in column.picklist if item.value == text and item.is_active]
    parent = draft.table.column(column.picklist_parent or "")
    if parent is None:
        return bool(items)
    above = draft.stored.get(parent.sql)
    wanted = None if above is None else parent.kind.write(above)
    return any(item.parent_value == wanted for item in items)


@rule("Write", "References must name a record that exists and is active", source="rest")
def _refers(
    connection: sqlite3.Connection, schema: TenantSchema, column: Column, stored: Stored
) -> bool:
    """Return whether a reference names an existing record that is not inactive."""
    target = schema.find(column.reference or "")
    if target is None:
        return True
    try:
        # A text where the field is one, as ContractNote.ContractID is.
        record_id = int(values.LONG.read(str(stored)))
    except ValueError:
        return False
    row = database.read(connection, target, record_id)
    if row is None:
        return False
    return all(row.get(quoted(flag)) != 0 for flag in _ACTIVE_FLAGS)


@rule(
    "Write",
    "Unknown fields are ignored, unknown user-defined fields refused",
    source="rest",
)
@rule(
    "Write",
    "A required user-defined field that has a value cannot be emptied",
    source="help",
)
def _validate_udf(draft: Draft, name: str, text: str | None) -> None:
    column = draft.table.udf(name)
    if column is None:
        fault = errors.UNKNOWN_UDF.format(name, draft.table.entity.name)
        draft.check_faults.append(fault)
        return
    if column.mask is not None:
        # Source: SOAP help, InstalledProduct. Unverified: also for the mask itself.
        draft.check_faults.append(errors.NO_UDF_PERMISSION.format(name))
        return
    if column.required and _blank(text) and not _blank(draft.stored.get(column.sql)):
        draft.check_faults.append(errors.MISSING.format(name))
        return
    if text is None:
        draft.stored[column.sql] = None
        return
    try:
        draft.stored[column.sql] = column.kind.read(text)
    except ValueError:
        draft.check_faults.append(errors.NOT_CONVERTIBLE.format(column.kind.noun, name))
        return
    if column.picklist and not _listed(draft, column, text):
        draft.check_faults.append(errors.BAD_PICKLIST_VALUE.format(text, name))


def _blank(value: Stored | None) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@rule(
    "Write",
    "Required user-defined fields of AccountLocation, on update as it has no create",
    source="help",
)
def _require_udfs(draft: Draft) -> None:
    """Require the UDFs of sites that are required; the API enforces no others.

    Source: SOAP help, UDFs and AccountLocation. Stored values stay when they are not
    sent, so this finds those that never had one.
    """
    if draft.table.entity.name in _REQUIRED_UDFS_ENFORCED:
        draft.check_faults.extend(
            errors.MISSING.format(column.name)
            for column in draft.table.udfs
            if column.required and _blank(draft.stored.get(column.sql))
        )


@rule(
    "Write", "User-defined fields that are not sent get their defaults", source="help"
)
def _fill_udf_defaults(draft: Draft) -> None:
    """Set UDFs that were not sent to their defaults.

    Source: SOAP contract notes, section 8.3. Unverified: a UDF that is sent without a
    value stays empty; a default that is not an active item of its list is ignored.
    """
    for column in draft.table.udfs:
        if column.default is None or column.name in draft.submission.udfs:
            continue
        if not column.picklist or _listed(draft, column, column.default):
            draft.stored[column.sql] = column.default


def _fill_defaults(draft: Draft) -> None:
    """Set optional fields that were not sent to the vendor's defaults.

    Unverified: which defaults. Picklists take their default item, `Active` is true,
    other booleans are false.
    """
    for column in draft.table.storage.columns[1:]:
        if column.required or draft.stored.get(column.sql) is not None:
            continue
        if column.kind is values.BOOLEAN:
            draft.stored[column.sql] = int(column.name in _ACTIVE_FLAGS)
        elif column.picklist and column.name.lower() not in draft.submission.values:
            default = next((i for i in column.picklist if i.is_default), None)
            if default is not None:
                draft.stored[column.sql] = column.kind.read(default.value)
