"""Rules of contracts: how long they run, and the contact that they name.

Source: SOAP contract notes, sections 10 and 14.3.
"""

from __future__ import annotations

from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import completes, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_UNKNOWN_CONTACT_UDF = "Contact-Old"
_FULL_NAME = '"FirstName" || \' \' || "LastName"'


@validates("Contract")
@rule("Contract", "it ends after it starts", source="clients")
def validate_contract(_write: WriteTransaction, draft: Draft) -> None:
    """Refuse an end before the start. Unverified: on the same day neither."""
    start, end = draft.get("StartDate"), draft.get("EndDate")
    if start is not None and end is not None and str(end) <= str(start):
        draft.save_faults.append("Contract EndDate must be after StartDate.")


@completes("Contract")
@rule(
    "Contract",
    "ContactName finds a contact, or is stored in a user-defined field",
    source="help",
)
def resolve_contact_name(write: WriteTransaction, draft: Draft) -> None:
    """Find the active contact of a new ContactName, else store the name in a UDF.

    Unverified: first and last name of a contact of the contract's account; a ContactID
    that is sent too wins; a name is moved to the UDF, and stays where the UDF is
    missing.
    """
    name = str(draft.get("ContactName") or "").strip()
    if not name or not draft.changed("ContactName"):
        return
    same = f'"AccountID" = ? AND "Active" = 1 AND ({_FULL_NAME}) = ? COLLATE SERVICE'
    found = write.find("Contact", same, draft.get("AccountID") or 0, name, limit=1)
    unknown = draft.table.udf(_UNKNOWN_CONTACT_UDF)
    if found:
        row = write.read("Contact", found[0])
        full = f"{row[quoted('FirstName')]} {row[quoted('LastName')]}"
        draft.put("ContactName", full)
        if draft.get("ContactID") in {None, draft.was("ContactID")}:
            draft.put("ContactID", found[0])
    elif unknown is not None:
        draft.stored[unknown.sql] = unknown.kind.read(name)
        draft.put("ContactName", "" if draft.was("ContactName") else None)
