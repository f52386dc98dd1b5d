"""Rules of sales orders: their owner and their countries."""

from __future__ import annotations

from bridge.sandbox import errors
from bridge.sandbox.data.population import API_USER
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import completes, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_NAMED = '"CountryCode" = ? OR "Name" = ? OR "DisplayName" = ?'
_OTHER = "\"Name\" = 'Other'"


@validates("SalesOrder")
@rule("SalesOrder", "the owner is not an API user", source="rest")
def validate_sales_order(write: WriteTransaction, draft: Draft) -> None:
    """Refuse an API user as the new owner."""
    owner = draft.get("OwnerResourceID")
    if not draft.changed("OwnerResourceID"):
        return
    if write.read("Resource", owner).get(quoted("UserType")) == API_USER:
        fault = errors.BAD_REFERENCE.format("OwnerResourceID", "Resource")
        draft.check_faults.append(fault)


@completes("SalesOrder")
@rule(
    "SalesOrder",
    "countries by name, others are Other; queries compare the display name",
    source="help",
)
def resolve_countries(write: WriteTransaction, draft: Draft) -> None:
    """Find the countries that a sales order's texts name.

    Unverified: only where the text has changed or comes without the country's id.
    """
    for side in ("BillTo", "ShipTo"):
        text = draft.get(f"{side}Country")
        resolved = draft.get(f"{side}CountryID") is not None
        if text and not (resolved and not draft.changed(f"{side}Country")):
            _resolve_country(write, draft, side, str(text).strip())


def _resolve_country(
    write: WriteTransaction, draft: Draft, side: str, text: str
) -> None:
    found = write.find("Country", _NAMED, text, text, text, limit=1)
    if found:
        name = write.read("Country", found[0]).get(quoted("DisplayName"))
        draft.put(f"{side}Country", name)
    else:
        found = write.find("Country", _OTHER, limit=1)
    for country_id in found:
        draft.put(f"{side}CountryID", country_id)
