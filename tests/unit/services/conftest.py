"""The fields of an entity as a tenant might have them."""

from datetime import UTC, datetime

import pytest

from bridge.catalog.model import DateKind, EntityFacts, Resource, Verb
from bridge.interfaces import FieldInfo, FieldType, PicklistItem
from bridge.services.fields import compile_fields, write_fields

INFOS = [
    FieldInfo("id", "ID", FieldType.LONG, required=True, read_only=True),
    FieldInfo("AccountName", "Name", FieldType.STRING, length=10, required=True),
    FieldInfo("Phone", "Phone", FieldType.STRING, length=25),
    FieldInfo("StockSymbol", "Symbol", FieldType.STRING, length=9, queryable=False),
    FieldInfo(
        "AccountType",
        "Type",
        FieldType.SHORT,
        required=True,
        is_picklist=True,
        picklist=(
            PicklistItem("0", "None"),
            PicklistItem("1", "Customer"),
            PicklistItem("9", "Gone", is_active=False),
        ),
    ),
    FieldInfo("Active", "Active", FieldType.BOOLEAN),
    FieldInfo("Seats", "Seats", FieldType.INTEGER),
    FieldInfo("Amount", "Amount", FieldType.DECIMAL),
    FieldInfo("CloseDate", "Closes", FieldType.DATETIME),
    FieldInfo("VisitTime", "Visit", FieldType.DATETIME),
    FieldInfo("ShipDate", "Ships", FieldType.DATETIME),
    FieldInfo("CreateDate", "Created", FieldType.DATETIME, read_only=True),
    FieldInfo("Score", "Score", FieldType.DOUBLE, read_only=True),
    FieldInfo(
        "OwnerID",
        "Owner",
        FieldType.INTEGER,
        required=True,
        read_only=True,
        reference="Resource",
    ),
    FieldInfo(
        "Paid",
        "Paid",
        FieldType.BOOLEAN,
        is_picklist=True,
        picklist=(PicklistItem("1", "Yes"), PicklistItem("0", "No")),
    ),
    FieldInfo("Region & code", "Region", FieldType.STRING, udf=True),
    FieldInfo("Renewal", "Renewal", FieldType.DATETIME, udf=True),
    FieldInfo("Seats", "Seats", FieldType.DOUBLE, udf=True),
    FieldInfo(
        "Colour",
        "Colour",
        FieldType.STRING,
        udf=True,
        is_picklist=True,
        picklist=(PicklistItem("1", "Red"),),
    ),
]


@pytest.fixture(scope="session")
def fields():
    resource = Resource(
        name="accounts",
        id=1,
        singular="account",
        entity="Account",
        verbs=frozenset({Verb.LIST, Verb.GET, Verb.CREATE, Verb.UPDATE}),
        rename={},
        facts=EntityFacts(
            date_kinds={"CloseDate": DateKind.DAY, "ShipDate": DateKind.BY_VALUE},
            protected_udfs=True,
        ),
    )
    payload = write_fields(INFOS)
    return compile_fields(resource, payload, "hash", datetime(2020, 1, 1, tzinfo=UTC))
