"""Rules of sales records: what belongs to one account, and what cannot be deleted.

Source: SOAP contract notes, section 18. Texts that are not in section 14 are
Unverified.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.checks import Draft
from bridge.sandbox.effects import CONTACT_HISTORY
from bridge.sandbox.population import API_USER
from bridge.sandbox.saving import Save
from bridge.sandbox.schema import quoted

_PAST = frozenset({2, 3, 4})  # lost, closed, implemented
_HOLDING_NO_CONTACT = CONTACT_HISTORY | {"ContactGroupContact"}


def judge_to_do(save: Save, draft: Draft) -> None:
    """All that a to-do refers to belongs to its account; the contact may to its parent.

    Source: SOAP help, AccountToDo.
    """
    _judge_contact(save, draft)
    for name, entity in (
        ("ContractID", "Contract"),
        ("OpportunityID", "Opportunity"),
        ("TicketID", "Ticket"),
    ):
        _judge_same_account(save, draft, name, entity)


def judge_note(save: Save, draft: Draft) -> None:
    """Contact and opportunity of a note belong to its account; the latter is active.

    Source: SOAP help, AccountNote. Unverified: active means neither lost nor closed nor
    implemented.
    """
    _judge_contact(save, draft)
    _judge_same_account(save, draft, "OpportunityID", "Opportunity")
    opportunity = draft.get("OpportunityID")
    if opportunity == draft.was("OpportunityID"):
        return
    if save.read("Opportunity", opportunity).get(quoted("Status")) in _PAST:
        fault = errors.bad_reference("OpportunityID", "Opportunity")
        draft.check_faults.append(fault)


def judge_alert(save: Save, draft: Draft) -> None:
    """One alert per account and type. Source: SOAP help, AccountAlert, 2021.3."""
    if draft.is_new and save.exists(
        "AccountAlert",
        '"AccountID" = ? AND "AlertTypeID" = ?',
        draft.get("AccountID") or 0,
        draft.get("AlertTypeID") or 0,
    ):
        draft.save_faults.append(
            "An alert of this type already exists for the account."
        )


def judge_sales_order(save: Save, draft: Draft) -> None:
    """The owner is no API user. Source: the rule on the vendor's other API."""
    owner = draft.get("OwnerResourceID")
    if owner == draft.was("OwnerResourceID"):
        return
    if save.read("Resource", owner).get(quoted("UserType")) == API_USER:
        fault = errors.bad_reference("OwnerResourceID", "Resource")
        draft.check_faults.append(fault)


def refuse_system_type(save: Save, record_id: int) -> str | None:
    """Return why an action type cannot be deleted. Source: SOAP help, ActionType."""
    if save.read("ActionType", record_id).get(quoted("SystemActionType")):
        return "A system action type cannot be deleted."
    return None


def refuse_primary_location(save: Save, record_id: int) -> str | None:
    """Return why a site cannot be deleted: an account has a primary one.

    Source: SOAP help, AccountPhysicalLocation. Unverified: the text.
    """
    if save.read("AccountPhysicalLocation", record_id).get(quoted("Primary")):
        return "The primary location cannot be deleted."
    return None


def refuse_contact_in_use(save: Save, record_id: int) -> str | None:
    """Return why a contact cannot be deleted.

    Source: SOAP help, Contact: who is on a ticket, receives invoices, wrote in the
    portal, installed an asset or is the primary contact stays. Unverified: the text;
    that any portal user counts, and whatever else refers to the contact as well, but
    for groups and history.
    """
    in_use = bool(save.read("Contact", record_id).get(quoted("PrimaryContact"))) or any(
        save.exists(table.entity.name, f"{column.sql} = ?", record_id)
        for table, column in save.schema.references("Contact")
        if table.entity.name not in _HOLDING_NO_CONTACT
    )
    return "The contact is in use and cannot be deleted." if in_use else None


def _judge_contact(save: Save, draft: Draft) -> None:
    account, contact = draft.get("AccountID"), draft.get("ContactID")
    if contact is None or account is None or not _changed(draft, "ContactID"):
        return
    owner = save.read("Contact", contact).get(quoted("AccountID"))
    parent = save.read("Account", account).get(quoted("ParentAccountID"))
    if owner is not None and owner not in {account, parent}:
        draft.check_faults.append(errors.bad_reference("ContactID", "Contact"))


def _judge_same_account(save: Save, draft: Draft, name: str, entity: str) -> None:
    target = draft.get(name)
    if target is None or not _changed(draft, name):
        return
    owner = save.read(entity, target).get(quoted("AccountID"))
    if owner is not None and owner != draft.get("AccountID"):
        draft.check_faults.append(errors.bad_reference(name, entity))


def _changed(draft: Draft, name: str) -> bool:
    """Tell whether a reference or the account is another than before."""
    return any(draft.get(field) != draft.was(field) for field in ("AccountID", name))
