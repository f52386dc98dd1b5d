"""What tickets, tasks and time entries share: roles, completion and numbers."""

from __future__ import annotations

from bridge.sandbox.data import database
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.write_transaction import WriteTransaction

STATUS_COMPLETE = 5

INCOMPLETE_ASSIGNMENT = (
    "Data violation: When assigning a Resource, you must assign both a "
    "AssignedResourceID and AssignedResourceRoleID."
)


def has_role(write: WriteTransaction, resource: Stored, role: Stored) -> bool:
    """Return whether a resource has a role, in a department or not."""
    pair = '"ResourceID" = ? AND "RoleID" = ?'
    return write.exists("ResourceRole", pair, resource, role) or write.exists(
        "ResourceRoleDepartment", pair, resource, role
    )


@rule("Ticket and Task", "dated when completed", source="unverified")
def date_completion(write: WriteTransaction, draft: Draft, date_field: str) -> None:
    """Date the completion of a ticket or task.

    Unverified: the date is removed when the record is opened again.
    """
    if draft.get("Status") != STATUS_COMPLETE:
        draft.put(date_field, None)
        draft.put("CompletedByResourceID", None)
    elif draft.get(date_field) is None:
        draft.put(date_field, write.moment)
        draft.put("CompletedByResourceID", write.actor)


@rule("Ticket, Task and Project", "numbered by the day", source="help")
def next_number(write: WriteTransaction, letter: str) -> str:
    """Return the next number of the day's series of a letter."""
    day = letter + write.moment[:10].replace("-", "")
    return f"{day}.{database.issue(write.connection, write.schema.ci, day):04d}"
