"""Rules of accounts, their alerts, notes, to-dos and sites, and of action types.

Source: SOAP contract notes, section 18. Unverified: texts that section 14 lacks.
"""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import (
    after_save,
    completes,
    refuses_delete,
    validates,
)
from bridge.sandbox.rules.write_transaction import WriteTransaction

_SITE = "AccountPhysicalLocation"
_VENDOR = 7
_FINAL_STATUSES = frozenset({2, 3, 4})  # lost, closed, implemented
_BILL_TO_COPIES = {
    "BillToAddress1": "Address1",
    "BillToAddress2": "Address2",
    "BillToCity": "City",
    "BillToState": "State",
    "BillToZipCode": "PostalCode",
    "BillToCountryID": "CountryID",
    "BillToAdditionalAddressInformation": "AdditionalAddressInformation",
}
_SITE_COPIES = (
    "Address1",
    "Address2",
    "City",
    "State",
    "PostalCode",
    "CountryID",
    "Phone",
)
_NOTE_FROM_TO_DO = {
    "AccountID": "AccountID",
    "ContactID": "ContactID",
    "OpportunityID": "OpportunityID",
    "AssignedResourceID": "AssignedToResourceID",
    "ActionType": "ActionType",
    "StartDateTime": "StartDateTime",
    "EndDateTime": "EndDateTime",
    "CompletedDateTime": "CompletedDate",
    "Note": "ActivityDescription",
}


@validates("Account")
@rule(
    "Account",
    "the type is fixed under Taskfire, and for vendors of services",
    source="help",
)
def validate_account(write: WriteTransaction, draft: Draft) -> None:
    """Refuse to change a fixed type. Unverified: the texts."""
    if draft.is_new or not draft.changed("AccountType"):
        return
    if draft.was("TaskFireActive"):
        draft.save_faults.append(
            "AccountType cannot be changed while TaskFireActive is true."
        )
    if draft.was("AccountType") == _VENDOR and write.exists(
        "Service", '"VendorAccountID" = ?', draft.submission.record_id
    ):
        draft.save_faults.append(
            "AccountType cannot be changed while services refer to this vendor."
        )


@completes("Account")
def copy_billing_address(_write: WriteTransaction, draft: Draft) -> None:
    """Bill a new account to its own address. Source: SOAP help, Account."""
    if draft.is_new:
        draft.put("BillToAddressToUse", 1)
        for target, source in _BILL_TO_COPIES.items():
            draft.put(target, draft.get(source))


@after_save("Account")
@rule(
    "Account",
    "new ones get their sites and are billed to their own address",
    source="help",
)
def add_sites(write: WriteTransaction, draft: Draft, record_id: int) -> None:
    """Add the site records of a new account.

    Source: SOAP help, AccountLocation. Unverified: AccountPhysicalLocation, its name.
    """
    if draft.is_new:
        write.insert("AccountLocation", {"AccountID": record_id})
        site = {name: draft.get(name) for name in _SITE_COPIES}
        site |= {"AccountID": record_id, "Name": "Primary Location"}
        write.insert(_SITE, {**site, "Active": 1, "Primary": 1})


@after_save(_SITE)
@rule(
    "AccountPhysicalLocation",
    "exactly one of an account is primary and cannot be deleted",
    source="help",
)
def keep_one_primary_site(
    write: WriteTransaction, draft: Draft, record_id: int
) -> None:
    """Make the latest site that is sent as primary the only one of its account.

    Unverified: the first one becomes primary by itself, and an only one stays primary.
    """
    primary = '"Primary" = 1 AND "AccountID" = ?'
    if draft.get("Primary"):
        write.clear_other_flags(_SITE, "Primary", "AccountID", record_id)
    elif not write.exists(_SITE, primary, draft.get("AccountID") or 0):
        write.change(_SITE, record_id, {quoted("Primary"): 1})


@refuses_delete(_SITE)
def refuse_primary_site(write: WriteTransaction, record_id: int) -> str | None:
    """Keep the primary site. Source: SOAP help. Unverified: the text."""
    if write.read(_SITE, record_id).get(quoted("Primary")):
        return "The primary location cannot be deleted."
    return None


@validates("AccountAlert")
@rule("AccountAlert", "one of a type for an account", source="help")
def validate_alert(write: WriteTransaction, draft: Draft) -> None:
    """Refuse a second alert of a type. Source: SOAP help, AccountAlert, 2021.3."""
    if draft.is_new and write.exists(
        "AccountAlert",
        '"AccountID" = ? AND "AlertTypeID" = ?',
        draft.get("AccountID") or 0,
        draft.get("AlertTypeID") or 0,
    ):
        draft.save_faults.append(
            "An alert of this type already exists for the account."
        )


@validates("AccountNote")
def validate_note(write: WriteTransaction, draft: Draft) -> None:
    """Refuse a note of an opportunity that is not active.

    Source: SOAP help, AccountNote. Unverified: active means neither lost nor closed nor
    implemented.
    """
    opportunity = draft.get("OpportunityID")
    if not draft.changed("OpportunityID"):
        return
    if write.read("Opportunity", opportunity).get(quoted("Status")) in _FINAL_STATUSES:
        fault = errors.BAD_REFERENCE.format("OpportunityID", "Opportunity")
        draft.check_faults.append(fault)


@after_save("AccountToDo")
@rule("AccountToDo", "a completed one becomes a note", source="help")
def add_note_of_to_do(write: WriteTransaction, draft: Draft, _record_id: int) -> None:
    """Add a note when a to-do is completed. Unverified: as its own record, once."""
    if draft.get("CompletedDate") is None or draft.was("CompletedDate") is not None:
        return
    note = {name: draft.get(source) for name, source in _NOTE_FROM_TO_DO.items()}
    stamps = {"LastModifiedDate": write.moment, "CreateDateTime": write.moment}
    write.insert("AccountNote", {**note, **stamps})


@refuses_delete("ActionType")
@rule("ActionType", "those of the system cannot be deleted", source="help")
def refuse_system_type(write: WriteTransaction, record_id: int) -> str | None:
    """Keep the action types of the system."""
    if write.read("ActionType", record_id).get(quoted("SystemActionType")):
        return "A system action type cannot be deleted."
    return None
