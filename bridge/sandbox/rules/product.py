"""Rules of products."""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import completes, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_MATERIAL_CODE = 4
_STANDARD = 1


@validates("Product")
@rule("Product", "a material code; standard billing and price method", source="help")
def validate_product(write: WriteTransaction, draft: Draft) -> None:
    """Refuse other codes. Unverified: UseType 4 means material."""
    code = draft.get("ProductAllocationCodeID")
    use = write.read("AllocationCode", code).get(quoted("UseType"))
    if use is not None and use != _MATERIAL_CODE:
        fault = errors.BAD_REFERENCE.format("ProductAllocationCodeID", "AllocationCode")
        draft.check_faults.append(fault)


@completes("Product")
def set_standard_methods(_write: WriteTransaction, draft: Draft) -> None:
    """Set billing and price method of a new product. Source: SOAP help, Product."""
    if draft.is_new:
        draft.put("BillingType", _STANDARD)
        draft.put("PriceCostMethod", _STANDARD)
