"""Rules of opportunities, and of the quotes that their amounts come from.

Source: SOAP contract notes, section 18. Unverified: how a total is formed, that the
latest primary quote wins, and that the first one becomes primary by itself.
"""

from __future__ import annotations

from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import DECIMAL_PLACES, Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import (
    after_delete,
    after_save,
    completes,
    validates,
)
from bridge.sandbox.rules.write_transaction import WriteTransaction

_PRIMARY = '"PrimaryQuote" = 1 AND "OpportunityID" = ?'
_COUNTED_ITEMS = '"QuoteID" = ? AND COALESCE("IsOptional", 0) = 0'


@validates("Opportunity")
@rule("Opportunity", "it is not expected to close before it begins", source="rest")
def validate_opportunity(_write: WriteTransaction, draft: Draft) -> None:
    """Refuse a projected close before the creation. Unverified: the text."""
    dates = ("CreateDate", "ProjectedCloseDate")
    begins, closes = (draft.get(name) for name in dates)
    if begins is None or closes is None or not draft.changed(*dates):
        return
    if str(closes) < str(begins):
        draft.save_faults.append("ProjectedCloseDate must not be before CreateDate.")


@completes("Opportunity")
@rule(
    "Opportunity",
    "amounts follow its one primary quote, if UseQuoteTotals is set",
    source="help",
)
def use_quote_totals(write: WriteTransaction, draft: Draft) -> None:
    """Set the amounts of an opportunity that uses quote totals."""
    if not draft.is_new and draft.get("UseQuoteTotals"):
        draft.stored |= _totals(write, draft.submission.record_id)


@after_save("Quote")
def keep_one_primary_quote(
    write: WriteTransaction, draft: Draft, record_id: int
) -> None:
    """Keep one primary quote of an opportunity, and update its amounts."""
    opportunity = draft.get("OpportunityID")
    if opportunity is None:
        return
    if draft.get("PrimaryQuote"):
        write.clear_other_flags("Quote", "PrimaryQuote", "OpportunityID", record_id)
    elif not write.exists("Quote", _PRIMARY, opportunity):
        write.change("Quote", record_id, {quoted("PrimaryQuote"): 1})
    _update_opportunity(write, opportunity)


@after_save("QuoteItem")
def update_opportunity_of_item(
    write: WriteTransaction, draft: Draft, _record_id: int
) -> None:
    """Update the opportunity of a saved quote item."""
    _update_opportunity_of_quote(write, draft.get("QuoteID"))


@after_delete("QuoteItem")
def update_opportunity_without_item(
    write: WriteTransaction, _record_id: int, before: StoredRow
) -> None:
    """Update the opportunity of a deleted quote item."""
    _update_opportunity_of_quote(write, before.get(quoted("QuoteID")))


def _update_opportunity_of_quote(write: WriteTransaction, quote: Stored | None) -> None:
    _update_opportunity(write, write.read("Quote", quote).get(quoted("OpportunityID")))


def _update_opportunity(write: WriteTransaction, opportunity: Stored | None) -> None:
    if write.read("Opportunity", opportunity).get(quoted("UseQuoteTotals")):
        record_id = int(opportunity or 0)
        write.change("Opportunity", record_id, _totals(write, record_id))


def _totals(write: WriteTransaction, opportunity: int) -> dict[str, Stored | None]:
    """Return amount and cost as they are stored, nothing without a primary quote."""
    quotes = write.find("Quote", _PRIMARY, opportunity, limit=1)
    if not quotes:
        return {}
    amount = cost = 0.0
    for item_id in write.find("QuoteItem", _COUNTED_ITEMS, quotes[0]):
        row = write.read("QuoteItem", item_id)
        quantity = _number(row, "Quantity")
        price = _number(row, "UnitPrice") - _number(row, "UnitDiscount")
        line = quantity * price * (1 - _number(row, "PercentageDiscount"))
        amount += line - _number(row, "LineDiscount")
        cost += quantity * _number(row, "UnitCost")
    return {
        quoted("Amount"): round(amount * DECIMAL_PLACES),
        quoted("Cost"): round(cost * DECIMAL_PLACES),
    }


def _number(row: StoredRow, name: str) -> float:
    return float(row.get(quoted(name)) or 0)
