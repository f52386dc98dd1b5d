"""Rules of contacts, contact groups and client portal users.

Source: SOAP contract notes, section 18. Unverified: texts that section 14 lacks.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import (
    after_delete,
    after_save,
    refuses_delete,
    validates,
)
from bridge.sandbox.rules.write_transaction import WriteTransaction

_GROUP_MEMBER = "ContactGroupContact"
# Records of what happened: a contact can be deleted while they refer to it.
_HISTORY = frozenset({"AccountNote", "NotificationHistory", "SurveyResults"})
_TASKFIRE_LEVELS = frozenset({4, 5})
_PASSWORD_LENGTHS = range(5, 51)


@after_save("Contact")
@rule("Contact", "one primary contact for an account", source="help")
def keep_one_primary_contact(
    write: WriteTransaction, draft: Draft, record_id: int
) -> None:
    """Make the latest primary contact the only one of its account."""
    if draft.get("PrimaryContact"):
        write.clear_other_flags("Contact", "PrimaryContact", "AccountID", record_id)


@refuses_delete("Contact")
@rule(
    "Contact",
    "not deleted while on a ticket, billed to, in the portal, an installer or primary",
    source="help",
)
@rule(
    "Contact",
    "not deleted while anything but groups and history refers to it",
    source="unverified",
)
def refuse_contact_in_use(write: WriteTransaction, record_id: int) -> str | None:
    """Keep a contact that is in use.

    Unverified: the text; that any portal user counts, active or not.
    """
    in_use = bool(
        write.read("Contact", record_id).get(quoted("PrimaryContact"))
    ) or any(
        write.exists(table.entity.name, f"{column.sql} = ?", record_id)
        for table, column in write.schema.references("Contact")
        if table.entity.name not in _HISTORY | {_GROUP_MEMBER}
    )
    return "The contact is in use and cannot be deleted." if in_use else None


@after_delete("Contact")
def remove_contact(write: WriteTransaction, record_id: int, _before: StoredRow) -> None:
    """Remove a deleted contact from its groups and from history records.

    Unverified: that neither prevents the deletion.
    """
    write.delete(_GROUP_MEMBER, '"ContactID" = ?', record_id)
    for table, column in write.schema.references("Contact"):
        entity = table.entity.name
        if entity in _HISTORY:
            for found in write.find(entity, f"{column.sql} = ?", record_id):
                write.change(entity, found, {column.sql: None})


@after_delete("ContactGroup")
@rule("ContactGroup", "its members are deleted with it", source="unverified")
def delete_members(write: WriteTransaction, record_id: int, _before: StoredRow) -> None:
    """Delete the members of a deleted group."""
    write.delete(_GROUP_MEMBER, '"ContactGroupID" = ?', record_id)


@validates("ClientPortalUser")
@rule(
    "ClientPortalUser",
    "one for a contact, unique names, passwords, Taskfire levels",
    source="help",
)
def validate_portal_user(write: WriteTransaction, draft: Draft) -> None:
    """Validate a portal user. Unverified: the texts but the password's."""
    contact, own_id = draft.get("ContactID"), draft.submission.record_id
    if draft.is_new and contact is not None:
        if write.exists("ClientPortalUser", '"ContactID" = ?', contact):
            draft.save_faults.append(
                f"A ClientPortalUser already exists for ContactID {contact}."
            )
        own_id = -1  # an id that is sent on create is ignored
    name = draft.get("UserName")
    same_name = '"UserName" = ? AND id <> ?'
    if name and write.exists("ClientPortalUser", same_name, name, own_id):
        draft.save_faults.append("UserName must be unique.")
    _validate_password(draft)
    if draft.get("SecurityLevel") in _TASKFIRE_LEVELS and contact is not None:
        account = write.read("Contact", contact).get(quoted("AccountID"))
        if not write.read("Account", account).get(quoted("TaskFireActive")):
            draft.save_faults.append(
                "SecurityLevel requires a contact with Taskfire access."
            )


def _validate_password(draft: Draft) -> None:
    password = draft.get("Password")
    if not password:
        if draft.is_new:
            draft.check_faults.append(errors.MISSING.format("Password"))
        return
    text = str(password)
    printable = text.isprintable() and " " not in text and "'" not in text
    if len(text) not in _PASSWORD_LENGTHS or not printable:
        draft.save_faults.append("Password is not valid.")
