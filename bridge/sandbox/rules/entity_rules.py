"""What single CRM entities demand of a record beyond their fields' flags.

Each rule cites its source; texts marked Unverified are worded after the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.sandbox import errors
from bridge.sandbox.data import udfs
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.rules import (
    account_references,
    contract,
    crm_rules,
    time_entry,
    udf_definition,
    work_rules,
)
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_VENDOR_ACCOUNT = 7
_MATERIAL_CODE = 4
_TASKFIRE_LEVELS = frozenset({4, 5})
_PASSWORD_LENGTHS = range(5, 51)


def judge(save: Save, draft: Draft) -> None:
    """Add the faults that an entity's own rules find in a draft."""
    rule = _RULES.get(draft.table.entity.name)
    if rule is not None:
        rule(save, draft)
    account_references.validate(save, draft)


def judge_delete(save: Save, entity: str, record_id: int) -> str | None:
    """Return why a record cannot be deleted, or None."""
    rule = _DELETE_RULES.get(entity)
    return None if rule is None else rule(save, record_id)


def _judge_account(save: Save, draft: Draft) -> None:
    """The type is fixed under Taskfire, and for vendors of services.

    Source: SOAP help, Account. Unverified: the texts.
    """
    if draft.is_new or draft.get("AccountType") == draft.was("AccountType"):
        return
    if draft.was("TaskFireActive"):
        draft.save_faults.append(
            "AccountType cannot be changed while TaskFireActive is true."
        )
    if draft.was("AccountType") == _VENDOR_ACCOUNT and save.exists(
        "Service", '"VendorAccountID" = ?', draft.submission.record_id
    ):
        draft.save_faults.append(
            "AccountType cannot be changed while services refer to this vendor."
        )


def _judge_portal_user(save: Save, draft: Draft) -> None:
    """One user per contact, unique names, passwords, Taskfire levels.

    Source: SOAP help, ClientPortalUser. Unverified: the texts but the password's.
    """
    contact, own_id = draft.get("ContactID"), draft.submission.record_id
    if draft.is_new and contact is not None:
        if save.exists("ClientPortalUser", '"ContactID" = ?', contact):
            draft.save_faults.append(
                f"A ClientPortalUser already exists for ContactID {contact}."
            )
        own_id = -1
    name = draft.get("UserName")
    if name and save.exists(
        "ClientPortalUser", '"UserName" = ? AND id <> ?', name, own_id
    ):
        draft.save_faults.append("UserName must be unique.")
    _judge_password(draft)
    if draft.get("SecurityLevel") in _TASKFIRE_LEVELS and contact is not None:
        account = save.read("Contact", contact).get(quoted("AccountID"))
        active = isinstance(account, int) and save.read("Account", account).get(
            quoted("TaskFireActive")
        )
        if not active:
            draft.save_faults.append(
                "SecurityLevel requires a contact with Taskfire access."
            )


def _judge_password(draft: Draft) -> None:
    password = draft.get("Password")
    if not password:
        if draft.is_new:
            draft.check_faults.append(errors.missing("Password"))
        return
    text = str(password)
    printable = text.isprintable() and " " not in text and "'" not in text
    if len(text) not in _PASSWORD_LENGTHS or not printable:
        draft.save_faults.append("Password is not valid.")


def _judge_product(save: Save, draft: Draft) -> None:
    """The code must be a material code. Unverified: UseType 4 means material."""
    code = draft.get("ProductAllocationCodeID")
    use = save.read("AllocationCode", code).get(quoted("UseType"))
    if use is not None and use != _MATERIAL_CODE:
        fault = errors.bad_reference("ProductAllocationCodeID", "AllocationCode")
        draft.check_faults.append(fault)


_RULES: Mapping[str, Callable[[Save, Draft], None]] = {
    "Account": _judge_account,
    "AccountAlert": crm_rules.judge_alert,
    "AccountNote": crm_rules.judge_note,
    "ClientPortalUser": _judge_portal_user,
    "Contract": contract.judge_contract,
    "Opportunity": crm_rules.validate_opportunity,
    "Product": _judge_product,
    "Project": work_rules.validate_project,
    "SalesOrder": crm_rules.judge_sales_order,
    "ServiceCall": work_rules.validate_service_call,
    "Task": work_rules.judge_task,
    "Ticket": work_rules.judge_ticket,
    "TimeEntry": time_entry.validate_time_entry,
    udfs.DEFINITION: udf_definition.judge_definition,
    udfs.LIST_ITEM: udf_definition.judge_list_item,
}
_DELETE_RULES: Mapping[str, Callable[[Save, int], str | None]] = {
    "AccountPhysicalLocation": crm_rules.refuse_primary_location,
    "ActionType": crm_rules.refuse_system_type,
    "Contact": crm_rules.refuse_contact_in_use,
    "TimeEntry": time_entry.refuse_foreign_entry,
}
