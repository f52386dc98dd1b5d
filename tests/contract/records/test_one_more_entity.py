"""A table of under ten lines in the catalogue is a working resource."""

import uuid
from importlib import resources

import pytest
from in_process import serve_in_process

from bridge.catalog.loader import read_element

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
    shipped = resources.files("bridge.catalog") / "autotaskcrm.toml"
    element = read_element(shipped.read_text("utf-8") + TICKETS + QUOTES, "test.toml")
    elements = {element.key: element}
    with serve_in_process(demo, demo_dir, elements=elements) as client:
        yield client


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
