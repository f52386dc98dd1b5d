"""Dates and authors of creation and change, which the system itself sets.

Source: captured answers, impersonation help.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.sandbox.data import values
from bridge.sandbox.data.schema import Column, Table
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

PERSON_IS_RESOURCE = 1
"""A creator or editor who is no contact. Source: soap-samples 22. Unverified elsewhere
than on tasks."""

_CREATED = frozenset(
    {"CreateDate", "CreateDateTime", "AttachDate", "LastTrackedModificationDateTime"}
)
"""The last one is a ticket's. Source: captured answers, where it is still the time of
creation on a ticket that was changed for two years. Unverified: nothing moves it."""
_TOUCHED = frozenset(
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
_TOUCHERS = frozenset(
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


def stamp(save: Save, draft: Draft) -> None:
    """Set the read-only dates and authors of a record that is being saved."""
    impersonator = (
        "ImpersonatorCreatorResourceID"
        if draft.is_new
        else "ImpersonatorUpdaterResourceID"
    )
    by_name = _touched(save, is_new=draft.is_new)
    if draft.is_new:
        by_name |= dict.fromkeys(_CREATED, save.moment)
        by_name |= dict.fromkeys(_CREATORS, save.actor)
        by_name |= dict.fromkeys(_CREATOR_TYPES, PERSON_IS_RESOURCE)
    if save.impersonator is not None:
        by_name[impersonator] = save.impersonator
    draft.stored |= _read_only(draft.table, by_name)


def touches(save: Save, table: Table) -> Mapping[str, Stored | None]:
    """Return what an edit changes in any record, by quoted column name."""
    return _read_only(table, _touched(save, is_new=False))


def _touched(save: Save, *, is_new: bool) -> dict[str, Stored | None]:
    by_name: dict[str, Stored | None] = {}
    if is_new or not save.dates_stand_still:
        by_name |= dict.fromkeys(_TOUCHED, save.moment)
    by_name |= dict.fromkeys(_TOUCHERS, save.actor)
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
