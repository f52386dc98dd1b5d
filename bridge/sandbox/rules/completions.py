"""What the vendor itself sets when it saves a record, and what else saving changes.

Each part cites its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.sandbox.data import database, udfs
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.rules import (
    account_references,
    contract,
    effects,
    opportunity,
    stamps,
    udf_definition,
)
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_STANDARD = 1


def complete(save: Save, draft: Draft) -> None:
    """Fill what the system itself sets: stamps, authors, numbers, copies."""
    stamps.stamp(save, draft)
    completion = _COMPLETIONS.get(draft.table.entity.name)
    if completion is not None and draft.is_new:
        completion(save, draft)
    for follow in _FOLLOWED.get(draft.table.entity.name, ()):
        follow(save, draft)


def after_save(save: Save, draft: Draft, record_id: int) -> None:
    """Do what saving a record does to other records."""
    effect = _EFFECTS.get(draft.table.entity.name)
    if effect is not None:
        effect(save, draft, record_id)


def after_delete(
    save: Save, entity: str, record_id: int, before: Mapping[str, Stored | None]
) -> None:
    """Do what deleting a record, given as it was, does to others."""
    quote = before.get(quoted("QuoteID"))
    if entity == "QuoteItem" and isinstance(quote, int):
        opportunity.refresh_quote(save, quote)
    parting = _PARTINGS.get(entity)
    if parting is not None:
        parting(save, record_id)


_BILL_TO_COPIES = {
    "BillToAddress1": "Address1",
    "BillToAddress2": "Address2",
    "BillToCity": "City",
    "BillToState": "State",
    "BillToZipCode": "PostalCode",
    "BillToCountryID": "CountryID",
    "BillToAdditionalAddressInformation": "AdditionalAddressInformation",
}


def _complete_account(_save: Save, draft: Draft) -> None:
    """Bill to the account's own address. Source: SOAP help, Account."""
    draft.put("BillToAddressToUse", 1)
    for target, source in _BILL_TO_COPIES.items():
        draft.put(target, draft.get(source))


def _after_account(save: Save, draft: Draft, record_id: int) -> None:
    """A new account gets its site records.

    Source: SOAP help, AccountLocation. Unverified: AccountPhysicalLocation, its name.
    """
    if not draft.is_new:
        return
    _insert(save, "AccountLocation", {"AccountID": record_id})
    _insert(
        save,
        "AccountPhysicalLocation",
        {
            "AccountID": record_id,
            "Name": "Primary Location",
            "Active": 1,
            "Primary": 1,
            **{
                name: draft.get(name)
                for name in (
                    "Address1",
                    "Address2",
                    "City",
                    "State",
                    "PostalCode",
                    "CountryID",
                    "Phone",
                )
            },
        },
    )


def _insert(save: Save, entity: str, row: Mapping[str, Stored | None]) -> None:
    table = save.schema.find(entity)
    if table is not None:
        stored = {column.sql: column.default for column in table.udfs}
        stored |= {quoted(name): value for name, value in row.items()}
        record_id = database.issue_id(save.connection, save.schema.ci)
        database.insert(save.connection, table, record_id, stored)


def _after_contact(save: Save, draft: Draft, record_id: int) -> None:
    """An account has one primary contact: the latest. Source: SOAP help, Contact."""
    if draft.get("PrimaryContact"):
        save.keep_flag_of("Contact", "PrimaryContact", "AccountID", record_id)


_TASK_ZEROS = ("EstimatedHours", "HoursToBeScheduled", "Priority", "RemainingHours")


def _complete_task(save: Save, draft: Draft) -> None:
    """Number a new task and zero its hours. Source: soap-samples 22."""
    draft.put("TaskNumber", _number(save, "T"))
    for name in _TASK_ZEROS:
        if draft.get(name) is None:
            draft.put(name, 0)


def _complete_project(save: Save, draft: Draft) -> None:
    """Number a new project. Source: SOAP help, Task and Project."""
    draft.put("ProjectNumber", _number(save, "P"))


def _complete_ticket(save: Save, draft: Draft) -> None:
    """Number a new ticket in the series of tasks. Source: SOAP help, Ticket."""
    if not draft.get("TicketNumber"):
        draft.put("TicketNumber", _number(save, "T"))


def _number(save: Save, letter: str) -> str:
    day = letter + save.moment[:10].replace("-", "")
    return f"{day}.{database.issue(save.connection, save.schema.ci, day):04d}"


def _complete_product(_save: Save, draft: Draft) -> None:
    """Standard billing and price method. Source: SOAP help, Product."""
    draft.put("BillingType", _STANDARD)
    draft.put("PriceCostMethod", _STANDARD)


_COMPLETIONS: Mapping[str, Callable[[Save, Draft], None]] = {
    "Account": _complete_account,
    "Task": _complete_task,
    "Project": _complete_project,
    "Ticket": _complete_ticket,
    "Product": _complete_product,
}
_FOLLOWED: Mapping[str, tuple[Callable[[Save, Draft], None], ...]] = {
    "Contract": (contract.name_contact,),
    "Opportunity": (opportunity.follow_quote,),
    "SalesOrder": (effects.name_countries,),
    "Task": (effects.mark_task,),
    "Ticket": (effects.mark_ticket,),
}
"""What is seen to at every save, new or not."""
_EFFECTS: Mapping[str, Callable[[Save, Draft, int], None]] = {
    "Account": _after_account,
    "AccountPhysicalLocation": effects.after_location,
    "AccountToDo": effects.after_to_do,
    "Contact": _after_contact,
    "Project": effects.after_project,
    "Quote": opportunity.after_quote,
    "QuoteItem": opportunity.after_item,
    "Ticket": account_references.after_ticket,
    "TicketAdditionalContact": account_references.after_additional_contact,
    udfs.DEFINITION: udf_definition.after_definition,
    udfs.LIST_ITEM: udf_definition.after_list_item,
}
_PARTINGS: Mapping[str, Callable[[Save, int], None]] = {
    "Contact": effects.forget_contact,
    "ContactGroup": effects.empty_group,
}
