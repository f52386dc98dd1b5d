"""Every seeded record obeys the facts, and what old payloads name is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bridge.sandbox.control.vendor import Vendor
from bridge.sandbox.data import seed
from bridge.sandbox.data.dataset import UDF_MEMBER, Dataset, Tenant, Udf
from bridge.sandbox.data.udfs import UDF_TYPES
from bridge.sandbox.facts.loader import load_facts
from bridge.sandbox.facts.model import EntityFacts, FieldFacts

EASTERN = ZoneInfo("America/New_York")
PYTHON_TYPES = {
    "string": str,
    "boolean": bool,
    "datetime": datetime,
    "double": (int, Decimal),
    "decimal": (int, Decimal),
    "integer": int,
    "long": int,
    "short": int,
}
NOT_INVOICED = ("BillingItem", "InvoiceID", 0)
NAMED_BY_OLD_PAYLOADS = 30684247
TEXTS_OF_RECORDS = {(30049, "InstalledProduct"): {"Rack & Unit", "Service Login"}}
TAKES_A_TIME = ("Task", "StartDateTime")


@pytest.fixture(scope="module")
def facts() -> Mapping[str, EntityFacts]:
    return load_facts()


@pytest.fixture(scope="module")
def dataset(facts: Mapping[str, EntityFacts]) -> Dataset:
    return seed.small(facts)


@pytest.fixture(scope="module", params=[0, 1], ids=["first", "second"])
def tenant(dataset: Dataset, request: pytest.FixtureRequest) -> Tenant:
    return dataset.tenants[request.param]


@pytest.fixture(scope="module")
def first(dataset: Dataset) -> Tenant:
    return dataset.tenants[0]


def rows_of(tenant: Tenant) -> Iterator[tuple[str, Mapping[str, object]]]:
    for entity, rows in tenant.rows.items():
        for row in rows:
            yield entity, row


def values_of(
    tenant: Tenant, facts: Mapping[str, EntityFacts]
) -> Iterator[tuple[str, FieldFacts, object, Mapping[str, object]]]:
    for entity, row in rows_of(tenant):
        fields = {field.name: field for field in facts[entity].fields_of("1.6.9+")}
        for name, value in row.items():
            if name != UDF_MEMBER:
                assert name in fields, f"{entity}.{name}"
                yield entity, fields[name], value, row


def record(tenant: Tenant, entity: str, record_id: int) -> Mapping[str, object]:
    (found,) = [row for row in tenant.rows[entity] if row["id"] == record_id]
    return found


def test_values_have_the_type_and_length_of_their_field(
    tenant: Tenant, facts: Mapping[str, EntityFacts]
):
    for entity, field, value, row in values_of(tenant, facts):
        place = (entity, row["id"], field.name, value)
        assert isinstance(value, PYTHON_TYPES[field.type]), place
        assert isinstance(value, bool) == (field.type == "boolean"), place
        if isinstance(value, str) and field.length:
            assert len(value) <= field.length, place
        if isinstance(value, Decimal):
            assert round(value, 4) == value, place


def test_required_fields_are_given(tenant: Tenant, facts: Mapping[str, EntityFacts]):
    for entity, row in rows_of(tenant):
        for field in facts[entity].fields_of("1.6.9+"):
            if field.required:
                assert row.get(field.name) not in (None, ""), (entity, row, field.name)


def test_picklist_values_are_active_and_have_their_parent(
    tenant: Tenant, facts: Mapping[str, EntityFacts]
):
    for entity, field, value, row in values_of(tenant, facts):
        if not field.picklist:
            continue
        items = [i for i in field.picklist if i.is_active and i.value == str(value)]
        assert len(items) == 1, (entity, row["id"], field.name, value)
        if items[0].parent_value is not None:
            assert str(row[field.picklist_parent or ""]) == items[0].parent_value


def test_references_exist(tenant: Tenant, facts: Mapping[str, EntityFacts]):
    known = {(entity, row["id"]) for entity, row in rows_of(tenant)}

    for entity, field, value, row in values_of(tenant, facts):
        if field.reference and (entity, field.name, value) != NOT_INVOICED:
            assert (field.reference, value) in known, (entity, row["id"], field.name)


def test_contacts_belong_to_the_account_they_stand_for(tenant: Tenant):
    accounts = {row["id"]: row["AccountID"] for row in tenant.rows["Contact"]}

    for entity, row in rows_of(tenant):
        for name in ("ContactID", "Contact"):
            if name in row and "AccountID" in row:
                assert accounts[row[name]] == row["AccountID"], (entity, row["id"])


def test_times_exist_in_service_time_and_dates_are_midnights(
    tenant: Tenant, facts: Mapping[str, EntityFacts]
):
    for entity, field, value, row in values_of(tenant, facts):
        if isinstance(value, datetime):
            there = value.replace(tzinfo=EASTERN).astimezone(UTC).astimezone(EASTERN)
            assert value.tzinfo is None
            assert there.replace(tzinfo=None) == value, (entity, row["id"])
            if (entity, field.name) == TAKES_A_TIME:
                continue
            if field.date_only or field.date_by_value:
                assert value.time() == datetime.min.time(), (entity, field.name)


def test_tasks_lie_within_their_project(tenant: Tenant):
    for task in tenant.rows["Task"]:
        project = record(tenant, "Project", task["ProjectID"])
        first, last = project["StartDateTime"], project["EndDateTime"]
        assert first <= task["StartDateTime"] <= last, task["id"]
        assert first <= task["EndDateTime"] <= last, task["id"]


def test_ids_are_unique_and_below_those_the_simulator_issues(tenant: Tenant):
    for entity, rows in tenant.rows.items():
        ids = [row["id"] for row in rows]
        assert len(ids) == len(set(ids)), entity
        assert all(0 <= i < 29_700_000 for i in set(ids) - {NAMED_BY_OLD_PAYLOADS}), (
            entity
        )


def test_udf_values_are_texts_of_defined_fields(tenant: Tenant):
    for entity, row in rows_of(tenant):
        defined = {udf.name: udf for udf in tenant.udfs.get(entity, ())}
        given = row.get(UDF_MEMBER, {})
        assert isinstance(given, Mapping)
        only_records = TEXTS_OF_RECORDS.get((tenant.ci, entity), frozenset())
        assert given.keys() - only_records == defined.keys(), (entity, row["id"])
        for name, value in given.items():
            udf = defined.get(name, Udf(name))
            assert value is None or isinstance(value, str)
            assert value is not None or not udf.required
            if value is not None and udf.picklist:
                assert value in {i.value for i in udf.picklist if i.is_active}
            if value is not None and udf.type == "double":
                assert f"{Decimal(value):.4f}" == value
            if value is not None and udf.type == "boolean":
                assert value in {"true", "false"}


def test_definitions_of_records_are_there(first: Tenant):
    definitions = {row["Name"]: row for row in first.rows["UserDefinedFieldDefinition"]}

    for name in TEXTS_OF_RECORDS[first.ci, "InstalledProduct"]:
        assert definitions[name]["UdfType"] == UDF_TYPES["InstalledProduct"]
    assert definitions["Service Login"]["IsProtected"]
    assert not definitions["Rack & Unit"]["IsProtected"]


@pytest.mark.parametrize(
    ("make", "generation", "signature"),
    [
        (seed.small, "1.6.0", "small 8b1bdf6e6c2bd58c427a8b20ff23131b"),
        (seed.small, "1.6.11", "small ef390c3737eb7fcd397ece599ec6ff60"),
        (seed.hostile, "1.6.0", "hostile 0826b00f3fff0a70da271e776c72ab7b"),
        (seed.hostile, "1.6.11", "hostile 0e28aa023e5afac9bbe19382d6edac30"),
    ],
)
def test_data_files_of_release_0_1_0_open(
    facts: Mapping[str, EntityFacts],
    tmp_path: Path,
    make: Callable[[Mapping[str, EntityFacts]], Dataset],
    generation: str,
    signature: str,
):
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE made_from (signature TEXT NOT NULL)")
        connection.execute("INSERT INTO made_from VALUES (?)", (signature,))
    vendor = Vendor(facts, make(facts), path, durable=False, generation=generation)

    vendor.initial_data.prepare()  # refuses what another release made
    vendor.database.close()


def test_the_same_rows_come_at_every_call(
    facts: Mapping[str, EntityFacts], dataset: Dataset
):
    assert seed.small(facts) == dataset


def test_portal_users_are_unique_by_name_and_contact_and_contact_4_has_none(
    first: Tenant,
):
    users = list(first.rows["ClientPortalUser"])

    assert len({user["UserName"] for user in users}) == len(users)
    assert len({user["ContactID"] for user in users}) == len(users)
    assert 4 not in {user["ContactID"] for user in users}


def test_the_first_tenant_has_the_promised_size(first: Tenant):
    assert len(list(first.rows["Account"])) == 25
    assert len(list(first.rows["Contact"])) == 120
    assert len(list(first.rows["Opportunity"])) == 60
    assert {row["id"] for row in first.rows["Resource"]} >= set(range(1, 9))


@pytest.mark.parametrize(
    ("entity", "record_id", "values"),
    [
        ("Account", 0, {"Active": True, "ClientPortalActive": True}),
        ("Account", 0, {"TaskFireActive": True}),
        ("Account", 29683561, {"MarketSegmentID": 29683456, "TerritoryID": 29683454}),
        ("Account", 29683565, {}),
        ("Account", 29683569, {}),
        ("Account", 29683726, {}),
        ("Account", 29683781, {}),
        ("AllocationCode", 29682839, {}),
        ("AllocationCode", 29682840, {"Active": True, "UseType": 4}),
        ("AllocationCode", 29683401, {}),
        ("BillingItem", 29684701, {"Type": 5, "SubType": 9, "ItemApproverID": 4}),
        ("BillingItem", 29684701, {"AccountID": 29683565, "InvoiceID": 0}),
        ("BillingItem", 29684701, {"AllocationCodeID": 29682839}),
        ("Contact", 4, {"Active": 1, "AccountID": 0}),
        ("Contact", 29683603, {}),
        ("Contact", 30684247, {}),
        ("Contract", 29684022, {"ContractType": 8, "ContractCategory": 15}),
        ("Contract", 29684022, {"ContractPeriodType": "m", "BillingPreference": 2}),
        ("InstalledProduct", 29684172, {}),
        ("Invoice", 29684601, {"AccountID": 29683561, "CreatorResourceID": 29682885}),
        ("Invoice", 29684601, {"BatchID": 1, "TaxRegionName": "Local"}),
        ("Opportunity", 29684316, {"AccountID": 29683569}),
        ("Opportunity", 29684320, {"Stage": 29682774, "Status": 0}),
        ("Project", 4, {"Type": 5, "Status": 7}),
        ("Resource", 4, {"Active": True, "LicenseType": 1}),
        ("Resource", 29682885, {}),
        ("Resource", 29683995, {}),
        ("Resource", 29684004, {}),
        ("Role", 29683461, {"Active": True}),
        ("SalesOrder", 29684401, {"AccountID": 29683569, "Status": 1}),
        ("SalesOrder", 29684401, {"OpportunityID": 29684316, "Contact": 29683603}),
        ("SalesOrder", 29684401, {"OwnerResourceID": 29682885}),
        ("TaxRegion", 1, {"Active": True}),
    ],
)
def test_records_that_old_payloads_name_are_there(
    first: Tenant, entity: str, record_id: int, values: dict[str, object]
):
    found = record(first, entity, record_id)

    assert found.items() >= values.items()


def test_resource_4_is_not_an_api_user_and_has_a_role_in_a_department(first: Tenant):
    assert first.users[0].resource_id != 4
    assert 4 in {row["ResourceID"] for row in first.rows["ResourceRoleDepartment"]}


def test_two_contacts_or_more_are_called_rick(first: Tenant):
    names = [row["FirstName"] for row in first.rows["Contact"]]

    assert names.count("Rick") >= 2


def test_odd_values_are_there_on_purpose(first: Tenant):
    accounts = list(first.rows["Account"])
    texts = [
        value
        for _, row in rows_of(first)
        for value in row.values()
        if isinstance(value, str)
    ]
    decimals = [
        value
        for _, row in rows_of(first)
        for value in row.values()
        if isinstance(value, Decimal)
    ]
    udf_names = [udf.name for udfs in first.udfs.values() for udf in udfs]

    assert any("Fax" not in row for row in accounts)
    assert any(row.get("Fax") == "" for row in accounts)
    assert {row["AccountType"] for row in accounts} >= {1, 2, 3, 4, 7}
    assert not all(row["Active"] for row in accounts)
    assert any("\r\n" in text for text in texts)
    assert any("'" in text for text in texts)
    assert any('"' in text for text in texts)
    assert any("<" in text for text in texts)
    assert any(not text.isascii() for text in texts)
    assert any(value * 100 % 1 for value in decimals)
    assert any("&" in name and " " in name for name in udf_names)
    assert any(
        isinstance(value, datetime) and value.microsecond
        for _, row in rows_of(first)
        for value in row.values()
    )
    assert sum(row["AccountID"] == 0 for row in first.rows["Contact"]) > 1


def test_two_tenants_have_nothing_to_mix_up(dataset: Dataset):
    first, second = dataset.tenants

    assert first.ci != second.ci
    assert first.users[0].username != second.users[0].username
    assert first.users[0].password != second.users[0].password
    shared = set(first.integration_codes) & set(second.integration_codes)
    assert shared == {seed.VENDOR_INTEGRATION_CODE}
    assert all(len(code) == 27 for t in dataset.tenants for code in t.integration_codes)
    shared = {row["AccountName"] for row in first.rows["Account"]} & {
        row["AccountName"] for row in second.rows["Account"]
    }
    assert not shared
    assert {row["id"] for row in first.rows["Account"]} & {
        row["id"] for row in second.rows["Account"]
    }


def test_secrets_are_not_shown(dataset: Dataset):
    text = repr(dataset.tenants[0].users) + repr(dataset.tenants[0])

    assert seed.DEMO_PASSWORD not in text
    assert seed.DEMO_INTEGRATION_CODE not in text
