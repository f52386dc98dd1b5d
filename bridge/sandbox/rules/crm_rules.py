"""Rules of sales records: what they refer to, their dates, and what cannot be deleted.

Source: SOAP contract notes, section 18. Texts that are not in section 14 are
Unverified.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.population import API_USER
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.rules.effects import CONTACT_HISTORY
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_PAST = frozenset({2, 3, 4})  # lost, closed, implemented
_HOLDING_NO_CONTACT = CONTACT_HISTORY | {"ContactGroupContact"}


def judge_note(save: Save, draft: Draft) -> None:
    """The opportunity of a note is active.

    Source: SOAP help, AccountNote. Unverified: active means neither lost nor closed nor
    implemented.
    """
    opportunity = draft.get("OpportunityID")
    if opportunity == draft.was("OpportunityID"):
        return
    if save.read("Opportunity", opportunity).get(quoted("Status")) in _PAST:
        fault = errors.bad_reference("OpportunityID", "Opportunity")
        draft.check_faults.append(fault)


def validate_opportunity(_save: Save, draft: Draft) -> None:
    """An opportunity is not expected to close before it begins.

    Source: a description of the vendor's other API. Unverified: the text.
    """
    dates = ("CreateDate", "ProjectedCloseDate")
    begins, closes = (draft.get(name) for name in dates)
    if begins is None or closes is None or not draft.changed(*dates):
        return
    if str(closes) < str(begins):
        draft.save_faults.append("ProjectedCloseDate must not be before CreateDate.")


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
