"""Vendor entities under their own names."""

import pytest

TICKET = {
    "accountID": 0,
    "title": "Lobby screen is dark",
    "status": 1,
    "priority": 1,
    "queueID": 29683354,
    "dueDateTime": "2021-07-01T16:00:00Z",
}
PERSON = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}


def test_a_ticket_is_created_read_changed_and_found(api, vendor):
    api.get("/Ticket?where=title='x'")
    vendor.forget()
    made = api.call("POST", "/hubs/crm/Ticket", TICKET)
    assert made.status == 200, made.body
    assert vendor.calls() == {"create": 1, "query": 1}
    number = made.json()["id"]
    assert made.json()["dueDateTime"] == "2021-07-01T16:00:00+0000"

    changed = api.call("PATCH", f"/ticket/{number}", {"title": "Lit again"})
    assert changed.json() | {"title": "Lit again"} == changed.json()
    assert api.get(f"/TICKET/{number}").json() == changed.json()
    found = api.get("/Ticket?where=title='Lit%20again'").json()
    assert number in [ticket["id"] for ticket in found]


def test_a_resource_and_its_entity_show_the_same_record(api):
    by_resource = api.get("/hubs/crm/opportunities?pageSize=3").json()

    assert api.get("/hubs/crm/Opportunity?pageSize=3").json() == by_resource


def test_dates_of_entities_without_resource_keep_their_day(api):
    project = api.get("/Project?pageSize=1").json()[0]

    assert project["startDateTime"].endswith("T00:00:00+0000")


def test_what_can_be_deleted_is(api, vendor):
    made = api.call("POST", "/Contact", PERSON).json()["id"]
    vendor.forget()

    answer = api.call("DELETE", f"/Contact/{made}")

    assert (answer.status, answer.body) == (200, b"")
    assert vendor.calls() == {"delete": 1}
    again = api.call("DELETE", f"/Contact/{made}")
    assert again.status == 404
    assert again.json()["message"] == f"The Contact with ID {made} was not found."


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("DELETE", "/Account/0", "Method DELETE is not supported for Account."),
        ("DELETE", "/contacts/4", "Method DELETE is not supported for contacts."),
        ("POST", "/Country", "Method POST is not supported for Country."),
        ("PATCH", "/TaskNote/1x", "The TaskNote with ID 1x was not found."),
        ("GET", "/Ticket/999999999", "The Ticket with ID 999999999 was not found."),
        ("GET", "/Nonsense", "No resource or object named Nonsense."),
    ],
)
def test_what_cannot_be_done_is_said_with_the_objects_name(api, method, path, message):
    answer = api.call(method, f"/hubs/crm{path}", {} if method != "GET" else None)

    assert answer.status in (404, 405)
    assert answer.json()["message"] == message


def test_every_problem_of_a_body_is_named_and_nothing_is_sent(api, vendor):
    api.get("/Ticket?where=title='x'")
    vendor.forget()
    body = {**TICKET, "title": "x" * 300, "priority": 977, "dueDateTime": "soon"}
    del body["status"]

    answer = api.call("POST", "/Ticket", body)

    assert answer.status == 400
    for name in ("title is too long", "priority cannot be 977", "status is required"):
        assert name in answer.json()["message"]
    assert "dueDateTime" in answer.json()["message"]
    assert vendor.record_calls() == {}
