"""Rules of contracts: how long they run, and whom their contact's name means.

Source: SOAP contract notes, sections 10 and 14.3.
"""

from __future__ import annotations

from bridge.sandbox.data import database
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_WRONG_END = "Contract EndDate must be after StartDate."
_UNKNOWN_CONTACT = "Contact-Old"
"""The UDF that keeps a name which is no contact's."""
_FULL_NAME = '"FirstName" || \' \' || "LastName"'


def judge_contract(_save: Save, draft: Draft) -> None:
    """A contract ends after it starts. Unverified: not on the same day either."""
    start, end = draft.get("StartDate"), draft.get("EndDate")
    if start is not None and end is not None and str(end) <= str(start):
        draft.save_faults.append(_WRONG_END)


def name_contact(save: Save, draft: Draft) -> None:
    """Find the active contact that a new ContactName means, else keep it in a UDF.

    Source: SOAP help, Contract. Unverified: first and last name of a contact of the
    contract's account; a ContactID that is given too has the last word; a name goes to
    the UDF alone, and stays where it is without that UDF.
    """
    name = str(draft.get("ContactName") or "").strip()
    if not name or draft.get("ContactName") == draft.was("ContactName"):
        return
    contacts = save.schema.tables["Contact"]
    named = f'"AccountID" = ? AND "Active" = 1 AND ({_FULL_NAME}) = ? COLLATE SERVICE'
    account = draft.get("AccountID") or 0
    found = database.select(save.connection, contacts, named, (account, name), 1)
    unknown = draft.table.udf(_UNKNOWN_CONTACT)
    if found:
        contact_id, _ = found[0]
        row = save.read("Contact", contact_id)
        full = f"{row[quoted('FirstName')]} {row[quoted('LastName')]}"
        draft.put("ContactName", full)
        if draft.get("ContactID") in {None, draft.was("ContactID")}:
            draft.put("ContactID", contact_id)
    elif unknown is not None:
        draft.stored[unknown.sql] = unknown.kind.read(name)
        draft.put("ContactName", "" if draft.was("ContactName") else None)
