"""GetInvoiceMarkup: an invoice as HTML or XML, in a text.

Source: SOAP contract notes, section 6.4. Unverified: everything inside the markup; only
a page with the invoice's number in it is known (soap-samples 15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bridge.sandbox import errors
from bridge.sandbox.data import database, fragments
from bridge.sandbox.data.database import StoredRow
from bridge.sandbox.data.schema import Table, quoted
from bridge.sandbox.declarations import rule
from bridge.sandbox.operations.calls import Call

_HEAD = ("InvoiceNumber", "InvoiceDateTime", "InvoiceTotal", "TotalTaxValue")
_LINE = ("ItemName", "Quantity", "Rate", "TotalAmount")


@rule("GetInvoiceMarkup", "an invoice as HTML or XML", source="clients")
def get_invoice_markup(call: Call, invoice_id: int) -> bytes:
    """Return an invoice's markup, escaped once.

    Raises:
        SoapFaultError: no such invoice or format. Unverified: the texts.
    """
    call.acquire_slot("Invoice")
    wanted = call.request.text("Format").strip()
    render = _FORMATS.get(wanted.lower())
    if render is None:
        raise errors.unprocessable(
            f"System.ArgumentException: There is no format {wanted}."
        )
    invoices, items = (
        call.service.schema.tables[name] for name in ("Invoice", "BillingItem")
    )
    connection = call.vendor.database.reading()
    invoice = database.read(connection, invoices, invoice_id)
    if invoice is None:
        raise errors.unprocessable(
            f"System.Exception: There is no invoice {invoice_id}."
        )
    found = database.find(connection, items, '"InvoiceID" = ?', (invoice_id,))
    lines = [database.read(connection, items, item_id) or {} for item_id in found]
    head = dict(_texts(invoices, invoice, _HEAD))
    rows = [dict(_texts(items, line, _LINE)) for line in lines]
    return fragments.escape(render(invoice_id, head, rows)).encode()


def _texts(
    table: Table, row: StoredRow, names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for name in names:
        column, stored = table.column(name), row.get(quoted(name))
        if column is not None:
            yield name, "" if stored is None else column.kind.write(stored)


Texts = Mapping[str, str]


def _html(invoice_id: int, head: Texts, rows: Sequence[Texts]) -> str:
    facts = "".join(
        f"<p>{name}: {fragments.escape(text)}</p>" for name, text in head.items()
    )
    lines = "".join(
        "<tr>"
        + "".join(f"<td>{fragments.escape(text)}</td>" for text in row.values())
        + "</tr>"
        for row in rows
    )
    return (
        f"<html><body><h1>Invoice {invoice_id}</h1>{facts}"
        f"<table>{lines}</table></body></html>"
    )


def _xml(invoice_id: int, head: Texts, rows: Sequence[Texts]) -> str:
    lines = "".join(f"<item>{_elements(row)}</item>" for row in rows)
    return (
        f'<invoice id="{invoice_id}">{_elements(head)}<items>{lines}</items></invoice>'
    )


def _elements(texts: Texts) -> str:
    return "".join(fragments.element(name, text) for name, text in texts.items())


_FORMATS: Mapping[str, Callable[[int, Texts, Sequence[Texts]], str]] = {
    "html": _html,
    "xml": _xml,
}
