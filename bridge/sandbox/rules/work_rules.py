"""Rules of work: who a ticket or a task is given to, until when, and service calls.

Source: SOAP contract notes, sections 14.3 and 18.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_NOBODY = (
    "Data violation: AssignedResourceID, AssignedResourceRoleID, and QueueID cannot "
    "all be empty. Supply a QueueID or both a AssignedResourceID and "
    "AssignedResourceRoleID.."
)
_HALF_A_PAIR = (
    "Data violation: When assigning a Resource, you must assign both a "
    "AssignedResourceID and AssignedResourceRoleID."
)


_UNHELD_ROLE = (
    "The specified AssignedResourceID and AssignedRoleID combination is not currently "
    "defined"
)
"""Source: a client of the vendor's other API."""
_CANCELED = "Canceled"
_OF_CANCELED = ("StartDateTime", "EndDateTime", "Complete")


def judge_ticket(save: Save, draft: Draft) -> None:
    """A ticket has a due date, and a queue or a resource in a role it holds.

    A new one may have got the date from its category before. Unverified: the text
    about a secondary resource.
    """
    if draft.get("DueDateTime") is None:
        draft.verbatim_faults.append(
            f"DueDateTime is required.; on record number [{draft.submission.number}]"
        )
    resource = draft.get("AssignedResourceID")
    role = draft.get("AssignedResourceRoleID")
    if resource is None and role is None:
        if draft.get("QueueID") is None:
            draft.save_faults.append(_NOBODY)
        return
    if resource is None or role is None:
        draft.save_faults.append(_HALF_A_PAIR)
        return
    if (resource, role) == (
        draft.was("AssignedResourceID"),
        draft.was("AssignedResourceRoleID"),
    ):
        return
    fault = errors.bad_reference("AssignedResourceRoleID", "Role")
    if fault not in draft.check_faults and not has_role(save, resource, role):
        draft.save_faults.append(_UNHELD_ROLE)
    if not draft.is_new and save.exists(
        "TicketSecondaryResource",
        '"TicketID" = ? AND "ResourceID" = ?',
        draft.submission.record_id,
        resource,
    ):
        draft.save_faults.append(
            "A secondary resource cannot be the primary resource of a ticket."
        )


def judge_task(save: Save, draft: Draft) -> None:
    """A task with a resource needs its role, department and code. Source: 14.3."""
    resource = draft.get("AssignedResourceID")
    if resource is None:
        return
    role = draft.get("AssignedResourceRoleID")
    if role is None:
        draft.save_faults.append(_HALF_A_PAIR)
    draft.save_faults.extend(
        f"{name} is a required field when a Resource (primary/secondary) is assigned "
        "to a Task"
        for name in ("DepartmentID", "AllocationCodeID")
        if draft.get(name) is None
    )
    if role is not None and not has_role(save, resource, role):
        draft.save_faults.append(
            f'The Task "{draft.get("Title")}" has an invalid Resource and Role '
            "combination."
        )


def validate_project(save: Save, draft: Draft) -> None:
    """A project starts before it ends, and ends with its last phase, task or issue.

    Source: a description of the vendor's other API. Unverified: the texts; that it may
    start and end on one day; that only changed dates are validated.
    """
    dates = ("StartDateTime", "EndDateTime")
    start, end = (draft.get(name) for name in dates)
    if start is None or end is None or not draft.changed(*dates):
        return
    if str(end) < str(start):
        draft.save_faults.append("Project StartDateTime must be before EndDateTime.")
    elif not draft.is_new and any(
        save.exists(
            entity,
            f'"ProjectID" = ? AND substr("{name}", 1, 10) > ?',
            draft.submission.record_id,
            str(end)[:10],
        )
        for entity, name in (("Phase", "DueDate"), ("Task", "EndDateTime"))
    ):
        draft.save_faults.append(
            "Project EndDateTime must not be before the end of its last phase, task "
            "or issue."
        )


def validate_service_call(_save: Save, draft: Draft) -> None:
    """Times and completion of a canceled call stay.

    Source: clients of the vendor's other API. Unverified: the status is the one that
    the call had before.
    """
    status, column = draft.was("Status"), draft.table.column("Status")
    item = column.item(status) if column and status is not None else None
    if item is None or item.label != _CANCELED:
        return
    if draft.changed(*_OF_CANCELED):
        draft.save_faults.append(
            "The StartDateTime, EndDateTime and Complete cannot be edited if status is "
            f'of type "{_CANCELED}".'
        )


def has_role(save: Save, resource: Stored, role: Stored) -> bool:
    """Return whether a resource has a role, in a department or not."""
    held = '"ResourceID" = ? AND "RoleID" = ?'
    return save.exists("ResourceRole", held, resource, role) or save.exists(
        "ResourceRoleDepartment", held, resource, role
    )
