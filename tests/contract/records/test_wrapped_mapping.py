"""A mapping that wraps the catalogue's: callers speak its names everywhere."""

import dataclasses
import re
import uuid
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from in_process import serve_in_process

from bridge.ceql.ast import Literal, Operator, all_of
from bridge.services.records.mapping import RecordMapping

HUB = "/elements/api-v2/hubs/crm"
NAMES = {
    "AccountName": "firma",
    "OwnerResourceID": "besitzer",
    "ParentAccountID": "mutter",
    "CreateDate": "angelegt",
}


@dataclass(frozen=True, slots=True)
class GermanMapping(RecordMapping):
    """Some fields of accounts under other names, an id and a day as texts."""

    inner: RecordMapping

    @property
    def metadata(self):
        inner = self.inner.metadata

        def compile_renamed(*row):
            fields = inner.kind.compile(*row)
            held = {name: NAMES[name] for name in NAMES if name in fields.standard}
            return fields.renamed(held, {"id": "string", "CreateDate": "string"})

        kind = dataclasses.replace(inner.kind, compile=compile_renamed)
        return dataclasses.replace(inner, name=f"{inner.name} in German", kind=kind)

    def read_body(self, body):
        return self.inner.read_body({name: iso(body[name]) for name in body})

    def read_condition(self, fields, predicate):
        if predicate.field != "angelegt" or predicate.operator is not Operator.EQUAL:
            return self.inner.read_condition(fields, predicate)
        # The shown day is a span of the stored instants.
        first = date.fromisoformat(iso(predicate.values[0].text))
        ends = {
            Operator.GREATER_OR_EQUAL: first,
            Operator.LESS: first + timedelta(days=1),
        }
        tests = [
            dataclasses.replace(
                predicate, operator=operator, values=(Literal(f"{day}T00:00:00Z"),)
            )
            for operator, day in ends.items()
        ]
        return all_of(*(self.inner.read_condition(fields, test) for test in tests))

    def to_record(self, entity, nulls=()):
        shown = self.inner.to_record(entity, nulls)
        names = {self.resource.member_of(name): NAMES[name] for name in NAMES}
        record = {names.get(name, name): value for name, value in shown.items()}
        if "angelegt" in record:
            record["angelegt"] = f"{record['angelegt']:%d.%m.%Y}"
        return record | {"id": str(record["id"])}


def iso(value):
    """Return a day as the vendor's fields take it."""
    found = re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4})", str(value))
    return "-".join(found.groups()[::-1]) if found else value


def in_german(mapping):
    if mapping.resource.name != "accounts":
        return mapping
    state = [getattr(mapping, f.name) for f in dataclasses.fields(RecordMapping)]
    return GermanMapping(*state, mapping)


@pytest.fixture(scope="module")
def german(demo, demo_dir):
    with serve_in_process(demo, demo_dir, wrap_mapping=in_german) as client:
        yield client


@pytest.fixture(scope="module")
def plain(demo, demo_dir):
    with serve_in_process(demo, demo_dir) as client:
        yield client


@pytest.fixture
def firma():
    return f"Hafen {uuid.uuid4().hex}"


@pytest.fixture
def body(firma):
    return {"firma": firma, "accountType": "1", "besitzer": "4", "phone": "555"}


def create(client, body, **headers):
    answer = client.post(f"{HUB}/accounts", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_record_is_created_read_changed_and_listed(german, plain, body, firma):
    created = create(german, body)

    assert isinstance(created["id"], str)
    assert created["firma"] == firma
    assert created["besitzer"] == 4
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4}", created["angelegt"])
    assert "accountName" not in created
    path = f"{HUB}/accounts/{created['id']}"
    assert german.get(path).json == created
    assert plain.get(path).json["accountName"] == firma
    changed = german.patch(path, json={**created, "firma": f"{firma} 2"})
    assert changed.status_code == 200, changed.text
    assert changed.json["firma"] == f"{firma} 2"
    assert plain.get(path).json["accountName"] == f"{firma} 2"


@pytest.mark.parametrize("name", ["firma", "FIRMA", "AccountName", "accountName"])
def test_filters_know_the_new_names_and_the_old(german, body, firma, name):
    created = create(german, body)

    where = f"{name} = '{firma}' and id = '{created['id']}'"
    found = german.get(f"{HUB}/accounts", query_string={"where": where})

    assert found.json == [created]


def test_a_filter_compares_values_as_they_are_shown(german, body, firma):
    created = create(german, body)

    def found(day):
        where = {"where": f"firma = '{firma}' and angelegt = '{day}'"}
        return german.get(f"{HUB}/accounts", query_string=where).json

    assert found(created["angelegt"]) == [created]
    assert found("22.02.2022") == []


