"""Dates and authors of creation and change, which the vendor itself sets.

Source: captured responses; SOAP help, impersonation.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.sandbox.data import values
from bridge.sandbox.data.schema import Column, Table
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.write_transaction import WriteTransaction

# A creator or editor that is not a contact. Source: soap-samples 22. Unverified but on
# tasks.
PERSON_IS_RESOURCE = 1

# The last one is a ticket's. Source: captured responses, where it is still the time of
# creation on a ticket that was changed for two years. Unverified: nothing moves it.
_CREATED = frozenset(
    {"CreateDate", "CreateDateTime", "AttachDate", "LastTrackedModificationDateTime"}
)
_EDITED = frozenset(
    {
        "LastActivity",
        "LastActivityDate",
        "LastActivityDateTime",
        "LastModifiedDate",
        "LastModifiedDateTime",
        "LastModifiedTime",
        "LastTrackedModifiedDateTime",
        "DateStamp",
        "UpdateDateTime",
    }
)
_CREATORS = frozenset({"CreatorResourceID", "CreatedByResourceID", "CreatorUserID"})
_EDITORS = frozenset(
    {
        "LastActivityResourceID",
        "LastModifiedBy",
        "LastModifiedByResourceID",
        "LastModifiedUserID",
        "UpdateResourceID",
        "UpdateResourceId",
    }
)
_CREATOR_TYPES = frozenset({"CreatorType"})
_PERSON_TYPES = frozenset({"LastActivityPersonType"})


@rule(
    "Ticket",
    "the stamp of tracked changes stays the time of creation",
    source="rest",
)
def stamp(write: WriteTransaction, draft: Draft) -> None:
    """Set the read-only dates and authors of a record that is being saved."""
    impersonator = (
        "ImpersonatorCreatorResourceID"
        if draft.is_new
        else "ImpersonatorUpdaterResourceID"
    )
    by_name = _edited(write, is_new=draft.is_new)
    if draft.is_new:
        by_name |= dict.fromkeys(_CREATED, write.moment)
        by_name |= dict.fromkeys(_CREATORS, write.actor)
        by_name |= dict.fromkeys(_CREATOR_TYPES, PERSON_IS_RESOURCE)
    if write.impersonator is not None:
        by_name[impersonator] = write.impersonator
    draft.stored |= _read_only(draft.table, by_name)


def of_edit(write: WriteTransaction, table: Table) -> Mapping[str, Stored | None]:
    """Return what an edit changes in any record, by quoted column name."""
    return _read_only(table, _edited(write, is_new=False))


def _edited(write: WriteTransaction, *, is_new: bool) -> dict[str, Stored | None]:
    by_name: dict[str, Stored | None] = {}
    if is_new or not write.dates_stand_still:
        by_name |= dict.fromkeys(_EDITED, write.moment)
    by_name |= dict.fromkeys(_EDITORS, write.actor)
    by_name |= dict.fromkeys(_PERSON_TYPES, PERSON_IS_RESOURCE)
    return by_name


def _read_only(
    table: Table, by_name: Mapping[str, Stored | None]
) -> dict[str, Stored | None]:
    return {
        column.sql: _dated(column, by_name[column.name])
        for column in table.storage.columns[1:]
        if column.read_only and column.name in by_name
    }


def _dated(column: Column, value: Stored | None) -> Stored | None:
    """Return a value as its column holds it: the day of a time, where that is all."""
    return column.kind.read(str(value)) if column.kind is values.DAY else value
