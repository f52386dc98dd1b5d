"""Rules of work: who a ticket or a task is given to, and until when.

Source: SOAP contract notes, sections 14.3 and 18.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.checks import Draft
from bridge.sandbox.saving import Save
from bridge.sandbox.values import Stored

_NOBODY = (
    "Data violation: AssignedResourceID, AssignedResourceRoleID, and QueueID cannot "
    "all be empty. Supply a QueueID or both a AssignedResourceID and "
    "AssignedResourceRoleID.."
)
_HALF_A_PAIR = (
    "Data violation: When assigning a Resource, you must assign both a "
    "AssignedResourceID and AssignedResourceRoleID."
)


def judge_ticket(save: Save, draft: Draft) -> None:
    """A ticket has a due date, and a queue or a resource in a role it holds.

    A new one may have got the date from its category before. Unverified: the texts
    about a role that is not held and about a secondary resource.
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
    if fault not in draft.check_faults and not _holds(save, resource, role):
        draft.check_faults.append(fault)
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
    if role is not None and not _holds(save, resource, role):
        draft.save_faults.append(
            f'The Task "{draft.get("Title")}" has an invalid Resource and Role '
            "combination."
        )


def _holds(save: Save, resource: Stored, role: Stored) -> bool:
    held = '"ResourceID" = ? AND "RoleID" = ?'
    return save.exists("ResourceRole", held, resource, role) or save.exists(
        "ResourceRoleDepartment", held, resource, role
    )
