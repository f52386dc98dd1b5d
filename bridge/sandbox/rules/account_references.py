"""Records of one account: what a record refers to must belong to its own account.

A reference to a record that is missing or inactive is refused by `checks`; one to a
record of another account is refused here, with another text. Both the reference and the
account can be what changed: a record that is moved is validated with what it keeps.
Source: SOAP help, AccountToDo, AccountNote, TicketAdditionalContact; clients of the
vendor's other API for opportunities, quotes, tickets and the texts. Nothing is known of
service calls, configuration items, or the contracts and products of a ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox import errors
from bridge.sandbox.data import database
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules import stamps
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

MAX_ADDITIONAL_CONTACTS = 30
"""For a ticket. Source: SOAP help, TicketAdditionalContact. Unverified: the text."""

_TOO_MANY = (
    f"A ticket cannot have more than {MAX_ADDITIONAL_CONTACTS} additional contacts."
)
_ADDITIONAL = "TicketAdditionalContact"


@dataclass(frozen=True, slots=True)
class _Reference:
    """A field that names a record of the same account, or of its parent where so."""

    field: str
    entity: str
    or_parent: bool = False


_CONTACT = _Reference("ContactID", "Contact", or_parent=True)
_OWN_CONTACT = _Reference("ContactID", "Contact")
_REFERENCES: Mapping[str, tuple[_Reference, ...]] = {
    "AccountNote": (_CONTACT, _Reference("OpportunityID", "Opportunity")),
    "AccountToDo": (
        _CONTACT,
        _Reference("ContractID", "Contract"),
        _Reference("OpportunityID", "Opportunity"),
        _Reference("TicketID", "Ticket"),
    ),
    "Opportunity": (_CONTACT,),
    "Quote": (_CONTACT,),
    # Unverified: not of the parent's either, of which no source speaks here.
    "Ticket": (_OWN_CONTACT,),
    _ADDITIONAL: (_OWN_CONTACT,),
}
_VIA: Mapping[str, tuple[str, str]] = {
    "Quote": ("OpportunityID", "Opportunity"),
    _ADDITIONAL: ("TicketID", "Ticket"),
}
"""What gives an entity its account when it names none itself. Unverified for quotes."""


def validate(save: Save, draft: Draft) -> None:
    """Refuse references to records of other accounts, where the account matters."""
    entity = draft.table.entity.name
    for reference in _REFERENCES.get(entity, ()):
        _validate_reference(save, draft, reference)
    if entity == "Ticket":
        _validate_location(save, draft)
    if entity == _ADDITIONAL:
        _validate_number(save, draft)


def _validate_reference(save: Save, draft: Draft, reference: _Reference) -> None:
    target, account = draft.get(reference.field), _account(save, draft)
    via, _ = _VIA.get(draft.table.entity.name, ("AccountID", ""))
    refused = errors.bad_reference(reference.field, reference.entity)
    if target is None or account is None or refused in draft.check_faults:
        return
    if not draft.changed("AccountID", via, reference.field):
        return
    owner = save.read(reference.entity, target).get(quoted("AccountID"))
    parent = save.read("Account", account).get(quoted("ParentAccountID"))
    allowed = {account, parent} if reference.or_parent else {account}
    if owner is not None and owner not in allowed:
        draft.save_faults.append(errors.unfit_reference(reference.field))


def _account(save: Save, draft: Draft) -> Stored | None:
    via, entity = _VIA.get(draft.table.entity.name, ("", ""))
    own = draft.get("AccountID")
    if own is not None or not via:
        return own
    return save.read(entity, draft.get(via)).get(quoted("AccountID"))


def _validate_location(save: Save, draft: Draft) -> None:
    """The site is exactly the account's, also when nothing about it changes.

    Source: clients of the vendor's other API, which could not save such tickets at all.
    """
    location = draft.get("AccountPhysicalLocationID")
    owner = save.read("AccountPhysicalLocation", location).get(quoted("AccountID"))
    if owner is not None and owner != draft.get("AccountID"):
        draft.save_faults.append(
            f"The AccountPhysicalLocationID[{location}] cannot be associated with the "
            "Ticket. The Ticket and AccountPhysicalLocation must have the same "
            "AccountID."
        )


def _validate_number(save: Save, draft: Draft) -> None:
    ticket = draft.get("TicketID")
    if ticket is not None:
        known = save.count(_ADDITIONAL, '"TicketID" = ?', ticket)
        if known >= MAX_ADDITIONAL_CONTACTS:
            draft.save_faults.append(_TOO_MANY)


def after_ticket(save: Save, draft: Draft, record_id: int) -> None:
    """The contact of a ticket is none of its additional contacts any more.

    Source: SOAP help, TicketAdditionalContact.
    """
    contact = draft.get("ContactID")
    if draft.is_new or contact is None or contact == draft.was("ContactID"):
        return
    table = save.schema.tables[_ADDITIONAL]
    same = '"TicketID" = ? AND "ContactID" = ?'
    for found, _ in database.select(
        save.connection, table, same, (record_id, contact), -1
    ):
        database.delete(save.connection, table, found)


def after_additional_contact(save: Save, draft: Draft, _record_id: int) -> None:
    """An additional contact that is the ticket's own leaves the ticket without one.

    Source: SOAP help, TicketAdditionalContact. Unverified: that it shows as activity.
    """
    tickets, ticket = save.schema.tables["Ticket"], draft.get("TicketID")
    row = save.read("Ticket", ticket)
    contact = draft.get("ContactID")
    if ticket is None or row.get(quoted("ContactID")) != contact:
        return
    changed = {**row, **stamps.touches(save, tickets), quoted("ContactID"): None}
    database.replace(save.connection, tickets, int(ticket), changed)
