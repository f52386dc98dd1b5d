"""The other resources of the element, with the bodies old callers send."""

import itertools
import uuid

import pytest

OPPORTUNITY = {
    "accountID": 0,
    "amount": "980.00",
    "cost": "410",
    "createDate": "3/1/19",
    "ownerResourceID": 4,
    "probability": "40",
    "projectedCloseDate": "6/30/2019",
    "stage": "29682774",
    "status": 0,
    "title": "Lobby screens",
    "useQuoteTotals": False,
}
TASK = {"projectID": 4, "status": 1, "taskType": 1, "title": "Survey site"}
PRODUCT = {
    "name": "Wall mount",
    "active": "true",
    "serialized": 0,
    "productAllocationCodeID": "29682840",
}
PORTAL_USER = {
    "contactID": 29684410,
    "id": "0",
    "userName": "ida@harbor.example",
    "password": "Abc12345",
    "securityLevel": 5,
    "dateFormat": 1,
    "timeFormat": 19,
    "numberFormat": 22,
    "clientPortalActive": True,
}
CONTACT = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}
STORED = {
    "opportunities": {
        "accountID": 0,
        "amount": 980,
        "cost": 410,
        "createDate": "2019-03-01T00:00:00+0000",
        "probability": 40,
        "projectedCloseDate": "2019-06-30T00:00:00+0000",
        "stage": 29682774,
        "status": 0,
        "title": "Lobby screens",
        "useQuoteTotals": False,
    },
    "tasks": TASK,
    "products": {
        "name": "Wall mount",
        "active": True,
        "serialized": False,
        "productAllocationCodeID": 29682840,
    },
    "users": {"securityLevel": 5, "clientPortalActive": True, "timeFormat": 19},
    "customers": {"securityLevel": 5, "clientPortalActive": True, "timeFormat": 19},
}
ALL = (*STORED, "billing-items", "invoices", "sales-orders")


def body_for(api, resource):
    """Return a create body; a portal user gets a contact of its own."""
    bodies = {"opportunities": OPPORTUNITY, "tasks": TASK, "products": PRODUCT}
    if resource in bodies:
        return bodies[resource]
    contact = api.call("POST", "/hubs/crm/contacts", CONTACT).json()
    name = f"ida-{uuid.uuid4().hex[:8]}@harbor.example"
    return {**PORTAL_USER, "contactID": str(contact["id"]), "userName": name}


def first(api, resource):
    return api.get(f"/hubs/crm/{resource}?pageSize=1").json()[0]


@pytest.mark.parametrize("resource", STORED)
def test_create_read_and_send_the_whole_body_again(api, resource):
    body = body_for(api, resource)

    created = api.call("POST", f"/hubs/crm/{resource}", body)

    assert created.status == 200, created.body
    record = created.json()
    assert record | STORED[resource] == record
    assert "elements-error" not in created.headers
    path = f"/hubs/crm/{resource}/{record['id']}"
    assert api.get(path).json() == record
    for method in ("PATCH", "PUT"):
        again = api.call(method, path, body)
        assert again.status == 200, again.body
        assert again.json() | STORED[resource] == again.json()


@pytest.mark.parametrize("resource", ALL)
def test_a_list_is_ascending_pages_are_disjoint_and_each_record_is_read(api, resource):
    records = api.get(f"/hubs/crm/{resource}?pageSize=5000").json()
    ids = [record["id"] for record in records]

    assert ids
    assert ids == sorted(set(ids))
    assert api.get(f"/hubs/crm/{resource}/{ids[-1]}").json() == records[-1]
    page = api.get(f"/hubs/crm/{resource}?pageSize=1")
    assert [record["id"] for record in page.json()] == ids[:1]
    found = api.get(f"/hubs/crm/{resource}?where=id%3D'{ids[0]}'")
    assert [record["id"] for record in found.json()] == ids[:1]


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        *((resource, "DELETE") for resource in ALL),
        ("billing-items", "POST"),
        ("billing-items", "PATCH"),
        ("billing-items", "PUT"),
        ("invoices", "POST"),
        ("sales-orders", "POST"),
    ],
)
def test_a_verb_that_is_not_offered_is_405(api, vendor, resource, verb):
    path = f"/hubs/crm/{resource}" + ("" if verb == "POST" else "/4")

    answer = api.call(verb, path, {})

    assert answer.status == 405
    message = answer.json()["message"]
    assert message.endswith(f" is not supported for {resource}.")
    assert verb not in answer.headers["allow"].split(", ")
    assert vendor.calls() == {}


