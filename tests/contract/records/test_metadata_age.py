"""Metadata that has grown old: who renews it, when, and for how many vendor calls."""

import dataclasses
import itertools
import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from waiting import wait_until

from bridge import web
from bridge.composition import build_context, open_database, open_service
from bridge.settings import Settings
from bridge.store.caches.stored_metadata import (
    metadata_hash,
    read_metadata,
    write_metadata,
)

RENEWAL = {"GetFieldInfo": 1, "getUDFInfo": 1}
HUB = "/elements/api-v2/hubs/crm"
DESCRIPTION = f"{HUB}/objects/accounts/docs?discovery=true"
METADATA = f"{HUB}/objects/accounts/metadata"
HOME = f"{HUB}/accounts/0"
TEXT, DATE, LIST = 1, 2, 3
ACTIVE, GONE = {"IsActive": True}, {"IsActive": False}


class Gate:
    """The way to the vendor, which a test can close for a while."""

    def __init__(self, rate_limiter):
        self._governor = rate_limiter
        self.open = threading.Event()
        self.open.set()

    @contextmanager
    def acquire(self, *arguments, **more):
        assert self.open.wait(120)
        with self._governor.acquire(*arguments, **more) as lease:
            yield lease

    def __getattr__(self, name):
        return getattr(self._governor, name)


class Process:
    """A serving process of the demo's data directory.

    Its clock goes on by a microsecond each time that it is read, unless it is
    advanced, however long the test takes.
    """

    ticks = itertools.count()

    def __init__(self, demo, demo_dir):
        settings = Settings(
            data_dir=demo_dir,
            integration_code=demo["integrationCode"],
            autotask_allow_loopback=True,
        )
        self.ahead, self.begun = timedelta(), datetime.now(UTC)
        self.database = open_database(settings)
        context = build_context(settings, self.database)
        self.gate = Gate(context.rate_limiter)
        self.service = open_service(
            settings, rate_limiter=self.gate, log=context.request_log
        )
        self.context = dataclasses.replace(
            context, backends={"soap": self.service.open_backend}, clock=self.now
        )
        app = Flask("bridge", static_folder=None)
        web.register(app, self.context)
        self.client = app.test_client()

    def serve(self, caller, begun):
        """Begin anew for a caller whose metadata no process has asked for."""
        self.ahead, self.begun = timedelta(), begun
        self.client.environ_base["HTTP_AUTHORIZATION"] = caller.secrets
        self.instance_id = caller.line["instanceId"]
        self.describe()

    def now(self):
        return self.begun + self.ahead + timedelta(microseconds=next(self.ticks))

    def describe(self):
        return self.get(DESCRIPTION)

    def get(self, path):
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def udfs(self):
        """Return the user-defined fields that the metadata names."""
        fields = self.get(METADATA)["fields"]
        return {field["path"]: field["type"] for field in fields if field["custom"]}

    def renewed(self):
        """Tell whether the stored row is of this very minute."""
        _, fetched_at = metadata_hash(self.database, self.instance_id, "Account")
        return self.now() - fetched_at < timedelta(minutes=1)

    def close(self):
        self.context.request_log.flush()
        self.context.rate_limiter.close()
        self.service.close()
        self.database.close()


@pytest.fixture
def newcomer(api):
    newcomer = api.connect("Growing old")
    yield newcomer
    newcomer.disconnect()


@pytest.fixture(scope="module")
def pair(demo, demo_dir):
    pair = [Process(demo, demo_dir) for _ in range(2)]
    yield pair
    for process in pair:
        process.close()


@pytest.fixture
def processes(pair, newcomer, vendor):
    begun = datetime.now(UTC)
    for process in pair:
        process.serve(newcomer, begun)
    vendor.forget()
    yield pair
    vendor.control("DELETE", "faults")


@pytest.fixture
def define(vendor):
    """Seed a user-defined field of accounts; all are gone afterwards."""
    rows = []

    def define(name=None, kind=TEXT, **more):
        row = {"Name": name or f"New {secrets.token_hex(4)}", "UdfType": 1}
        row |= {"DataType": kind, **ACTIVE, **more}
        row["id"] = _seed(vendor, row)
        rows.append(row)
        return row

    yield define
    for row in rows:
        _seed(vendor, row | GONE)


