"""Ticket categories: the defaults that a new ticket gets from its category.

The defaults of a category are a TicketCategoryFieldDefaults record, which lists fields
but no due date.
Source: SOAP contract notes, sections 8.3 and 18. Unverified: every category that has
such a record supplies a due date, the end of the next day; a ticket that names no
category has the default one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from bridge.sandbox.data import values
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.write_transaction import WriteTransaction
from bridge.sandbox.soap.submissions import Submission, Value

_DEFAULTS = "TicketCategoryFieldDefaults"
_CATEGORY = "TicketCategory"
# The fields of a ticket, and those of the defaults that they are filled from.
_FIELDS: Mapping[str, str] = {
    "AllocationCodeID": "WorkTypeID",
    "BusinessDivisionSubdivisionID": "BusinessDivisionSubdivisionID",
    "Description": "Description",
    "EstimatedHours": "EstimatedHours",
    "IssueType": "IssueTypeID",
    "Priority": "Priority",
    "PurchaseOrderNumber": "PurchaseOrderNumber",
    "QueueID": "QueueID",
    "Resolution": "Resolution",
    "ServiceLevelAgreementID": "ServiceLevelAgreementID",
    "Source": "SourceID",
    "Status": "Status",
    "SubIssueType": "SubIssueTypeID",
    "TicketType": "TicketTypeID",
    "Title": "Title",
}


@rule("Write", "Category defaults of tickets", source="help")
@rule("Ticket", "categories that supply the due date", source="help")
def with_defaults(write: WriteTransaction, submission: Submission) -> Submission:
    """Return a new record as sent, a ticket with the defaults of its category."""
    if submission.table.entity.name != "Ticket":
        return submission
    defaults = _defaults(write, submission)
    if "issuetype" in submission.values:
        defaults.pop("subissuetype", None)  # it belongs to the default issue type
    return replace(submission, values={**defaults, **submission.values})


def _defaults(write: WriteTransaction, submission: Submission) -> dict[str, Value]:
    category = _category(submission)
    same = '"TicketCategoryID" = ?'
    found = [] if category is None else write.find(_DEFAULTS, same, category, limit=1)
    if not found:
        return {}
    table, row = write.schema.tables[_DEFAULTS], write.read(_DEFAULTS, found[0])
    due = date.fromisoformat(write.moment[:10]) + timedelta(days=1)
    defaults = {"duedatetime": Value(f"{due}T17:00:00", typed=True)}
    for name, source in _FIELDS.items():
        column, stored = table.column(source), row.get(quoted(source))
        if column is not None and stored is not None:
            defaults[name.lower()] = Value(column.kind.write(stored), typed=True)
    return defaults


def _category(submission: Submission) -> int | None:
    column = submission.table.column(_CATEGORY)
    sent = submission.values.get(_CATEGORY.lower())
    try:
        if sent is not None:
            return int(values.INTEGER.read(sent.text))
        items = column.picklist if column is not None else ()
        return next((int(item.value) for item in items if item.is_default), None)
    except ValueError:
        return None