@pytest.mark.parametrize("body", [b"", b"{", b"null"])
@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("POST", "billing-items", 405),
        ("PATCH", "billing-items/4", 405),
        ("POST", "accounts/4/invoices", 405),
        ("POST", "nothing", 404),
        ("PUT", "nothing/4", 404),
        ("POST", "contacts", 400),
    ],
)
def test_path_and_verb_are_judged_before_a_body_of_no_use(
    api, verb, path, status, body
):
    answer = api.call(verb, f"/hubs/crm/{path}", body)

    assert answer.status == status, answer.body


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("invoices", {"invoiceNumber": "R-77"}),
        ("invoices", {"paidDate": "6/1/2021"}),
        ("sales-orders", {"shipToAddress1": "9 Quay"}),
        ("tasks", {"title": "Survey the roof"}),
        ("products", {"unitPrice": "12.50"}),
        ("opportunities", {"amount": 12.5, "description": "<b>&</b> ]]> 😀"}),
        ("users", {"clientPortalActive": 0}),
    ],
)
def test_a_change_of_one_member_keeps_the_others(api, resource, change):
    before = first(api, resource)
    path = f"/hubs/crm/{resource}/{before['id']}"

    answer = api.call("PATCH", path, change)

    assert answer.status == 200, answer.body
    shown = {
        "paidDate": {"paidDate": "2021-06-01T00:00:00+0000"},
        "unitPrice": {"unitPrice": 12.5},
        "clientPortalActive": {"clientPortalActive": False},
    }.get(next(iter(change)), change)
    after = answer.json()
    assert after | shown == after
    moving = {"lastActivityDateTime", "lastActivity", "dateStamp"} | shown.keys()
    moving |= {"lastActivityResourceID", "lastActivityPersonType"}
    assert {n: v for n, v in after.items() if n not in moving} == {
        n: v for n, v in before.items() if n not in moving
    }
    api.call("PATCH", path, {name: before.get(name) for name in shown})


@pytest.mark.parametrize(
    ("resource", "member", "quoted"),
    [
        ("invoices", "accountID", True),
        ("invoices", "invoiceNumber", True),
        ("sales-orders", "billToCountry", True),
        ("billing-items", "accountID", True),
        ("billing-items", "ourCost", True),
        ("tasks", "projectID", False),
        ("opportunities", "projectedCloseDate", True),
        ("products", "unitCost", False),
        ("users", "userName", True),
        ("customers", "contactID", False),
    ],
)
def test_a_filter_by_a_stored_value_finds_its_records(api, resource, member, quoted):
    records = api.get(f"/hubs/crm/{resource}?pageSize=5000").json()
    value = next(r[member] for r in records if r.get(member) not in (None, ""))
    quote = "%27" if quoted else ""
    text = str(value).replace("+", "%2B").replace(" ", "%20")

    answer = api.get(
        f"/hubs/crm/{resource}?pageSize=5000&where={member}%3D{quote}{text}{quote}"
    )

    assert answer.status == 200, answer.body
    found = [record["id"] for record in answer.json()]
    assert found == [r["id"] for r in records if r.get(member) == value]


def test_a_password_is_required_on_create_and_never_shown(api, vendor):
    body = body_for(api, "users")
    vendor.forget()
    without = {name: value for name, value in body.items() if name != "password"}

    refused = api.call("POST", "/hubs/crm/users", without)

    assert refused.status == 400
    assert "password is required" in refused.json()["message"]
    assert "create" not in vendor.calls()
    created = api.call("POST", "/hubs/crm/users", body)
    path = f"/hubs/crm/users/{created.json()['id']}"
    answers = [
        created,
        api.get(path),
        api.call("PATCH", path, {"password": "Xyz98765"}),
    ]
    assert [answer.status for answer in answers] == [200] * 3
    for answer in [*answers, api.get("/hubs/crm/customers?pageSize=5000")]:
        assert b"assword" not in answer.body
        assert b"Abc12345" not in answer.body


