"""Times: the vendor's Eastern inside, UTC outside, days without a zone."""

from urllib.parse import quote

import pytest

TASK = {"projectID": 4, "status": 1, "taskType": 1, "title": "Survey site"}


def create(api, resource, body):
    answer = api.call("POST", f"/hubs/crm/{resource}", body)
    assert answer.status == 200, answer.body
    return answer.json()


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-08T06:59:59",
        "2026-03-08T07:00:01",
        "2026-11-01T04:59:59",
        "2026-11-01T05:30:00",
        "2026-11-01T07:00:01",
        "2026-07-04T00:00:00",
        "2026-01-01T05:00:01",
        "1999-12-31T23:59:59",
    ],
)
def test_a_time_reads_back_as_it_was_sent(api, moment):
    task = create(api, "tasks", {**TASK, "startDateTime": f"{moment}Z"})

    assert task["startDateTime"] == f"{moment}+0000"
    found = api.get(
        "/hubs/crm/tasks?where="
        + quote(f"id = {task['id']} and startDateTime = '{moment}Z'")
    )
    assert [record["id"] for record in found.json()] == [task["id"]]


def test_an_instant_at_the_vendors_midnight_is_stored_as_the_day(api):
    task = create(api, "tasks", {**TASK, "startDateTime": "2026-01-01T05:00:00Z"})

    assert task["startDateTime"] == "2026-01-01T00:00:00+0000"


def test_the_repeated_hour_reads_as_its_first_pass(api):
    task = create(api, "tasks", {**TASK, "startDateTime": "2026-11-01T06:30:00Z"})

    assert task["startDateTime"] == "2026-11-01T05:30:00+0000"


def test_an_offset_is_honoured(api):
    task = create(api, "tasks", {**TASK, "startDateTime": "2026-06-01T12:00:00+0200"})

    assert task["startDateTime"] == "2026-06-01T10:00:00+0000"


@pytest.mark.parametrize(
    "form", ["6/30/2019", "6/30/19", "2019-06-30", "2019-06-30T00:00:00Z"]
)
def test_a_day_stays_that_day(api, vendor, form):
    opportunity = create(
        api,
        "opportunities",
        {
            "accountID": 0,
            "amount": "980.00",
            "cost": "410",
            "createDate": "3/1/19",
            "ownerResourceID": 4,
            "probability": "40",
            "projectedCloseDate": form,
            "stage": "29682774",
            "status": 0,
            "title": "Lobby screens",
            "useQuoteTotals": False,
        },
    )

    assert opportunity["projectedCloseDate"] == "2019-06-30T00:00:00+0000"
    assert opportunity["createDate"] == "2019-03-01T00:00:00+0000"
    row = vendor.control("GET", f"rows/Opportunity/{opportunity['id']}").body.decode()
    assert ">2019-06-30T00:00:00</ProjectedCloseDate>" in row
    changed = api.call(
        "PATCH", f"/hubs/crm/opportunities/{opportunity['id']}", {"title": "Other"}
    )
    assert changed.json()["projectedCloseDate"] == "2019-06-30T00:00:00+0000"


@pytest.mark.parametrize(
    ("operator", "holds"),
    [("=", True), (">=", True), ("<=", True), ("<", False), (">", False)],
)
def test_of_a_value_compared_to_a_day_only_the_day_counts(api, operator, holds):
    known = api.get("/hubs/crm/opportunities?pageSize=1").json()[0]
    day = known["projectedCloseDate"][:10]

    found = api.get(
        "/hubs/crm/opportunities?where="
        + quote(
            f"id = {known['id']} and projectedCloseDate {operator} '{day}T12:30:00Z'"
        )
    )

    assert [record["id"] for record in found.json()] == [known["id"]] * holds


def test_a_stored_fraction_survives_an_update_of_something_else(api, vendor):
    task = create(api, "tasks", {**TASK, "startDateTime": "2026-06-01T12:00:00.580Z"})
    path = f"rows/Task/{task['id']}"
    stamp = '<StartDateTime xsi:type="xsd:dateTime">2026-06-01T08:00:00.58<'
    assert stamp in vendor.control("GET", path).body.decode()

    answer = api.call("PUT", f"/hubs/crm/tasks/{task['id']}", {**task, "title": "New"})

    assert answer.status == 200, answer.body
    assert stamp in vendor.control("GET", path).body.decode()