def _seed(vendor, row):
    rows = {"UserDefinedFieldDefinition": [row]}
    answer = vendor.control("POST", "seed", {"rows": rows})
    assert answer.status == 200, answer.body
    [made] = answer.json()["ids"]["UserDefinedFieldDefinition"]
    return made


def shown(record):
    items = record["userDefinedFields"]["userDefinedField"]
    return {item["name"]: item.get("value") for item in items}


def disturb(vendor, **fault):
    """Let calls for fields go wrong."""
    fault["operation"] = "GetFieldInfo"
    assert vendor.control("POST", "faults", fault).status == 200


def test_what_is_past_its_lifetime_is_renewed_behind_the_answer(processes, vendor):
    first, second = processes
    known = first.describe()
    first.gate.open.clear()
    first.ahead = second.ahead = timedelta(hours=2)

    try:
        assert first.describe() == known
        assert not first.renewed()
        assert second.describe() == known
    finally:
        first.gate.open.set()

    wait_until(first.renewed)
    second.ahead += timedelta(seconds=11)
    assert second.describe() == first.describe() == known
    assert vendor.calls() == RENEWAL


def test_what_is_many_lifetimes_old_is_renewed_first(processes, vendor):
    process, _ = processes
    process.ahead = timedelta(days=3)

    process.describe()

    assert process.renewed()
    assert vendor.calls() == RENEWAL


def test_even_that_is_served_when_the_vendor_fails(processes, vendor):
    process, _ = processes
    known, fields = process.describe(), process.udfs()
    process.ahead = timedelta(days=3)
    disturb(vendor, kind="fault", times=20)

    assert process.udfs() == fields
    assert process.describe() == known
    assert not process.renewed()


def test_a_doubted_value_is_looked_up_once_by_all_processes(processes, vendor):
    for process in processes:
        process.ahead = timedelta(minutes=11)

    for process in processes:
        answer = process.client.post(
            "/elements/api-v2/hubs/crm/accounts", json={"accountType": 4242}
        )
        assert answer.status_code == 400
        assert "accountType cannot be 4242" in answer.json["message"]

    assert vendor.calls() == RENEWAL


def test_a_doubt_renews_what_has_just_expired_once(processes, vendor):
    process, _ = processes
    lifetime = timedelta(seconds=process.context.settings.metadata_cache_ttl_s)
    process.ahead = lifetime - timedelta(seconds=2)
    process.describe()
    # The process compared it with the database a moment ago, and then it expired.
    process.ahead = lifetime + timedelta(seconds=2)

    answer = process.client.get(f"{HUB}/accounts?where=nonsense='x'")

    assert answer.status_code == 400
    process.ahead += timedelta(minutes=2)
    wait_until(lambda: not any(t.name == "metadata" for t in threading.enumerate()))
    assert vendor.calls() == RENEWAL


def in_where(process, name):
    return process.client.get(f"{HUB}/accounts?where=`{name}`='x'")


def in_double_condition(process, name):
    return process.client.get(f"{HUB}/accounts?where=id=0 and not ({name} in ('x'))")


def in_patch(process, name):
    item = {"name": name, "value": "x"}
    return process.client.patch(HOME, json={"userDefinedFields": [item]})


def as_a_member(process, name):
    return process.client.put(f"{HOME}?dryRun=true", json={name: "x"})


def in_post(process, name):
    body = {"accountType": 1, "phone": "1", "ownerResourceID": 4, "accountName": name}
    item = {"name": name, "value": "x"}
    return process.client.post(
        f"{HUB}/accounts", json={**body, "userDefinedFields": [item]}
    )


def in_dry_run(process, name):
    item = {"name": name, "value": "x"}
    answer = process.client.patch(
        f"{HUB}/Account/0?dryRun=true", json={"userDefinedFields": [item]}
    )
    assert answer.json["problems"] == []
    assert name in answer.json["request"]
    return answer


def in_fields(process, name):
    return process.client.get(f"{HUB}/accounts?fields=phone,{name}&pageSize=1")


def in_fields_of_one(process, name):
    return process.client.get(f"{HOME}?fields={name.lower()}")


def in_order(process, name):
    return process.client.get(f"{HUB}/accounts?orderBy={name} desc&where=id<9")


def by_reading(process, name):
    """A field that no request names: only the record does."""
    assert name in shown(process.get(HOME))
    return process.client.get(HOME)


