"""What is put back as it was read is not written, whatever its type."""

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sandbox import seed
from bridge.sandbox.facts.loader import load_facts

FULL = os.environ.get("BRIDGE_CAMPAIGN") == "full"
EASTERN = ZoneInfo("America/New_York")
RECORD_ID = 880_000_000
MASK = "*****"


def put_back(api, vendor, name, records, method="PUT"):
    """Send each record as it was read; nothing but reading may reach the vendor.

    Returns how many there were, 0 where records cannot be updated.
    """
    vendor.forget()
    for record in records:
        path = f"/hubs/crm/{name}/{record['id']}"
        answer = api.call(method, path, record)
        if answer.status == 405:
            return 0
        assert answer.status == 200, (path, answer.body)
        assert answer.json() == record
        assert "elements-error" not in answer.headers, path
    calls = vendor.calls()
    assert not {"create", "update"} & calls.keys(), (name, calls)
    assert calls.get("query", 0) == len(records)
    return len(records)


def listed(api, name, where="", most=500):
    """Return records of a resource or entity, none when they cannot be listed."""
    answer = api.get(f"/hubs/crm/{name}?pageSize={most}&where={quote(where)}")
    return answer.json() if answer.status == 200 else []


RESOURCES = ["accounts", "leads", "contacts", "opportunities", "tasks", "users"]
RESOURCES += ["customers", "products", "invoices", "sales-orders"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_record_that_is_put_back_is_not_written(api, vendor, method):
    for name in [*RESOURCES, "Contract", "Project", "Ticket", "InstalledProduct"]:
        records = listed(api, name, most=2)
        assert records, name
        put_back(api, vendor, name, records, method)


ACCOUNT = {
    "id": RECORD_ID,
    "AccountName": "Put back",
    "City": "",
    "CreateDate": "2024-07-04T20:00:00.497",
    "UserDefinedFields": {
        "Renewal Date": "2024-07-04T20:00:00",
        "Annual Contract Value": "12.5",
        "Co-managed?": "1",
    },
}
UDFS = "userDefinedFields"


@pytest.mark.parametrize(
    "values",
    [
        {"Renewal Date": "2024-07-05"},
        {"Renewal Date": "2024-07-05T02:00:00+02:00"},
        {"Renewal Date": "7/5/2024 12:00:00 AM"},
        {"renewal date": "2024-07-04T20:00:00-04:00"},
        {"Annual Contract Value": 12.5},
        {"Annual Contract Value": " 12.50 "},
        {"Co-managed?": True},
        {"Service Tier": None},
        {"Service Tier": ""},
    ],
)
def test_another_spelling_of_a_user_defined_value_is_no_change(api, vendor, values):
    vendor.control("POST", "seed", {"rows": {"Account": [ACCOUNT]}})
    [record] = listed(api, "accounts", f"id={RECORD_ID}")
    items = [{"name": name, "value": value} for name, value in values.items()]

    put_back(api, vendor, "accounts", [record])
    answer = api.call("PATCH", f"/accounts/{RECORD_ID}", {UDFS: items})

    assert answer.json() == record
    assert "update" not in vendor.calls()


def test_an_instant_that_looks_like_a_day_is_kept_when_something_else_changes(
    api, vendor
):
    task = {"id": RECORD_ID, "ProjectID": 4, "Title": "Look alike", "Status": 1}
    task |= {"TaskType": 1, "StartDateTime": "2024-07-04T20:00:00"}
    vendor.control("POST", "seed", {"rows": {"Task": [task]}})
    [record] = listed(api, "tasks", f"id={RECORD_ID}")
    assert record["startDateTime"] == "2024-07-05T00:00:00+0000"

    answer = api.call("PUT", f"/tasks/{RECORD_ID}", {**record, "title": "Other"})

    assert answer.json() == {**record, "title": "Other"} | {
        name: value for name, value in answer.json().items() if name not in record
    }
    stored = vendor.control("GET", f"rows/Task/{RECORD_ID}").body.decode()
    assert ">2024-07-04T20:00:00</StartDateTime>" in stored


@pytest.fixture
def protected(api, vendor):
    """Return the path of an installed product with a value that is not shown."""
    field = {"id": RECORD_ID, "Name": "Vault note", "UdfType": 9, "DataType": 1}
    product = {"id": RECORD_ID, "AccountID": 0, "ProductID": 29683801, "Active": True}
    product |= {"SerialNumber": "1", UDFS[0].upper() + UDFS[1:]: {field["Name"]: MASK}}
    for row in (
        {"UserDefinedFieldDefinition": [{**field, "IsActive": True}]},
        {"InstalledProduct": [product]},
    ):
        assert vendor.control("POST", "seed", {"rows": row}).status == 200
    # An instance of its own knows the field at once.
    caller = api.connect("Protected")
    vendor.forget()
    yield caller, f"/hubs/crm/InstalledProduct/{RECORD_ID}"
    caller.disconnect()
    gone = {"UserDefinedFieldDefinition": [{**field, "IsActive": False}]}
    assert vendor.control("POST", "seed", {"rows": gone}).status == 200


def test_the_mask_of_a_protected_value_is_never_sent(protected, vendor):
    api, path = protected
    record = api.get(path).json()
    assert {"name": "Vault note", "value": MASK} in record[UDFS]["userDefinedField"]

    put_back(api, vendor, "InstalledProduct", [record])
    for body in ({"serialNumber": "2"}, {**record, "serialNumber": "2"}):
        request = api.call("PATCH", f"{path}?dryRun=true", body).json()["request"]
        assert "<SerialNumber" in request
        assert "Vault note" not in request
    new = {name: value for name, value in record.items() if name != "id"}
    told = api.call("POST", "/hubs/crm/InstalledProduct?dryRun=true", new)

    assert MASK not in told.json()["request"]
    assert "Vault note" in told.headers["elements-error"]


def test_another_value_for_a_protected_one_is_left_to_the_vendor(protected):
    api, path = protected
    items = [{"name": "Vault note", "value": "hunter"}]

    told = api.call("PATCH", f"{path}?dryRun=true", {UDFS: items}).json()

    assert "<Value>hunter</Value>" in told["request"]


# The campaign: every entity, and the laws of days and times.


@pytest.fixture
def hostile(api, demo, vendor):
    """Return a caller and the vendor of the data set that breaks clients."""
    command = [sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--seed", "hostile", "--limits", "generous"], stdout=subprocess.PIPE
    )
    try:
        line = json.loads(process.stdout.readline())
        caller = type(api)({**demo, **line}).connect("Hostile")
        yield caller, type(vendor)(line)
        caller.disconnect()
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def put_all_back(api, vendor, most):
    """Put back up to so many records of each resource and entity; return how many."""
    names = [*RESOURCES, *api.get("/objects?pageSize=500").json()]
    tried = {
        name: put_back(api, vendor, name, listed(api, name, most=most))
        for name in names
    }
    return [name for name, count in tried.items() if count]


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_every_record_of_the_small_data_set_is_put_back(api, vendor):
    tried = put_all_back(api, vendor, 500 if FULL else 2)

    assert len(tried) > 30


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_every_record_of_the_hostile_data_set_is_put_back(hostile):
    tried = put_all_back(*hostile, 500 if FULL else 2)

    assert len(tried) > 15


TEXTS = [
    "",
    " ",
    "  indented",
    "ends ",
    "O'Hara <x>&amp;",
    "😀 ẞ",
    "a\nb\tc",
    "0",
    "true",
]
TEXTS += ["2024-07-05", "*****", "null", "1.50"]
# Both changes of the clock, and a day of neither.
CHANGES = [datetime(2024, 3, 10), datetime(2024, 11, 3), datetime(2024, 7, 5)]


def random_time():
    day = random.choice(CHANGES) + timedelta(days=random.randint(-1, 1))
    if random.random() < 0.4:
        return day
    hour = random.choice([19, 20, random.randint(0, 23)])
    rest = random.choice([0, 0, 1.003, 1800.497, 3599.58])
    return day + timedelta(hours=hour, seconds=rest)


def random_value(field):
    """Return any value of a field's type as a data set has it."""
    if field.picklist and random.random() < 0.9:
        return random.choice(field.picklist).value
    if field.type == "datetime":
        moment = random_time()
        return f"{moment:%Y-%m-%d}" if field.date_only else moment.isoformat()
    if field.type == "boolean":
        return random.random() < 0.5
    if field.type in ("double", "decimal", "float"):
        return random.choice(["0", "-1.5", "0.0001", "1234567.8912", "12.50"])
    if field.type in ("integer", "long", "short"):
        return random.choice([0, -1, 1, 4, 30_000])
    return random.choice(TEXTS)[: field.length or None]


UDF_TEXTS = {
    "double": ["0", "12.50", "-0.0001", "1e3"],
    "boolean": ["true", "false", "1", "0"],
    "string": TEXTS,
}


def random_udf(udf):
    if udf.picklist:
        return random.choice(udf.picklist).value
    if udf.type == "datetime":
        return random_time().isoformat()
    return random.choice(UDF_TEXTS[udf.type])


def random_rows(entity, udfs, count):
    """Return records with nearly all fields of an entity filled."""
    for number in range(count):
        row = {
            field.name: random_value(field)
            for field in entity.fields
            if field.name != "id" and random.random() < 0.9
        }
        if udfs:
            row["UserDefinedFields"] = {
                udf.name: random_udf(udf) for udf in udfs if random.random() < 0.9
            }
        yield {"id": RECORD_ID + number, **row}


@pytest.fixture
def showing_nulls(hostile):
    """Return a caller whose instance shows members that are null."""
    caller = hostile[0].connect("Nulls shown")
    changed = caller.call(
        "PATCH",
        f"/instances/{caller.line['instanceId']}",
        {"configuration": {"filter.response.nulls": "false"}},
        authorization=caller.platform,
    )
    assert changed.status == 200, changed.body
    yield caller
    caller.disconnect()


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_random_full_records_of_every_entity_are_put_back(hostile, showing_nulls):
    api, vendor = hostile
    facts = load_facts()
    udfs = seed.hostile(facts).tenants[0].udfs
    tried = []
    for name, entity in facts.items():
        # Records that define fields are metadata at once.
        if not (entity.can_update and entity.is_open) or name.startswith("UserDefined"):
            continue
        rows = [*random_rows(entity, udfs.get(name, ()), 40 if FULL else 2)]
        seeded = vendor.control("POST", "seed", {"rows": {name: rows}})
        assert seeded.status == 200, seeded.body
        caller = random.choice([api, showing_nulls])
        method = random.choice(["PUT", "PATCH"])
        records = listed(caller, name, f"id >= {RECORD_ID}")
        if put_back(caller, vendor, name, records, method):
            tried.append(name)

    assert len(tried) > 60
