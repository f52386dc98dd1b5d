"""Ticket categories: what a new ticket gets from its own.

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

from bridge.sandbox.data import database, values
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.rules.write_transaction import Save
from bridge.sandbox.soap.submissions import Submission, Value

_DEFAULTS = "TicketCategoryFieldDefaults"
_CATEGORY = "TicketCategory"
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
"""The fields of a ticket, and those of the defaults that they are filled from."""


def filled(save: Save, submission: Submission) -> Submission:
    """Return a new record as sent, a ticket with the defaults of its category."""
    if submission.table.entity.name != "Ticket":
        return submission
    defaults = _defaults(save, submission)
    if "issuetype" in submission.values:
        defaults.pop("subissuetype", None)  # it would be another issue's
    return replace(submission, values={**defaults, **submission.values})


def _defaults(save: Save, submission: Submission) -> dict[str, Value]:
    table = save.schema.tables[_DEFAULTS]
    own = '"TicketCategoryID" = ?'
    category = _category(submission)
    if category is None:
        return {}
    found = database.select(save.connection, table, own, (category,), 1)
    if not found:
        return {}
    row = save.read(_DEFAULTS, found[0][0])
    defaults = {"duedatetime": Value(_due(save), typed=True)}
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


def _due(save: Save) -> str:
    day = date.fromisoformat(save.moment[:10]) + timedelta(days=1)
    return f"{day}T17:00:00"