EVERYWHERE = [
    in_where,
    in_double_condition,
    in_patch,
    as_a_member,
    in_post,
    in_dry_run,
    in_fields,
    in_fields_of_one,
    in_order,
    by_reading,
]


@pytest.mark.parametrize("request_with", EVERYWHERE)
def test_a_new_name_is_looked_up_at_once_and_all_agree(
    processes, vendor, define, request_with
):
    first, second = processes
    name = define(f"New{secrets.token_hex(4)}")["Name"]

    answer = request_with(first, name)

    assert answer.status_code == 200, answer.text
    assert "such field" not in answer.headers.get("Elements-Error", "")
    assert vendor.calls().items() >= RENEWAL.items()
    vendor.forget()
    assert name in first.udfs()
    assert name in second.udfs()
    for repeated in (in_where, in_patch, in_fields, in_order):
        again = repeated(second, name)
        assert again.status_code == 200, again.text
        assert "such field" not in again.headers.get("Elements-Error", "")
    assert not vendor.calls().keys() & RENEWAL.keys()


def test_an_unknown_name_is_looked_up_once_a_minute_by_all_processes(processes, vendor):
    def ask():
        for process in processes:
            for request_with in (in_where, in_patch, in_fields, in_order):
                answer = request_with(process, "Nowhere")
                said = answer.text + answer.headers.get("Elements-Error", "")
                assert "Nowhere" in said
                refused = request_with in (in_where, in_patch)
                assert answer.status_code == (400 if refused else 200)
        return {name: n for name, n in vendor.calls().items() if name in RENEWAL}

    assert ask() == RENEWAL
    for process in processes:
        process.ahead = timedelta(seconds=59)
    assert ask() == RENEWAL
    for process in processes:
        process.ahead = timedelta(seconds=61)
    assert ask() == {name: 2 * n for name, n in RENEWAL.items()}


def test_calls_in_doubt_at_the_same_time_wait_for_one_look_up(
    processes, vendor, define
):
    name = define()["Name"]
    disturb(vendor, kind="delay", seconds=0.3)

    def where(process):
        return in_where(process, name).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(where, 4 * processes))

    assert answers == [200] * 8
    assert vendor.calls().items() >= RENEWAL.items()


def test_after_a_failed_look_up_names_are_refused_from_the_cache(processes, vendor):
    first, second = processes
    disturb(vendor, kind="http401")

    assert in_where(first, "Nowhere").status_code == 401
    vendor.forget()
    assert in_where(second, "Nowhere").status_code == 400
    assert in_fields(second, "Nowhere").status_code == 200
    assert vendor.calls() == {"query": 1}


def test_fields_read_on_first_use_are_not_looked_up_again(processes, vendor):
    process, _ = processes

    answer = process.client.get(f"{HUB}/products?where=nowhere=1")

    assert answer.status_code == 400
    assert vendor.calls() == RENEWAL


def test_metadata_that_is_a_minute_old_is_renewed_for_who_asks_for_it(
    processes, vendor, define
):
    first, second = processes
    name = define()["Name"]
    first.ahead = second.ahead = timedelta(seconds=61)

    assert name in first.udfs()
    assert name in second.udfs()
    assert vendor.calls() == RENEWAL


def test_the_type_of_leads_is_looked_up_for_a_new_lead(processes, vendor):
    process, _ = processes
    stored = read_metadata(process.database, process.instance_id, "Account")
    older = json.loads(stored.payload)
    [account_type] = [info for info in older if info["name"] == "AccountType"]
    account_type["picklist"] = [
        item for item in account_type["picklist"] if item["label"] != "Lead"
    ]
    write_metadata(
        process.database,
        process.instance_id,
        "Account",
        json.dumps(older).encode(),
        fetched_at=process.now(),
    )
    process.ahead = timedelta(seconds=11)
    lead = {
        "accountName": f"Lead {secrets.token_hex(4)}",
        "phone": "1",
        "ownerResourceID": 4,
    }

    answer = process.client.post(f"{HUB}/leads", json=lead)

    assert answer.status_code == 200, answer.text
    assert vendor.calls() == {**RENEWAL, "create": 1, "query": 1}


