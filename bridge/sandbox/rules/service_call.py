"""Rules of service calls."""

from __future__ import annotations

from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_CANCELED = "Canceled"
_FIXED_WHEN_CANCELED = ("StartDateTime", "EndDateTime", "Complete")


@validates("ServiceCall")
@rule(
    "ServiceCall", "times and completion of a canceled one cannot change", source="rest"
)
def validate_service_call(_write: WriteTransaction, draft: Draft) -> None:
    """Refuse such changes. Unverified: the status is the one before the change."""
    status, column = draft.was("Status"), draft.table.column("Status")
    item = column.item(status) if column and status is not None else None
    if item is None or item.label != _CANCELED:
        return
    if draft.changed(*_FIXED_WHEN_CANCELED):
        draft.save_faults.append(
            "The StartDateTime, EndDateTime and Complete cannot be edited if status is "
            f'of type "{_CANCELED}".'
        )
