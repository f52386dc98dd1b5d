"""What a record refers to must belong to its own account.

A reference to a record that is missing or inactive is refused by `field_validation`;
one to a record of another account is refused here, with another text. Both the
reference and the account can be what changed.
Source: SOAP help, AccountToDo, AccountNote, TicketAdditionalContact; clients of the
vendor's other API for opportunities, quotes, tickets and the texts. Nothing is known of
service calls, configuration items, or the contracts and products of a ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import validates
from bridge.sandbox.rules.write_transaction import WriteTransaction


@dataclass(frozen=True, slots=True)
class _Reference:
    """A field that refers to a record of the same account, or of its parent."""

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
    # Unverified: not of the parent account either; no source mentions it here.
    "Ticket": (_OWN_CONTACT,),
    "TicketAdditionalContact": (_OWN_CONTACT,),
}
# The reference that leads to the account of entities that may not name it themselves.
# Unverified for quotes.
_ACCOUNT_OF: Mapping[str, tuple[str, str]] = {
    "Quote": ("OpportunityID", "Opportunity"),
    "TicketAdditionalContact": ("TicketID", "Ticket"),
}


@validates(*_REFERENCES)
@rule(
    "Write",
    "What notes and to-dos refer to belongs to their account, a contact to it or its "
    "parent",
    source="help",
)
@rule(
    "Write",
    "Contacts of opportunities, quotes and tickets too, also when only the account "
    "changes",
    source="rest",
)
@rule(
    "Write",
    "A reference to another account's record has another text than one to none",
    source="rest",
)
def validate(write: WriteTransaction, draft: Draft) -> None:
    """Refuse references to records of other accounts, where the account matters."""
    account, via = _account(write, draft)
    if account is None:
        return
    for reference in _REFERENCES[draft.table.entity.name]:
        target = draft.get(reference.field)
        bad = errors.BAD_REFERENCE.format(reference.field, reference.entity)
        if target is None or bad in draft.check_faults:
            continue
        if draft.changed("AccountID", via, reference.field):
            owner = write.read(reference.entity, target).get(quoted("AccountID"))
            parent = write.read("Account", account).get(quoted("ParentAccountID"))
            allowed = {account, parent} if reference.or_parent else {account}
            if owner is not None and owner not in allowed:
                draft.save_faults.append(errors.UNFIT_REFERENCE.format(reference.field))


def _account(write: WriteTransaction, draft: Draft) -> tuple[Stored | None, str]:
    """Return the account of a record, and the field that it was found by."""
    via, entity = _ACCOUNT_OF.get(draft.table.entity.name, ("AccountID", ""))
    own = draft.get("AccountID")
    if own is not None or not entity:
        return own, via
    return write.read(entity, draft.get(via)).get(quoted("AccountID")), via


@validates("Ticket")
@rule("Ticket", "its location is of exactly its account, at every save", source="rest")
def validate_location(write: WriteTransaction, draft: Draft) -> None:
    """Require a location of the account, also when nothing about it changes.

    Source: clients of the vendor's other API, which could not save such tickets at all.
    """
    location = draft.get("AccountPhysicalLocationID")
    owner = write.read("AccountPhysicalLocation", location).get(quoted("AccountID"))
    if owner is not None and owner != draft.get("AccountID"):
        draft.save_faults.append(
            f"The AccountPhysicalLocationID[{location}] cannot be associated with the "
            "Ticket. The Ticket and AccountPhysicalLocation must have the same "
            "AccountID."
        )
