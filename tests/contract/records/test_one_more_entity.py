"""A table of under ten lines in the catalogue is a working resource."""

import dataclasses
import uuid
from importlib import resources

import pytest
from flask import Flask

from bridge import web
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.catalog.loader import read_element
from bridge.composition import build_context, open_database
from bridge.settings import Settings

TICKETS = """
[resources.tickets]
id = 88900
singular = "ticket"
entity = "Ticket"
verbs = ["list", "get", "create", "update"]
[entities.Ticket]
required = ["DueDateTime", "QueueID"]
"""
QUOTES = """
[resources.quotes]
id = 88910
singular = "quote"
entity = "Quote"
verbs = ["list"]
"""
TICKET = {
    "accountID": "29683561",
    "title": "Printer <on> fire & smoking",
    "status": "1",
    "priority": 1,
    "queueID": 29683354,
    "dueDateTime": "2021-07-01T16:00:00Z",
}


@pytest.fixture(scope="module")
def client(demo, demo_dir):
    """A caller of the facade, served in this process with the longer catalogue."""
    settings = Settings(data_dir=demo_dir, integration_code=demo["integrationCode"])
    soap = SoapService(hosts=HostPolicy(allow_loopback=True))
    shipped = resources.files("bridge.catalog") / "autotaskcrm.toml"
    element = read_element(shipped.read_text("utf-8") + TICKETS + QUOTES, "test.toml")
    database = open_database(settings)
    context = dataclasses.replace(
        build_context(settings, database),
        elements={element.key: element},
        backends={"soap": soap.open_backend},
    )
    app = Flask("bridge", static_folder=None)
    web.register(app, context)
    secrets = (
        f"User {demo['userSecret']}, Organization {demo['organizationSecret']}, "
        f"Element {demo['elementToken']}"
    )
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = secrets
    yield client
    soap.close()
    context.request_log.flush()
    database.close()


HUB = "/elements/api-v2/hubs/crm"


@pytest.mark.parametrize("table", [TICKETS, QUOTES])
def test_the_table_is_short(table):
    assert len(table.strip().splitlines()) < 10


def test_create_read_update_and_find(client):
    ticket = TICKET | {"title": f"Fire {uuid.uuid4().hex}"}

    created = client.post(f"{HUB}/tickets", json=ticket)

    assert created.status_code == 200, created.text
    path = f"{HUB}/tickets/{created.json['id']}"
    assert created.json["dueDateTime"] == "2021-07-01T16:00:00+0000"
    assert created.json["status"] == 1
    assert client.get(path).json == created.json
    changed = client.patch(path, json={"priority": "2"})
    assert changed.status_code == 200, changed.text
    moving = ("priority", "lastActivityDate", "lastTrackedModificationDateTime")
    assert {n: v for n, v in changed.json.items() if n not in moving} == {
        n: v for n, v in created.json.items() if n not in moving
    }
    where = {"where": f"title like '{ticket['title'][:20]}%' and priority = 2"}
    found = client.get(f"{HUB}/tickets", query_string=where)
    assert [record["id"] for record in found.json] == [created.json["id"]]


def test_every_problem_is_named_before_any_vendor_call(client, vendor):
    client.get(f"{HUB}/tickets?where=title='x'")
    vendor.forget()

    answer = client.post(
        f"{HUB}/tickets", json={"accountID": "many", "priority": 77, "title": "x"}
    )

    assert answer.status_code == 400
    for problem in (
        "accountID must be a whole number",
        "priority cannot be 77, one of ",
        "status is required, one of ",
        "dueDateTime is required",
        "queueID is required",
    ):
        assert problem in answer.json["message"]
    assert vendor.record_calls() == {}


def test_its_own_name_and_verbs(client):
    assert client.get(f"{HUB}/tickets/1").json["message"] == (
        "The ticket with ID 1 was not found."
    )
    assert client.delete(f"{HUB}/tickets/1").status_code == 405
    assert client.post(f"{HUB}/quotes", json={}).status_code == 405
    assert client.get(f"{HUB}/quotes").status_code == 200


def test_the_shipped_catalogue_has_none(api):
    assert api.get("/hubs/crm/tickets").status == 404
