"""A small schema to compile queries for: no server, one database in a file."""

import pytest

from bridge.sandbox.data.dataset import Udf
from bridge.sandbox.data.schema import tenant_schema
from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import PicklistItem, entities_of

NAMES = (
    "Account",
    "Contact",
    "Opportunity",
    "Resource",
    "Ticket",
    "NotificationHistory",
)


@pytest.fixture(scope="session")
def tenant():
    udfs = {
        "Account": (
            Udf("Seats & Licences", "double"),
            Udf("Renewal", "datetime"),
            Udf("Month", picklist=(PicklistItem("9", "September"),)),
            Udf("Secret", protected=True),
        )
    }
    facts = load_facts()
    entities = [e for e in entities_of(facts, "1.6.9+") if e.name in NAMES]
    return tenant_schema(1, entities, udfs, "1.6.9+")
