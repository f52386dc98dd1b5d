"""The hostile data set through client and facade: all of it arrives as it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from bridge.sandbox.data import seed
from bridge.sandbox.facts.loader import load_facts

FORBIDDEN = dict.fromkeys(set(range(32)) - {9, 10, 13})
RESOURCES = {
    "accounts": "Account",
    "contacts": "Contact",
    "opportunities": "Opportunity",
    "products": "Product",
    "tasks": "Task",
    "users": "ClientPortalUser",
}


class Facade:
    """The API in front of the hostile simulator."""

    def __init__(self, line):
        self.base = f"{line['baseUrl']}/hubs/crm"
        self.authorization = (
            f"User {line['userSecret']}, Organization {line['organizationSecret']}, "
            f"Element {line['elementToken']}"
        )

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"{self.base}/{path}", method=method)
        request.add_header("Authorization", self.authorization)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def facade(tmp_path_factory):
    command = (sys.executable, "-m", "bridge", "demo", "--seed", "hostile", "--json")
    process = subprocess.Popen(
        [*command, "--port", "0", "--sandbox-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path_factory.mktemp("hostile"),
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        start_new_session=True,
    )
    with process:
        yield Facade(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        process.wait(120)


@pytest.fixture(scope="module")
def rows():
    (tenant,) = seed.hostile(load_facts()).tenants
    return {name: list(some) for name, some in tenant.rows.items()}


def as_read(text):
    """Return what a reader of XML can know of a text."""
    return text.translate(FORBIDDEN)


def texts_of(row):
    return {
        name.lower(): as_read(value)
        for name, value in row.items()
        if isinstance(value, str)
    }


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_record_arrives_with_its_texts(facade, rows, resource):
    status, found = facade.call("GET", f"{resource}?pageSize=500")

    assert status == 200
    expected = {row["id"]: row for row in rows[RESOURCES[resource]]}
    arrived = {
        record["id"]: {name.lower(): value for name, value in record.items()}
        for record in found
    }
    assert set(expected) <= set(arrived)
    for number, row in expected.items():
        for name, text in texts_of(row).items():
            assert arrived[number][name] == text, (number, name)


def test_user_defined_fields_keep_their_names(facade, rows):
    _, account = facade.call("GET", "accounts/2147483648")

    shown = account["userDefinedFields"]["userDefinedField"]

    assert [udf["name"] for udf in shown] == [
        "<b>\"Bold\" & 'brave'</b>",
        "Größe «名前» Ωμέγα",
        "]]>",
        "id",
        "{0} %s ${x}",
    ]


def test_ids_beyond_what_floats_hold_are_exact(facade):
    _, contact = facade.call("GET", "contacts/9007199254740993")

    assert contact["id"] == contact["accountID"] == 9007199254740993


def test_texts_of_full_length_arrive_whole(facade, rows):
    first = rows["Opportunity"][0]

    _, found = facade.call("GET", f"opportunities/{first['id']}")

    assert found["description"] == first["Description"]
    assert len(found["description"]) == 8000


@pytest.mark.parametrize(
    "where",
    [
        "accountName = '</AccountName></Entity>]]><!-- '",
        "accountID = 2147483648",
        "firstName = 'Robert'');--'",
        "lastName LIKE '%]]>%'",
        "lastName = '👩‍👩‍👧‍👦'",
    ],
)
def test_hostile_values_in_a_condition(facade, where):
    resource = "accounts" if "accountName" in where else "contacts"

    status, found = facade.call("GET", f"{resource}?where={quote(where)}")

    assert status == 200
    assert isinstance(found, list)


def test_a_hostile_record_is_created_and_changed(facade):
    texts = {"firstName": "\u202e<&>\"'", "lastName": "😀" * 25, "title": " "}
    body = {"accountID": 2147483648, "active": 1, **texts}

    status, made = facade.call("POST", "contacts", body)
    assert status == 200, made
    assert made["id"] > 9007199254740993
    status, changed = facade.call("PATCH", f"contacts/{made['id']}", {"title": "]]>"})

    assert status == 200, changed
    _, found = facade.call("GET", f"contacts/{made['id']}")
    assert {name: found[name] for name in texts} == {**texts, "title": "]]>"}
