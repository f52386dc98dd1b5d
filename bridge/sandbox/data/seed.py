"""The data sets a simulator can start with: `small`, `million` and `hostile`.

`small` is two companies: one with believable data and every record that old payloads
name by id (SOAP contract notes, section 24), and a second one with clearly other names.
Hand-written records are TOML files in `seeds/`; `populate` adds random ones, the same
every time.

`million` adds very many customers to the first company; `hostile` is one tenant with
everything that breaks clients.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files
from random import Random
from typing import Any

from bridge.sandbox.data import million_dataset
from bridge.sandbox.data.dataset import ApiUser, Dataset, Row, Tenant, Udf
from bridge.sandbox.data.populate import populate
from bridge.sandbox.data.population import Population
from bridge.sandbox.facts.model import EntityFacts, PicklistItem

# The login of the first user of `small`, and that of the second tenant.
DEMO_USERNAME = "api@bridge-demo.example"
DEMO_PASSWORD = "Harbor-Light-30049"  # noqa: S105 - opens only the simulator
DEMO_INTEGRATION_CODE = "BRIDGEDEMO7QX2MZK4TNHWA5RLC"

OTHER_USERNAME = "api@foundrystreet.example"
OTHER_PASSWORD = "Anvil-And-Tongs-41207"  # noqa: S105 - opens only the simulator
OTHER_INTEGRATION_CODE = "FOUNDRYST3WX8PLQ6VJDGE9ZUBN"

# Issued to a software vendor, not created in a tenant: valid in all tenants of `small`.
VENDOR_INTEGRATION_CODE = "HARBORVENDOR4K9TQX7WZ2MJB6P"

API_RESOURCE_ID = 8

# Both have the password of the first user. The first one must send its integration code
# in version 1.5 too; the second one, a person, may use version 1.5 only.
ASSIGNED_USERNAME = "assigned@bridge-demo.example"
PERSON_USERNAME = "paula@bridge-demo.example"
_PERSON_RESOURCE_ID = 29682885

_LONG = 2000
_LONG_TEXT = "<Größe & 😀 of it> "


def small(facts: Mapping[str, EntityFacts]) -> Dataset:
    """Return a tenant of 25 accounts, 120 contacts and 60 opportunities, and another.

    All ids but contact 30684247, which old payloads name, are below those that the
    simulator issues.
    """
    first = ApiUser(DEMO_USERNAME, DEMO_PASSWORD, API_RESOURCE_ID)
    second = ApiUser(OTHER_USERNAME, OTHER_PASSWORD, API_RESOURCE_ID)
    # Logins that version 1.5 treats differently.
    assigned = ApiUser(ASSIGNED_USERNAME, DEMO_PASSWORD, API_RESOURCE_ID, assigned=True)
    person = ApiUser(
        PERSON_USERNAME, DEMO_PASSWORD, _PERSON_RESOURCE_ID, api_only=False
    )
    harbor = _tenant(facts, "harbor.toml", first, DEMO_INTEGRATION_CODE)
    return Dataset(
        name="small",
        tenants=(
            replace(harbor, users=(first, assigned, person)),
            _tenant(facts, "foundry.toml", second, OTHER_INTEGRATION_CODE),
        ),
    )


def million(facts: Mapping[str, EntityFacts]) -> Dataset:
    """Return one tenant with 50,000 accounts and 1,000,000 contacts, as lazy rows."""
    return million_dataset.million(small(facts), _read("words.toml"))


def hostile(facts: Mapping[str, EntityFacts]) -> Dataset:
    """Return one tenant with texts, times, names and ids that break clients."""
    user = ApiUser(DEMO_USERNAME, DEMO_PASSWORD, API_RESOURCE_ID)
    tenant = _tenant(facts, "hostile.toml", user, DEMO_INTEGRATION_CODE)
    _lengthen(facts, tenant.rows)
    return Dataset(name="hostile", tenants=(tenant,))


def _lengthen(
    facts: Mapping[str, EntityFacts], rows: Mapping[str, Iterable[Row]]
) -> None:
    """Fill the long text fields of one record of each entity to their maximum."""
    for entity, some in rows.items():
        row = next(iter(some))
        for field in facts[entity].fields:
            if (
                field.type == "string"
                and field.length >= _LONG
                and isinstance(row, dict)
            ):
                row[field.name] = (_LONG_TEXT * field.length)[: field.length]


def _tenant(
    facts: Mapping[str, EntityFacts], filename: str, user: ApiUser, code: str
) -> Tenant:
    document = _read(filename)
    about = document["tenant"]
    udfs = {
        entity: tuple(_udf(row) for row in rows)
        for entity, rows in document["udfs"].items()
    }
    population = Population(
        facts=facts,
        random=Random(about["ci"]),  # the same records at every start
        mail=about["mail"],
        udfs=udfs,
        words=_read("words.toml") | document.get("words", {}),
        rows=_read("common.toml") | document["rows"],
    )
    populate(
        population, contacts=about["contacts"], opportunities=about["opportunities"]
    )
    return Tenant(
        ci=about["ci"],
        database_type="Pro",
        users=(user,),
        integration_codes=(code, VENDOR_INTEGRATION_CODE),
        udfs=udfs,
        rows=population.rows,
    )


def _udf(row: dict[str, Any]) -> Udf:
    items = row.pop("items", None)
    if items is not None:
        row["picklist"] = tuple(
            PicklistItem(**item, sort_order=position)
            for position, item in enumerate(items, start=1)
        )
    return Udf(**row)


def _read(filename: str) -> dict[str, Any]:
    text = (files("bridge.sandbox.data") / "seeds" / filename).read_text(
        encoding="utf-8"
    )
    return tomllib.loads(text, parse_float=Decimal)