def test_lists_are_sorted_and_reduced(german, body, firma):
    for letter in "bca":
        create(german, {**body, "firma": f"{firma} {letter}"})

    found = german.get(
        f"{HUB}/accounts",
        query_string={
            "where": f"firma like '{firma}%'",
            "orderBy": "firma desc",
            "fields": "firma",
        },
    )

    assert [record["firma"][-1] for record in found.json] == ["c", "b", "a"]
    assert {frozenset(record) for record in found.json} == {frozenset({"id", "firma"})}


def test_pages_and_totals(german, plain, body, firma):
    for _ in range(3):
        create(german, body)
    query = {"where": f"firma = '{firma}'", "pageSize": 2, "returnTotalCount": "true"}

    first = german.get(f"{HUB}/accounts", query_string=query)
    second = german.get(f"{HUB}/accounts", query_string={**query, "page": 2})

    assert [len(first.json), len(second.json)] == [2, 1]
    assert first.headers["Elements-Total-Count"] == "3"
    theirs = {**query, "where": f"accountName = '{firma}'"}
    assert plain.get(f"{HUB}/accounts", query_string=theirs).headers[
        "Elements-Total-Count"
    ] == ("3")


def test_labels_stand_beside_the_new_names(german, body):
    created = create(german, body)

    found = german.get(f"{HUB}/accounts/{created['id']}?labels=true").json

    assert found["besitzerLabel"]
    assert found["accountTypeLabel"]
    assert "ownerResourceIDLabel" not in found
    kept = german.get(f"{HUB}/accounts/{created['id']}?labels=true&fields=besitzer")
    assert kept.json.keys() == {"id", "besitzer", "besitzerLabel"}


def test_problems_name_the_new_names(german, firma):
    answer = german.post(f"{HUB}/accounts", json={"besitzer": "many"})

    assert answer.status_code == 400
    message = answer.json["message"]
    assert "firma is required" in message
    assert "besitzer must be a whole number" in message
    assert "accountName" not in message
    long = german.post(f"{HUB}/accounts", json={"firma": firma * 9, "besitzer": 4})
    assert "firma is too long" in long.json["message"]


def test_field_metadata_and_the_description_have_the_new_names(german):
    fields = german.get(f"{HUB}/objects/accounts/metadata").json["fields"]

    by_path = {field["path"]: field for field in fields}
    assert by_path["firma"]["vendorPath"] == "firma"
    assert by_path["id"]["type"] == by_path["angelegt"]["type"] == "string"
    assert "mask" not in by_path["angelegt"]
    assert "accountName" not in by_path
    api = german.get(f"{HUB}/objects/accounts/docs").json["definitions"]
    assert "firma" in api["Account"]["properties"]
    assert api["Account"]["properties"]["id"]["type"] == "string"
    assert "format" not in api["Account"]["properties"]["angelegt"]
    assert "firma" in api["AccountCreate"]["required"]
    assert "accountName" not in api["AccountCreate"]["properties"]
    assert "accountName" in german.get(f"{HUB}/objects/Account/metadata").text


def test_children_are_linked_by_the_new_name(german, body):
    parent = create(german, body)
    path = f"{HUB}/accounts/{parent['id']}/accounts"

    made = german.post(path, json={**body, "mutter": parent["id"]})

    assert made.status_code == 200, made.text
    assert made.json["mutter"] == int(parent["id"])
    assert [record["id"] for record in german.get(path).json] == [made.json["id"]]
    other = german.post(path, json={**body, "mutter": 1})
    assert f"mutter is {parent['id']} by the path" in other.json["message"]


def test_a_replay_is_shown_under_the_names_of_its_own_time(
    german, plain, vendor, firma
):
    body = {"AccountName": firma, "AccountType": 1, "OwnerResourceID": 4, "Phone": "5"}
    key = uuid.uuid4().hex
    first = plain.post(
        f"{HUB}/accounts?labels=true", json=body, headers={"Idempotency-Key": key}
    )
    vendor.forget()

    again = german.post(
        f"{HUB}/accounts?labels=true", json=body, headers={"Idempotency-Key": key}
    )

    assert again.headers["Idempotency-Replayed"] == "true"
    assert vendor.record_calls() == {}
    assert again.json["firma"] == first.json["accountName"]
    assert again.json["id"] == str(first.json["id"])
    assert again.json["besitzerLabel"] == first.json["ownerResourceIDLabel"]
    back = plain.post(
        f"{HUB}/accounts?labels=true", json=body, headers={"Idempotency-Key": key}
    )
    assert back.json == first.json


def test_a_dry_run_names_the_new_names(german):
    answer = german.post(f"{HUB}/accounts?dryRun=true", json={"besitzer": 4})

    assert any("firma is required" in text for text in answer.json["problems"])
