"""Write `create` of 200 accounts, against zeep."""

from __future__ import annotations

from importlib import resources

import pytest
import zeep
from lxml import etree
from zeep import xsd

from bridge.backends.autotask_soap.encode import requests
from bridge.backends.autotask_soap.encode.values import vendor_times
from bridge.interfaces import Credentials, Field, FieldType

pytestmark = pytest.mark.perf

CREDENTIALS = Credentials(
    "api@larkspur.example",
    "s3cret",
    "https://webservices3.autotask.net",
    integration_code="CODE",
)
TEXTS = (
    "Address1 Address2 AlternatePhone1 City Country Fax AccountName AccountNumber "
    "Phone PostalCode State WebAddress TaxID BillToAddress1 BillToCity BillToState"
)
NUMBERS = (
    "OwnerResourceID AccountType TerritoryID MarketSegmentID CountryID InvoiceMethod "
    "QuoteTemplateID CurrencyID"
)


def account(number: int) -> dict[Field, str | int]:
    texts = {
        Field(name, FieldType.STRING): f"Hollis & Sons {number}"
        for name in TEXTS.split()
    }
    numbers = {Field(name, FieldType.INTEGER): number for name in NUMBERS.split()}
    return {**texts, **numbers}


@pytest.mark.parametrize("count", [200, 1])
def test_encode(medians, table, count):
    rows = [(requests.NEW, account(number)) for number in range(count)]
    times = vendor_times("America/New_York")
    wsdl = resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl"
    client = zeep.Client(str(wsdl))
    entity_type = client.get_type("{http://autotask.net/ATWS/v1_6/}Account")
    kinds = {FieldType.STRING: xsd.String(), FieldType.INTEGER: xsd.Int()}

    def bridge() -> bytes:
        return requests.write_request(
            "create", "Account", rows, credentials=CREDENTIALS, times=times
        )

    def plain_zeep() -> bytes:
        entities = [
            entity_type(
                id=entity_id,
                **{
                    field.name: xsd.AnyObject(kinds[field.type], value)
                    for field, value in values.items()
                },
            )
            for entity_id, values in rows
        ]
        return etree.tostring(
            client.create_message(
                client.service, "create", Entities={"Entity": entities}
            )
        )

    ms = medians({"bridge": bridge, "zeep": plain_zeep}, repeat=max(1, 50 // count))

    sizes = {"bridge": len(bridge()), "zeep": len(plain_zeep())}
    table(
        f"Encode a create of {count} accounts, 24 fields each",
        ("", "ms", "x zeep", "bytes", "x zeep"),
        *(
            (
                name,
                f"{took:.3f}",
                f"{took / ms['zeep']:.3f}",
                f"{sizes[name]:,}",
                f"{sizes[name] / sizes['zeep']:.2f}",
            )
            for name, took in ms.items()
        ),
    )
