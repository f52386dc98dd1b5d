"""Replies as the vendor writes them, and measurements side by side in one run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from random import Random
from xml.sax.saxutils import escape

import pytest

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
    '<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult>'
    "<ReturnCode>1</ReturnCode><EntityResults>"
)
TAIL = "</queryResult></queryResponse></soap:Body></soap:Envelope>"
INFO = (
    "<EntityReturnInfo><EntityId>{}</EntityId><DatabaseAction>None</DatabaseAction>"
    "<DuplicateStatus><Found>false</Found><Ignored>false</Ignored></DuplicateStatus>"
    "</EntityReturnInfo>"
)
NAMES = (
    "Address1 Address2 AlternatePhone1 AlternatePhone2 AssetValue City CompetitorID "
    "Country CreateDate Fax KeyAccountIcon LastActivityDate MarketSegmentID "
    "AccountName AccountNumber OwnerResourceID ParentAccountID Phone PostalCode "
    "SICCode State StockMarket StockSymbol TerritoryID AccountType WebAddress "
    "Active ClientPortalActive TaskFireActive TaxExempt TaxRegionID TaxID "
    "AdditionalAddressInformation CountryID BillToAddressToUse BillToAttention "
    "BillToAddress1 BillToAddress2 BillToCity BillToState BillToZipCode "
    "BillToCountryID BillToAdditionalAddressInformation InvoiceMethod "
    "InvoiceNonContractItemsToParentAccount QuoteTemplateID QuoteEmailMessageID "
    "InvoiceTemplateID InvoiceEmailMessageID CurrencyID "
    "BillToAccountPhysicalLocationID SurveyAccountRating CreatedByResourceID "
    "ApiVendorID EnabledForComanaged"
)
"""The fields of Account in the vendor's order, which zeep insists on."""

KINDS = {
    "int": (
        "CompetitorID KeyAccountIcon MarketSegmentID OwnerResourceID ParentAccountID "
        "TerritoryID TaxRegionID CountryID BillToAddressToUse BillToCountryID "
        "InvoiceMethod QuoteTemplateID QuoteEmailMessageID InvoiceTemplateID "
        "InvoiceEmailMessageID CurrencyID BillToAccountPhysicalLocationID "
        "CreatedByResourceID ApiVendorID"
    ),
    "boolean": (
        "Active ClientPortalActive TaskFireActive TaxExempt "
        "InvoiceNonContractItemsToParentAccount EnabledForComanaged"
    ),
    "dateTime": "CreateDate LastActivityDate",
    "double": "AssetValue",
    "decimal": "SurveyAccountRating",
    "short": "AccountType",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
FIELDS = [(name, KIND_OF.get(name, "string")) for name in NAMES.split()]
TEXTS = (
    "",
    "NY",
    "518-555-0144",
    "14 Quarry Lane",
    "www.larkspur.example",
    "Larkspur Dental Group",
    "Hollis & Sons, Tr\u00f6delmarkt",
)
TEXT_WEIGHTS = (6, 2, 3, 3, 2, 3, 1)


def write_value(kind: str, draw: Random) -> str:
    if kind == "string":
        return escape(draw.choices(TEXTS, TEXT_WEIGHTS)[0])
    if kind == "boolean":
        return draw.choice(["true", "false"])
    if kind == "dateTime":
        day = f"2021-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        return f"{day}T{draw.randint(0, 23):02}:14:20.{draw.randint(1, 99)}"
    if kind in ("double", "decimal"):
        return f"{draw.randint(0, 9_999_999) / 100:.4f}"
    return str(draw.randint(1, 9 if kind == "short" else 29_700_000))


def write_account(entity_id: int, draw: Random) -> str:
    parts = [f'<Entity xsi:type="Account"><id>{entity_id}</id><UserDefinedFields>']
    for number in range(5):
        value = f"<Value>{number}.0000</Value>" if draw.random() < 0.7 else ""
        parts.append(
            f"<UserDefinedField><Name>Renewal term {number}</Name>{value}"
            "</UserDefinedField>"
        )
    parts.append("</UserDefinedFields>")
    for name, kind in FIELDS:
        text = write_value(kind, draw)
        start = f'<{name} xsi:type="xsd:{kind}"'
        parts.append(f"{start}>{text}</{name}>" if text else f"{start} />")
    return "".join([*parts, "</Entity>"])


@pytest.fixture(scope="session")
def account_page() -> Callable[[int], bytes]:
    """Write the reply with so many accounts: 55 fields of all types, 5 UDFs each."""

    def write(count: int) -> bytes:
        draw = Random(count)
        entities = "".join(write_account(7000 + n, draw) for n in range(count))
        infos = "".join(INFO.format(7000 + n) for n in range(count))
        return (
            f"{HEAD}{entities}</EntityResults><EntityResultType>account"
            f"</EntityResultType><Errors /><EntityReturnInfoResults>{infos}"
            f"</EntityReturnInfoResults>{TAIL}"
        ).encode()

    return write


def time_one(variant: Callable[[], object], repeat: int) -> float:
    """Return processor time: other work on the machine matters less to it."""
    start = time.process_time()
    for _ in range(repeat):
        variant()
    return (time.process_time() - start) / repeat * 1000


@pytest.fixture
def medians() -> Callable[..., dict[str, float]]:
    """Run variants in turn, round after round; return each one's median in ms."""

    def measure(
        variants: Mapping[str, Callable[[], object]], *, rounds: int = 11, repeat=1
    ) -> dict[str, float]:
        times: dict[str, list[float]] = {name: [] for name in variants}
        for variant in variants.values():
            variant()
        gc.collect()
        gc.freeze()  # as the facade's workers do once they are loaded
        for _ in range(rounds):
            for name, variant in variants.items():
                times[name].append(time_one(variant, repeat))
        gc.unfreeze()
        return {name: statistics.median(values) for name, values in times.items()}

    return measure


@pytest.fixture
def table() -> Callable[..., None]:
    """Print a table: a title, column headings, and rows of ready texts."""

    def show(title: str, *rows: tuple[str, ...]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print(f"\n\n{title}")
        for number, row in enumerate(rows):
            first, *others = (
                text.ljust(width) if not place else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            print("  " + "  ".join([first, *others]))
            if not number:
                print("  " + "  ".join("-" * width for width in widths))

    return show