def test_a_password_cannot_be_searched_for(api):
    answer = api.get("/hubs/crm/users?where=password%3D'Abc12345'")

    assert answer.status == 400


@pytest.mark.parametrize("change", ["contactID", "userName"])
def test_a_second_portal_user_of_the_same_kind_is_409(api, change):
    body = body_for(api, "users")
    other = body_for(api, "customers")
    assert api.call("POST", "/hubs/crm/users", body).status == 200

    answer = api.call("POST", "/hubs/crm/customers", {**other, change: body[change]})

    assert answer.status == 409
    assert answer.json()["providerMessage"]


def test_users_and_customers_are_the_same_records(api):
    users = api.get("/hubs/crm/users?pageSize=5000").json()

    assert api.get("/hubs/crm/customers?pageSize=5000").json() == users


def test_date_only_members_keep_their_day(api):
    [record] = api.get("/hubs/crm/opportunities?where=id%3D29684316").json()
    [invoice] = api.get("/hubs/crm/invoices?where=id%3D29684601").json()

    assert record["createDate"] == "2021-01-19T00:00:00+0000"
    assert record["projectedCloseDate"] == "2021-03-05T00:00:00+0000"
    assert invoice["invoiceDateTime"] == "2021-04-30T00:00:00+0000"
    assert invoice["dueDate"] == "2021-05-30T00:00:00+0000"
    assert invoice["fromDate"] == "2021-04-01T00:00:00+0000"
    # A time of day is one, written in the vendor's zone four hours behind.
    assert invoice["createDateTime"] == "2021-04-30T13:12:44+0000"


@pytest.mark.parametrize("day", ["2021-04-30", "4/30/2021", "2021-04-30T00:00:00Z"])
def test_a_date_only_member_is_searched_by_its_day(api, day):
    found = api.get(f"/hubs/crm/invoices?where=invoiceDateTime%3D'{day}'").json()

    assert 29684601 in [record["id"] for record in found]


LITERALS = [
    ("accounts", "0", {"id": 0, "active": True, "taskFireActive": True}),
    ("contacts", "4", {"id": 4, "accountID": 0, "active": 1}),
]


@pytest.mark.parametrize(("resource", "record_id", "members"), LITERALS)
def test_a_literal_record_of_old_payloads_is_there(api, resource, record_id, members):
    record = api.get(f"/hubs/crm/{resource}/{record_id}").json()

    assert record | members == record


def test_a_task_without_times_and_one_with_them(api):
    body = {**TASK, "startDateTime": "2021-07-01T13:00:00Z", "estimatedHours": "1.5"}

    record = api.call("POST", "/hubs/crm/tasks", body).json()

    assert record["startDateTime"] == "2021-07-01T13:00:00+0000"
    assert record["estimatedHours"] == 1.5


@pytest.mark.parametrize(
    ("user_name", "password", "levels"),
    list(
        itertools.product(
            ["plain-{}", "at-{}@harbor.example"],
            ["Abc123", "Abc1234"],
            [{"timeFormat": "19", "dateFormat": "11", "securityLevel": "5"}],
        )
    ),
)
def test_portal_users_of_every_published_form(api, user_name, password, levels):
    body = body_for(api, "users") | levels
    body |= {"userName": user_name.format(uuid.uuid4().hex[:8]), "password": password}

    answer = api.call("POST", "/hubs/crm/users", {**body, "id": "1"})

    assert answer.status == 200, answer.body
    assert answer.json()["dateFormat"] == 11
    assert answer.json()["id"] != 1


def test_old_dates_of_an_opportunity(api):
    body = {**OPPORTUNITY, "createDate": "8/8/16", "projectedCloseDate": "8/9/2020"}

    record = api.call("POST", "/hubs/crm/opportunities", body).json()

    assert record["createDate"] == "2016-08-08T00:00:00+0000"
    assert record["projectedCloseDate"] == "2020-08-09T00:00:00+0000"


def test_the_portal_user_of_the_published_payload_succeeds_as_it_stands(api):
    assert PORTAL_USER["contactID"] == 29684410

    answer = api.call("POST", "/hubs/crm/users", PORTAL_USER)

    assert answer.status == 200, answer.body
    assert answer.json()["contactID"] == 29684410
    assert answer.json()["userName"] == "ida@harbor.example"
