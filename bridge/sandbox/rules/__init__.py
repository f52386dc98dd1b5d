"""The rules of entities: a module for each, or for a few that belong together.

A rule is a function marked with the stage it runs at and with `@rule`, which says what
the vendor does and where that is known from. A new module with functions of a stage is
added to `MODULES`. Those without, which other modules call, are not in it: `stamps`,
`ticket_category`, `work` and `field_validation`.
"""

from __future__ import annotations

from types import ModuleType

from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.rules import (
    account,
    account_references,
    contact,
    contract,
    opportunity,
    product,
    project,
    sales_order,
    service_call,
    stages,
    stamps,
    ticket,
    time_entry,
    udf_definition,
)
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.write_transaction import WriteTransaction

MODULES: tuple[ModuleType, ...] = (
    account,
    contact,
    contract,
    opportunity,
    product,
    project,
    sales_order,
    service_call,
    ticket,
    time_entry,
    udf_definition,
    account_references,  # last: an entity's own faults are reported first
)

_VALIDATES = stages.validates.by_entity(MODULES)
_COMPLETES = stages.completes.by_entity(MODULES)
_AFTER_SAVE = stages.after_save.by_entity(MODULES)
_REFUSES_DELETE = stages.refuses_delete.by_entity(MODULES)
_AFTER_DELETE = stages.after_delete.by_entity(MODULES)


def validate(write: WriteTransaction, draft: Draft) -> None:
    """Add the faults that the rules of its entity find in a draft."""
    for function in _VALIDATES.get(draft.table.entity.name, ()):
        function(write, draft)


def complete(write: WriteTransaction, draft: Draft) -> None:
    """Set what the vendor itself sets: stamps, authors, numbers, copies."""
    stamps.stamp(write, draft)
    for function in _COMPLETES.get(draft.table.entity.name, ()):
        function(write, draft)


def after_save(write: WriteTransaction, draft: Draft, record_id: int) -> None:
    """Change the other records that saving a record changes."""
    for function in _AFTER_SAVE.get(draft.table.entity.name, ()):
        function(write, draft, record_id)


def refuse_delete(write: WriteTransaction, entity: str, record_id: int) -> str | None:
    """Return why a record cannot be deleted, or None."""
    reasons = (run(write, record_id) for run in _REFUSES_DELETE.get(entity, ()))
    return next((reason for reason in reasons if reason is not None), None)


def after_delete(
    write: WriteTransaction, entity: str, record_id: int, before: StoredRow
) -> None:
    """Change the other records that deleting a record changes."""
    for function in _AFTER_DELETE.get(entity, ()):
        function(write, record_id, before)
