"""Rules of tickets and their additional contacts.

Source: SOAP contract notes, sections 14.3 and 18; SOAP help, TicketAdditionalContact.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules import stamps, work
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import after_save, completes, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

# Of a ticket. Source: SOAP help, TicketAdditionalContact. Unverified: the text.
MAX_ADDITIONAL_CONTACTS = 30

_ADDITIONAL = "TicketAdditionalContact"
_UNASSIGNED = (
    "Data violation: AssignedResourceID, AssignedResourceRoleID, and QueueID cannot "
    "all be empty. Supply a QueueID or both a AssignedResourceID and "
    "AssignedResourceRoleID.."
)
# Source: a client of the vendor's other API.
_WRONG_ROLE = (
    "The specified AssignedResourceID and AssignedRoleID combination is not currently "
    "defined"
)


@validates("Ticket")
@rule("Ticket", "queue or resource with role, and a due date", source="rest")
def validate_ticket(write: WriteTransaction, draft: Draft) -> None:
    """Require a due date, and a queue or a resource with one of its roles.

    A new ticket may have got the date from its category before. Unverified: the text
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
            draft.save_faults.append(_UNASSIGNED)
        return
    if resource is None or role is None:
        draft.save_faults.append(work.INCOMPLETE_ASSIGNMENT)
        return
    if not draft.changed("AssignedResourceID", "AssignedResourceRoleID"):
        return
    # A role that does not exist has been reported as a bad reference already.
    fault = errors.BAD_REFERENCE.format("AssignedResourceRoleID", "Role")
    if fault not in draft.check_faults and not work.has_role(write, resource, role):
        draft.save_faults.append(_WRONG_ROLE)
    if not draft.is_new and write.exists(
        "TicketSecondaryResource",
        '"TicketID" = ? AND "ResourceID" = ?',
        draft.submission.record_id,
        resource,
    ):
        draft.save_faults.append(
            "A secondary resource cannot be the primary resource of a ticket."
        )


@completes("Ticket")
def complete_ticket(write: WriteTransaction, draft: Draft) -> None:
    """Number a new ticket in the series of tasks; date its completion.

    Source: SOAP help, Ticket.
    """
    if draft.is_new and not draft.get("TicketNumber"):
        draft.put("TicketNumber", work.next_number(write, "T"))
    work.date_completion(write, draft, "CompletedDate")


@after_save("Ticket")
def remove_from_additional(
    write: WriteTransaction, draft: Draft, record_id: int
) -> None:
    """Remove the new contact of a ticket from its additional contacts."""
    contact = draft.get("ContactID")
    if not draft.is_new and contact is not None and draft.changed("ContactID"):
        same = '"TicketID" = ? AND "ContactID" = ?'
        write.delete(_ADDITIONAL, same, record_id, contact)


@validates(_ADDITIONAL)
@rule(
    "TicketAdditionalContact",
    "30 for a ticket, of its account, none of them its own contact",
    source="help",
)
def validate_number(write: WriteTransaction, draft: Draft) -> None:
    """Refuse one more than a ticket can have."""
    found = write.find(_ADDITIONAL, '"TicketID" = ?', draft.get("TicketID") or 0)
    if len(found) >= MAX_ADDITIONAL_CONTACTS:
        draft.save_faults.append(
            f"A ticket cannot have more than {MAX_ADDITIONAL_CONTACTS} additional "
            "contacts."
        )


@after_save(_ADDITIONAL)
def remove_from_ticket(write: WriteTransaction, draft: Draft, _record_id: int) -> None:
    """Clear the contact of a ticket that is saved as an additional one.

    Unverified: that the ticket's activity dates move.
    """
    ticket, contact = draft.get("TicketID"), draft.get("ContactID")
    row = write.read("Ticket", ticket)
    if ticket is not None and row.get(quoted("ContactID")) == contact:
        dates = stamps.of_edit(write, write.schema.tables["Ticket"])
        write.change("Ticket", int(ticket), {**dates, quoted("ContactID"): None})
