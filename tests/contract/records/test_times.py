"""Times: the vendor's Eastern inside, UTC outside, days without a zone."""

import re
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


# Of each entity some record with dates, past all rules.
ROWS = {
    "Phase": {"ProjectID": 4, "Title": "Set up", "StartDate": "2026-01-05T20:00:00"},
    "Quote": {"Name": "Screens", "EffectiveDate": "2026-01-05T20:00:00"},
    "TimeEntry": {"ResourceID": 4, "DateWorked": "2026-01-05T00:00:00"},
    "Task": {
        "ProjectID": 4,
        "Title": "Look alike",
        "Status": 1,
        "TaskType": 1,
        "StartDateTime": "2024-07-04T20:00:00",
        "EndDateTime": "2024-07-05T00:00:00",
    },
    "Account": {
        "AccountName": "Look alike",
        "AccountType": 1,
        "Active": True,
        "OwnerResourceID": 4,
        "Phone": "1",
        "UserDefinedFields": {
            "Renewal Date": "2024-07-04T20:00:00",
            "Service Tier": "1",
        },
    },
}
ROW_ID = 777_100
DAYS = [
    ("Contract", "endDate"),
    ("Project", "startDateTime"),
    ("TimeEntry", "dateWorked"),
]
BY_VALUE = [
    ("sales-orders", "promisedDueDate"),
    ("Phase", "dueDate"),
    ("Quote", "expirationDate"),
    ("InstalledProduct", "installDate"),
]


@pytest.fixture
def rows(vendor):
    rows = {name: [{"id": ROW_ID, **row}] for name, row in ROWS.items()}
    assert vendor.control("POST", "seed", {"rows": rows}).status == 200


def rehearse(api, name, member, text):
    """Return what an update would send in a member, and the notes."""
    known = api.get(f"/hubs/crm/{name}?pageSize=1&where=id%3E0").json()[0]
    answer = api.call(
        "PATCH", f"/hubs/crm/{name}/{known['id']}?dryRun=true", {member: text}
    )
    assert answer.status == 200, answer.body
    assert answer.json()["problems"] == []
    vendor_name = member[0].upper() + member[1:]
    sent = re.search(rf"<{vendor_name} [^>]*>([^<]*)<", answer.json()["request"])
    return sent[1], answer.headers.get("elements-error", "")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("name", "member"), DAYS + BY_VALUE)
def test_a_day_is_sent_as_that_day(api, name, member):
    for text in (
        "2026-06-30",
        "2026-06-30T00:00:00+0200",
        "06/30/2026 00:00:00",
        "6/30/2026 12:00:00 AM",
    ):
        assert rehearse(api, name, member, text) == ("2026-06-30T00:00:00", "")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("name", "member"), DAYS + BY_VALUE)
def test_another_time_is_sent_as_an_instant_and_named_where_days_are_held(
    api, name, member
):
    sent, note = rehearse(api, name, member, "6/30/2026 3:30 PM")

    assert sent == "2026-06-30T11:30:00"
    assert (f"{member} holds a day" in note) is ((name, member) in DAYS)


@pytest.mark.parametrize(
    ("name", "member", "day", "condition"),
    [
        ("sales-orders", "salesOrderDate", "2021-03-05", "= '2021-03-05'"),
        ("sales-orders", "salesOrderDate", "2021-03-05", "= '03/05/2021 00:00:00'"),
        ("sales-orders", "salesOrderDate", "2021-03-05", "in ('2021-03-05T00:00:00Z')"),
        ("billing-items", "itemDate", "2021-04-01", "= '2021-04-01'"),
        ("billing-items", "itemDate", "2021-04-01", "= '2021-04-01T23:00:00-0500'"),
        ("Contract", "endDate", "2021-12-31", "= '12/31/2021 11:59:59 PM'"),
    ],
)
def test_a_record_is_found_by_its_day(api, name, member, day, condition):
    listed = api.get(f"/hubs/crm/{name}?pageSize=500").json()
    shown = f"{day}T00:00:00+0000"

    found = api.get(f"/hubs/crm/{name}?where={quote(f'{member} {condition}')}").json()

    assert found
    assert found == [record for record in listed if record.get(member) == shown]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    "text",
    [
        "2024-07-05",
        "2024-07-05T00:00:00Z",
        "2024-07-05T02:00:00+0200",
        "7/5/2024 12:00:00 AM",
    ],
)
@pytest.mark.parametrize(
    ("name", "field", "more"),
    [
        ("tasks", "startDateTime", ""),
        ("tasks", "endDateTime", ""),
        ("accounts", "`Renewal Date`", ""),
        # A second user-defined field is tested by the facade itself.
        ("accounts", "`Renewal Date`", "`Service Tier` = '1' and "),
    ],
)
def test_a_day_and_the_instant_that_looks_like_it_compare_alike(
    api, name, field, more, text
):
    signs = {"=": 1, "!=": 0, "<": 0, "<=": 1, ">": 0, ">=": 1, "in": 1, "not in": 0}

    found = {}
    for sign in signs:
        value = f"('{text}')" if "in" in sign else f"'{text}'"
        where = quote(f"{more}id = {ROW_ID} and {field} {sign} {value}")
        found[sign] = len(api.get(f"/hubs/crm/{name}?where={where}").json())

    assert found == signs


@pytest.mark.parametrize("sign", ["=", "!="])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("tasks", "completedDateTime"),
        ("tasks", "startDateTime"),
        ("opportunities", "projectedCloseDate"),
        ("accounts", "parentAccountID"),
        ("accounts", "active"),
        ("accounts", "city"),
        ("accounts", "`Renewal Date`"),
        ("accounts", "`Annual Contract Value`"),
    ],
)
def test_an_empty_value_asks_for_null_on_every_type(api, name, field, sign):
    null = "is null" if sign == "=" else "is not null"

    found, expected = (
        api.get(f"/hubs/crm/{name}?pageSize=500&where={quote(where)}")
        for where in (f"{field} {sign} ''", f"{field} {null}")
    )

    assert found.status == 200, found.body
    assert found.json() == expected.json()
