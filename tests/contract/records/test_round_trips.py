"""What is put back as it was read is not written, whatever its type."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.sandbox.data import seed
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
    "AccountType": 1,
    "Active": True,
    "OwnerResourceID": 4,
    "Phone": "1",
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
def test_another_spelling_of_a_user_defined_value_changes_nothing(api, vendor, values):
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
        process.wait(60)
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
    # Not 2 o'clock, which the spring change leaves out.
    hour = random.choice([0, 1, 3, 9, 19, 20, 23])
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


# A caller in a zone of its own writes a time, reads it, asks for it and puts it back.
# The rules below are the design's, and know nothing of the product.

CALLERS = ["America/New_York", "Europe/Berlin", "Australia/Sydney"]
FIELDS = {
    "day": ("opportunities", "projectedCloseDate"),
    "by value": ("tasks", "startDateTime"),
    "user-defined": ("accounts", "Renewal Date"),
    "instant": ("Ticket", "dueDateTime"),
}
FORMS = {
    "iso": lambda moment: moment.isoformat(),
    "no colon": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S%z}",
    "dotnet": lambda moment: f"{moment:%m/%d/%Y %I:%M:%S %p %z}",
}
WALLS = st.builds(
    lambda day, quarters, seconds: (
        day + timedelta(minutes=15 * quarters, seconds=seconds)
    ),
    st.sampled_from([*CHANGES, datetime(2024, 3, 31), datetime(2024, 10, 6)]),
    st.integers(-100, 100)
    # Midnight here, midnight UTC and midnight at the vendor's, seen from each zone.
    | st.sampled_from([0, 4, 8, 16, 20, 24, 40, 44, 56, 60, 76, 80]),
    st.sampled_from([0, 0, 0, 1, 59]),
)


def stored(kind, written):
    """Return what the vendor has of a time that was written: its own wall time."""
    if kind != "instant" and written.time() == time():
        return written.replace(tzinfo=None)
    # The repeated hour is read as its first pass.
    return written.astimezone(EASTERN).replace(tzinfo=None, fold=0)


def seen(kind, wall):
    """Return the instant at which callers see what the vendor has."""
    if kind != "instant" and wall.time() == time():
        return wall.replace(tzinfo=UTC)
    return wall.replace(tzinfo=EASTERN).astimezone(UTC)


class Field:
    """A member of one record, as any of the callers reads and writes it."""

    def __init__(self, api, vendor, kind):
        self.api, self.vendor, self.kind = api, vendor, kind
        self.resource, self.member = FIELDS[kind]
        self.id = api.get(f"/hubs/crm/{self.resource}?pageSize=1").json()[0]["id"]
        self.path = f"/hubs/crm/{self.resource}/{self.id}"

    def write(self, text):
        """Send a value; return the instant that is then shown, and the writes made."""
        body = {self.member: text}
        if self.kind == "user-defined":
            body = {UDFS: [{"name": self.member, "value": text}]}
        self.vendor.forget()
        answer = self.api.call("PATCH", self.path, body)
        assert answer.status == 200, (text, answer.body)
        record = answer.json()
        if self.kind == "user-defined":
            record = {
                u["name"]: u.get("value") for u in record[UDFS]["userDefinedField"]
            }
        shown = datetime.fromisoformat(record[self.member])
        return shown, self.vendor.calls().get("update", 0)

    def found(self, text):
        """Return the signs by which the record is found with a value."""
        signs = ("=", "!=", "<", "<=", ">", ">=")
        where = "id = {} and `{}` {} '{}'"
        found = set()
        for sign in signs:
            asked = quote(where.format(self.id, self.member, sign, text))
            answer = self.api.get(f"/hubs/crm/{self.resource}?where={asked}")
            assert answer.status == 200, answer.body
            found |= {sign} if answer.json() else set()
        return found


def expected_signs(kind, shown, text_time):
    """Return the signs by which a shown instant is found with a time in a zone."""
    if kind == "day":
        wanted = {text_time.replace(hour=0, minute=0, second=0, tzinfo=UTC)}
    elif kind == "instant" or text_time.time() != time():
        wanted = {text_time.astimezone(UTC)}
    else:
        wanted = {text_time.astimezone(UTC), text_time.replace(tzinfo=UTC)}
    return {
        sign
        for sign, holds in {
            "=": shown in wanted,
            "!=": shown not in wanted,
            "<": shown < min(wanted),
            ">=": shown >= min(wanted),
            "<=": shown <= max(wanted),
            ">": shown > max(wanted),
        }.items()
        if holds
    }


@pytest.fixture(scope="module")
def counted():
    """Count the times that look like days, and those that are not read as written."""
    counted = Counter()
    yield counted
    print(dict(counted))


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FIELDS)
@settings(
    max_examples=1_000 if FULL else 15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wall=WALLS, zone=st.sampled_from(CALLERS), form=st.sampled_from([*FORMS]))
@example(wall=datetime(2024, 7, 5, 2), zone="Europe/Berlin", form="iso")
@example(wall=datetime(2024, 11, 3, 11), zone="Australia/Sydney", form="dotnet")
def test_a_time_survives_write_read_filter_and_write(
    api, vendor, counted, kind, wall, zone, form
):
    here = ZoneInfo(zone)
    field = Field(api, vendor, kind)
    if kind == "day":
        wall = datetime.combine(wall, time())
    written = wall.replace(tzinfo=here)

    shown, _ = field.write(FORMS[form](written))

    assert shown == seen(kind, stored(kind, written))
    again = shown.astimezone(here)
    is_day = stored(kind, written).time() == time()
    counted[kind] += 1
    counted["looks like a day"] += shown.time() == time() and not is_day
    counted["read otherwise"] += shown != written
    assert field.found(FORMS[form](again)) == expected_signs(kind, shown, again)
    assert field.write(FORMS[form](again)) == (shown, 0)
