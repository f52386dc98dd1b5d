"""Rules of time entries: their parent, their times, and who may change them.

Source: texts seen by a client of the vendor's other API, with the field names of this
one. Unverified: that all of them are save errors.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import refuses_delete, validates
from bridge.sandbox.rules.work import has_role
from bridge.sandbox.rules.write_transaction import WriteTransaction

_GENERAL = 1
_MAX_HOURS = 24
_PARENTS = ("TicketID", "TaskID", "InternalAllocationCodeID")

_WRONG_CODE = "The given allocation code is not an active general allocation code"


@validates("TimeEntry")
@rule("TimeEntry", "parent, role, hours, day and work type", source="rest")
def validate_time_entry(write: WriteTransaction, draft: Draft) -> None:
    """Validate parents, role, times, work type and the invoice flag."""
    if sum(draft.get(name) is not None for name in _PARENTS) > 1:
        draft.save_faults.append(
            "Only one of TicketID,TaskID and InternallAllocationCodeID can be used "
            "at once"
        )
    _reword(draft, "TaskID", "Task", "This TaskID does not reference a valid Task")
    _validate_role(write, draft)
    _validate_times(write, draft)
    _validate_code(write, draft)
    impersonates = write.impersonator is not None and not draft.is_new
    if (
        impersonates
        and draft.changed("ShowOnInvoice")
        and draft.get("TicketID") is not None
    ):
        draft.save_faults.append(
            "User not authorized to change Show On Invoice values for Ticket time "
            "entries"
        )


def _reword(draft: Draft, field: str, entity: str, text: str) -> None:
    """Replace the usual fault about a reference by the entity's own text."""
    usual = errors.BAD_REFERENCE.format(field, entity)
    if usual in draft.check_faults:
        draft.check_faults.remove(usual)
        draft.save_faults.append(text)


def _validate_role(write: WriteTransaction, draft: Draft) -> None:
    """Require a role of a ticket's entry, and a role of the resource of a task's."""
    role, resource = draft.get("RoleID"), draft.get("ResourceID")
    if draft.get("TicketID") is not None and role is None:
        draft.save_faults.append("TimeEntries for Tickets must have a RoleID")
    if draft.get("TaskID") is None or role is None or resource is None:
        return
    if draft.changed("RoleID", "ResourceID") and not has_role(write, resource, role):
        draft.save_faults.append("This RoleID is not valid for this Task and Resource")


def _validate_times(write: WriteTransaction, draft: Draft) -> None:
    """Hours or both times, a day, and both times where the contract requires them.

    Unverified: that the contract's setting is what makes times required, the entry's
    own contract or the ticket's.
    """
    start, hours = draft.get("StartDateTime"), draft.get("HoursWorked")
    timed = start is not None and draft.get("EndDateTime") is not None
    if not timed and hours is None:
        draft.save_faults.append(
            "Must have at least one of HoursWorked or StartDateTime/EndDateTime"
        )
    elif not timed and _needs_times(write, draft):
        draft.save_faults.append(
            "TimeEntries for Service tickets require a start and stop time."
        )
    if start is None and draft.get("DateWorked") is None:
        draft.save_faults.append(
            "DateWorked is required when no value is supplied for StartDateTime"
        )
    if hours is not None and not 0 <= float(hours) <= _MAX_HOURS:
        draft.save_faults.append(
            "HoursWorked greater than 24 hours or less than zero hours"
        )


def _needs_times(write: WriteTransaction, draft: Draft) -> bool:
    ticket = draft.get("TicketID")
    if ticket is None:
        return False
    contract = draft.get("ContractID")
    if contract is None:
        contract = write.read("Ticket", ticket).get(quoted("ContractID"))
    setting = quoted("TimeReportingRequiresStartAndStopTimes")
    return bool(write.read("Contract", contract).get(setting))


def _validate_code(write: WriteTransaction, draft: Draft) -> None:
    """Require a work type that is an active general code."""
    _reword(draft, "AllocationCodeID", "AllocationCode", _WRONG_CODE)
    code = draft.get("AllocationCodeID")
    if not draft.changed("AllocationCodeID"):
        return
    use = write.read("AllocationCode", code).get(quoted("UseType"))
    if use is not None and use != _GENERAL and _WRONG_CODE not in draft.save_faults:
        draft.save_faults.append(_WRONG_CODE)


@refuses_delete("TimeEntry")
@rule(
    "TimeEntry",
    "deleted by its creator only; an impersonating user cannot change what invoices "
    "show",
    source="rest",
)
def refuse_foreign_entry(write: WriteTransaction, record_id: int) -> str | None:
    """Keep a time entry that another resource created.

    Unverified: one whose creator is not known can be deleted.
    """
    creator = write.read("TimeEntry", record_id).get(quoted("CreatorUserID"))
    return (
        None
        if creator in {None, write.actor}
        else "You do not have permission to delete time entries that you did not create"
    )