@pytest.mark.parametrize(
    "request_with", [in_where, as_a_member, in_fields, in_order, in_fields_of_one]
)
def test_a_new_standard_field_is_looked_up_too(processes, vendor, request_with):
    first, second = processes
    stored = read_metadata(first.database, first.instance_id, "Account")
    older = [info for info in json.loads(stored.payload) if info["name"] != "City"]
    write_metadata(
        first.database,
        first.instance_id,
        "Account",
        json.dumps(older).encode(),
        fetched_at=first.now(),
    )
    for process in processes:
        process.ahead = timedelta(seconds=11)
        assert "city" not in process.describe()["definitions"]["Account"]["properties"]

    answer = request_with(second, "city")

    assert answer.status_code == 200, answer.text
    assert "city" not in answer.headers.get("Elements-Error", "")
    assert vendor.calls().items() >= RENEWAL.items()
    assert "city" in {field["path"] for field in first.get(METADATA)["fields"]}


def test_what_is_shown_is_taken_back(processes, vendor, define):
    first, second = processes
    text, day = define()["Name"], define(kind=DATE)["Name"]
    home = first.get(HOME)
    given = {text: "x", day: "2024-07-05T22:30:00+0000"}
    items = [{"name": name, "value": value} for name, value in given.items()]

    changed = second.client.patch(HOME, json={"userDefinedFields": items})
    put = first.client.put(HOME, json=changed.json)

    assert {text, day} <= shown(home).keys()
    assert shown(changed.json).items() >= given.items()
    assert shown(put.json) == shown(changed.json)


def test_a_new_time_is_shown_as_times_are(processes, vendor, define):
    first, second = processes
    name = define(kind=DATE)["Name"]
    items = [{"name": name, "value": "2024-07-05T22:30:00+0000"}]
    first.client.patch(HOME, json={"userDefinedFields": items})
    vendor.forget()

    assert shown(second.get(HOME))[name] == "2024-07-05T22:30:00+0000"
    listed = second.get(f"{HUB}/accounts?pageSize=1")
    assert shown(listed[0])[name] == "2024-07-05T22:30:00+0000"
    assert vendor.calls() == {"query": 2}


def test_a_renamed_field_goes_both_ways_though_the_minute_is_not_over(
    processes, vendor, define
):
    first, second = processes
    row = define()
    assert in_patch(first, row["Name"]).status_code == 200
    old = first.get(HOME)
    renamed = f"Later {secrets.token_hex(4)}"
    _seed(vendor, row | {"Name": renamed})
    vendor.forget()

    for process in processes:
        home = process.get(HOME)
        assert shown(home)[renamed] == "x"
        assert process.client.put(HOME, json=home).json == home
    assert vendor.calls() == {"query": 4}
    first.ahead = second.ahead = timedelta(seconds=61)
    assert renamed in shown(first.get(HOME))
    gone = second.client.put(HOME, json=old)
    assert gone.status_code == 400
    assert f"no user-defined field {row['Name']}" in gone.json["message"]


def test_a_removed_field_without_a_value_breaks_no_record_read_before(
    processes, vendor, define
):
    process, _ = processes
    row = define()
    old = process.get(HOME)
    _seed(vendor, row | GONE)
    vendor.forget()

    cached = process.client.put(HOME, json=old)
    assert cached.status_code == 200, cached.text
    assert vendor.calls() == {"query": 1}
    process.ahead = timedelta(seconds=61)
    put = process.client.put(HOME, json=old)

    assert put.status_code == 200
    assert row["Name"] not in shown(put.json)
    assert row["Name"] in put.headers["Elements-Error"]


def test_a_label_of_a_new_item_is_looked_up(processes, vendor, define):
    first, second = processes
    row = define(kind=LIST)
    first.udfs()
    item = {"UdfFieldId": row["id"], "ValueForExport": "g", "ValueForDisplay": "Gold"}
    rows = {"UserDefinedFieldListItem": [item | ACTIVE]}
    assert vendor.control("POST", "seed", {"rows": rows}).status == 200
    items = [{"name": row["Name"], "value": "g"}]
    assert (
        first.client.patch(HOME, json={"userDefinedFields": items}).status_code == 200
    )

    labelled = second.get(f"{HOME}?labels=true")

    [item] = [
        item
        for item in labelled["userDefinedFields"]["userDefinedField"]
        if item["name"] == row["Name"]
    ]
    assert item["label"] == "Gold"
