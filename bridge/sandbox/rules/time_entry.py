"""Rules of time entries: what they are for, when it was, and who may change them.

Source: texts seen by a client of the vendor's other API, with the field names of this
one. Unverified: that all of them are save errors.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.work_rules import has_role
from bridge.sandbox.rules.write_transaction import Save

_GENERAL = 1
_HOURS_OF_A_DAY = 24
_PARENTS = ("TicketID", "TaskID", "InternalAllocationCodeID")

_SEVERAL_PARENTS = (
    "Only one of TicketID,TaskID and InternallAllocationCodeID can be used at once"
)
_NO_TASK = "This TaskID does not reference a valid Task"
_NO_ROLE = "TimeEntries for Tickets must have a RoleID"
_WRONG_ROLE = "This RoleID is not valid for this Task and Resource"
_NO_HOURS = "Must have at least one of HoursWorked or StartDateTime/EndDateTime"
_NO_TIMES = "TimeEntries for Service tickets require a start and stop time."
_NO_DAY = "DateWorked is required when no value is supplied for StartDateTime"
_WRONG_HOURS = "HoursWorked greater than 24 hours or less than zero hours"
_WRONG_CODE = "The given allocation code is not an active general allocation code"
_NOT_OWN = "You do not have permission to delete time entries that you did not create"
_SHOWN = "User not authorized to change Show On Invoice values for Ticket time entries"


def validate_time_entry(save: Save, draft: Draft) -> None:
    """Add the faults of a time entry."""
    if sum(draft.get(name) is not None for name in _PARENTS) > 1:
        draft.save_faults.append(_SEVERAL_PARENTS)
    _reword(draft, "TaskID", "Task", _NO_TASK)
    _validate_role(save, draft)
    _validate_times(save, draft)
    _validate_code(save, draft)
    acts = save.impersonator is not None and not draft.is_new
    if acts and draft.changed("ShowOnInvoice") and draft.get("TicketID") is not None:
        draft.save_faults.append(_SHOWN)


def _reword(draft: Draft, field: str, entity: str, text: str) -> None:
    """Put an entity's own text in place of the usual one about a reference."""
    usual = errors.bad_reference(field, entity)
    if usual in draft.check_faults:
        draft.check_faults.remove(usual)
        draft.save_faults.append(text)


def _validate_role(save: Save, draft: Draft) -> None:
    """A ticket's entry names a role; a task's entry one that the resource has."""
    role, resource = draft.get("RoleID"), draft.get("ResourceID")
    if draft.get("TicketID") is not None and role is None:
        draft.save_faults.append(_NO_ROLE)
    if draft.get("TaskID") is None or role is None or resource is None:
        return
    if draft.changed("RoleID", "ResourceID") and not has_role(save, resource, role):
        draft.save_faults.append(_WRONG_ROLE)


def _validate_times(save: Save, draft: Draft) -> None:
    """Hours or both times, a day, and both times where the contract requires them.

    Unverified: that the contract's setting is what makes times required, the entry's
    own contract or the ticket's.
    """
    start, hours = draft.get("StartDateTime"), draft.get("HoursWorked")
    timed = start is not None and draft.get("EndDateTime") is not None
    if not timed and hours is None:
        draft.save_faults.append(_NO_HOURS)
    elif not timed and _needs_times(save, draft):
        draft.save_faults.append(_NO_TIMES)
    if start is None and draft.get("DateWorked") is None:
        draft.save_faults.append(_NO_DAY)
    if hours is not None and not 0 <= float(hours) <= _HOURS_OF_A_DAY:
        draft.save_faults.append(_WRONG_HOURS)


def _needs_times(save: Save, draft: Draft) -> bool:
    ticket = draft.get("TicketID")
    if ticket is None:
        return False
    contract = draft.get("ContractID")
    if contract is None:
        contract = save.read("Ticket", ticket).get(quoted("ContractID"))
    setting = quoted("TimeReportingRequiresStartAndStopTimes")
    return bool(save.read("Contract", contract).get(setting))


def _validate_code(save: Save, draft: Draft) -> None:
    """The work type is an active general code."""
    _reword(draft, "AllocationCodeID", "AllocationCode", _WRONG_CODE)
    code = draft.get("AllocationCodeID")
    if not draft.changed("AllocationCodeID"):
        return
    use = save.read("AllocationCode", code).get(quoted("UseType"))
    if use is not None and use != _GENERAL and _WRONG_CODE not in draft.save_faults:
        draft.save_faults.append(_WRONG_CODE)


def refuse_foreign_entry(save: Save, record_id: int) -> str | None:
    """Return why a time entry cannot be deleted: somebody else made it.

    Unverified: one whose author is not known can be.
    """
    creator: Stored | None = save.read("TimeEntry", record_id).get(
        quoted("CreatorUserID")
    )
    return None if creator in {None, save.actor} else _NOT_OWN
