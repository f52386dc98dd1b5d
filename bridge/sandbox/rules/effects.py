"""What saving or deleting a record changes beside it: tasks, notes, sites, members.

Source: SOAP contract notes, section 18.
"""

from __future__ import annotations

from bridge.sandbox.data import database
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules import stamps
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_COMPLETE = 5
CONTACT_HISTORY = frozenset({"AccountNote", "NotificationHistory", "SurveyResults"})
"""Records that tell what happened: a contact may go while they name it."""

_OTHER = "\"Name\" = 'Other'"


def mark_ticket(save: Save, draft: Draft) -> None:
    """Date a ticket's completion. Unverified: undone when it is opened again."""
    _mark(save, draft, "CompletedDate")


def mark_task(save: Save, draft: Draft) -> None:
    """Date a task's completion. Unverified: undone when it is opened again."""
    _mark(save, draft, "CompletedDateTime")


def _mark(save: Save, draft: Draft, name: str) -> None:
    if draft.get("Status") != _COMPLETE:
        draft.put(name, None)
        draft.put("CompletedByResourceID", None)
    elif draft.get(name) is None:
        draft.put(name, save.moment)
        draft.put("CompletedByResourceID", save.actor)


def after_project(save: Save, draft: Draft, record_id: int) -> None:
    """Completing a project completes its tasks, which that changes. Source: SOAP help.

    Unverified: that their dates of last activity move, without which no caller that
    polls would see it.
    """
    if draft.get("Status") != _COMPLETE or draft.was("Status") == _COMPLETE:
        return
    tasks = save.schema.tables["Task"]
    still_open = '"ProjectID" = ? AND "Status" <> 5'
    for task_id, _ in database.select(
        save.connection, tasks, still_open, (record_id,), -1
    ):
        row = database.read(save.connection, tasks, task_id) or {}
        done: dict[str, Stored | None] = {
            quoted("Status"): _COMPLETE,
            quoted("CompletedDateTime"): save.moment,
            quoted("CompletedByResourceID"): save.actor,
        }
        changed = {**row, **stamps.touches(save, tasks), **done}
        database.replace(save.connection, tasks, task_id, changed)


_NOTE_OF_TO_DO = {
    "AccountID": "AccountID",
    "ContactID": "ContactID",
    "OpportunityID": "OpportunityID",
    "AssignedResourceID": "AssignedToResourceID",
    "ActionType": "ActionType",
    "StartDateTime": "StartDateTime",
    "EndDateTime": "EndDateTime",
    "CompletedDateTime": "CompletedDate",
    "Note": "ActivityDescription",
}


def after_to_do(save: Save, draft: Draft, _record_id: int) -> None:
    """A to-do that gets completed also appears as a note of its account.

    Source: SOAP help, AccountToDo. Unverified: as a record of its own, once.
    """
    if draft.get("CompletedDate") is None or draft.was("CompletedDate") is not None:
        return
    row = {quoted(note): draft.get(name) for note, name in _NOTE_OF_TO_DO.items()}
    row[quoted("LastModifiedDate")] = row[quoted("CreateDateTime")] = save.moment
    database.insert(
        save.connection,
        save.schema.tables["AccountNote"],
        database.issue_id(save.connection, save.schema.ci),
        row,
    )


def after_location(save: Save, draft: Draft, record_id: int) -> None:
    """Let an account have one primary site: the latest that is called so.

    Source: SOAP help, AccountPhysicalLocation. Unverified: the first one is primary
    without being told so, and the only one stays it.
    """
    own = '"Primary" = 1 AND "AccountID" = ?'
    if draft.get("Primary"):
        save.keep_flag_of("AccountPhysicalLocation", "Primary", "AccountID", record_id)
    elif not save.exists("AccountPhysicalLocation", own, draft.get("AccountID") or 0):
        row = {**draft.stored, quoted("Primary"): 1}
        table = save.schema.tables["AccountPhysicalLocation"]
        database.replace(save.connection, table, record_id, row)


def forget_contact(save: Save, record_id: int) -> None:
    """Take a deleted contact out of its groups and out of what is but history.

    Unverified: that it keeps no contact from being deleted.
    """
    _delete_where(save, "ContactGroupContact", '"ContactID" = ?', record_id)
    for table, column in save.schema.references("Contact"):
        if table.entity.name in CONTACT_HISTORY:
            where = f"{column.sql} = ?"
            for found, _ in database.select(
                save.connection, table, where, (record_id,), -1
            ):
                row = database.read(save.connection, table, found) or {}
                changed = {**row, column.sql: None}
                database.replace(save.connection, table, found, changed)


def empty_group(save: Save, record_id: int) -> None:
    """Let the members of a deleted group go with it. Unverified."""
    _delete_where(save, "ContactGroupContact", '"ContactGroupID" = ?', record_id)


def _delete_where(save: Save, entity: str, where: str, value: Stored) -> None:
    table = save.schema.find(entity)
    if table is None:
        return
    for record_id, _ in database.select(save.connection, table, where, (value,), -1):
        database.delete(save.connection, table, record_id)


def name_countries(save: Save, draft: Draft) -> None:
    """Find the country that a sales order's text names, else file it under Other.

    Source: SOAP help, SalesOrder. Unverified: only where the text has changed or comes
    without the country's id.
    """
    for side in ("BillTo", "ShipTo"):
        text = draft.get(f"{side}Country")
        known = draft.get(f"{side}CountryID") is not None
        if text and not (known and text == draft.was(f"{side}Country")):
            _name_country(save, draft, side, str(text).strip())


def _name_country(save: Save, draft: Draft, side: str, text: str) -> None:
    countries = save.schema.tables["Country"]
    named = '"CountryCode" = ? OR "Name" = ? OR "DisplayName" = ?'
    found = database.select(save.connection, countries, named, (text,) * 3, 1)
    if found:
        country_id, _ = found[0]
        row = save.read("Country", country_id)
        draft.put(f"{side}Country", row.get(quoted("DisplayName")))
    else:
        found = database.select(save.connection, countries, _OTHER, (), 1)
    for country_id, _ in found:
        draft.put(f"{side}CountryID", country_id)
