"""Quotes and the money of their opportunity.

Source: SOAP contract notes, section 18. Unverified: how a total is formed, and that the
latest primary quote wins and the first one is primary without being told so.
"""

from __future__ import annotations

from bridge.sandbox.data import database
from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import DECIMAL_PLACES, Stored
from bridge.sandbox.rules.field_validation import Draft
from bridge.sandbox.rules.write_transaction import Save

_PRIMARY = '"PrimaryQuote" = 1 AND "OpportunityID" = ?'


def follow_quote(save: Save, draft: Draft) -> None:
    """Give an opportunity that uses quote totals those of its primary quote."""
    if draft.is_new or not draft.get("UseQuoteTotals"):
        return
    totals = _totals(save, draft.submission.record_id)
    if totals is not None:
        amount, cost = totals
        draft.put("Amount", amount)
        draft.put("Cost", cost)


def after_quote(save: Save, draft: Draft, record_id: int) -> None:
    """Let an opportunity have one primary quote, and follow it."""
    opportunity = draft.get("OpportunityID")
    if opportunity is None:
        return
    if draft.get("PrimaryQuote"):
        save.keep_flag_of("Quote", "PrimaryQuote", "OpportunityID", record_id)
    elif not save.exists("Quote", _PRIMARY, opportunity):
        row = {**draft.stored, quoted("PrimaryQuote"): 1}
        database.replace(save.connection, save.schema.tables["Quote"], record_id, row)
    refresh(save, int(opportunity))


def after_item(save: Save, draft: Draft, _record_id: int) -> None:
    """Let the opportunity follow a quote's changed item."""
    quote = draft.get("QuoteID")
    if quote is not None:
        refresh_quote(save, int(quote))


def refresh_quote(save: Save, quote_id: int) -> None:
    """Let the opportunity of a quote follow it."""
    opportunity = save.read("Quote", quote_id).get(quoted("OpportunityID"))
    if isinstance(opportunity, int):
        refresh(save, opportunity)


def refresh(save: Save, opportunity_id: int) -> None:
    """Bring an opportunity's money in line with its primary quote."""
    table = save.schema.tables["Opportunity"]
    row = database.read(save.connection, table, opportunity_id)
    totals = _totals(save, opportunity_id)
    if row is None or totals is None or not row.get(quoted("UseQuoteTotals")):
        return
    amount, cost = totals
    changed = {**row, quoted("Amount"): amount, quoted("Cost"): cost}
    database.replace(save.connection, table, opportunity_id, changed)


def _totals(save: Save, opportunity_id: int) -> tuple[int, int] | None:
    """Return amount and cost as decimals are stored, None without primary quote."""
    quotes, items = save.schema.tables["Quote"], save.schema.tables["QuoteItem"]
    found = database.select(save.connection, quotes, _PRIMARY, (opportunity_id,), 1)
    if not found:
        return None
    lines = database.select(
        save.connection,
        items,
        '"QuoteID" = ? AND COALESCE("IsOptional", 0) = 0',
        (found[0][0],),
        -1,
    )
    amount = cost = 0.0
    for item_id, _ in lines:
        row = database.read(save.connection, items, item_id) or {}
        quantity = _number(row.get(quoted("Quantity")))
        price = _number(row.get(quoted("UnitPrice")))
        price -= _number(row.get(quoted("UnitDiscount")))
        line = quantity * price * (1 - _number(row.get(quoted("PercentageDiscount"))))
        amount += line - _number(row.get(quoted("LineDiscount")))
        cost += quantity * _number(row.get(quoted("UnitCost")))
    return round(amount * DECIMAL_PLACES), round(cost * DECIMAL_PLACES)


def _number(stored: Stored | None) -> float:
    return float(stored or 0)
