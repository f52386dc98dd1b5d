"""Leads: the accounts of one type, as a resource of their own."""

import pytest

LEAD = {"accountName": "Maybe Ltd", "phone": "202-555-0147", "ownerResourceID": 4}


def test_the_list_is_the_accounts_of_that_type(api):
    leads = api.get("/hubs/crm/leads?pageSize=5000").json()

    assert leads
    accounts = api.get("/hubs/crm/accounts?pageSize=5000").json()
    assert leads == [record for record in accounts if record["accountType"] == 2]


def test_a_filter_is_narrowed(api):
    found = api.get("/hubs/crm/leads?where=state%3D'NY'%20or%20accountType%3D1").json()

    assert found
    assert {(r["state"], r["accountType"]) for r in found} == {("NY", 2)}


def test_pages_by_number_are_not_those_of_accounts(api):
    pages = [
        [
            record["id"]
            for page in (1, 2)
            for record in api.get(f"/hubs/crm/{name}?pageSize=1&page={page}").json()
        ]
        for name in ("accounts", "leads", "accounts", "leads")
    ]

    assert pages[0] == pages[2]
    assert pages[1] == pages[3]
    assert not set(pages[0]) & set(pages[1])


def test_a_new_lead_has_the_type_and_an_update_of_it_converts(api):
    created = api.call("POST", "/hubs/crm/leads", LEAD)
    assert created.status == 200, created.body
    assert created.json()["accountType"] == 2
    path = f"/hubs/crm/leads/{created.json()['id']}"
    assert api.get(path).json() == created.json()

    converted = api.call("PATCH", path, {"accountType": 1})

    assert converted.status == 200, converted.body
    assert converted.json()["accountType"] == 1
    for answer in (api.get(path), api.call("PATCH", path, {"city": "Troy"})):
        assert answer.status == 404
        assert answer.json()["message"].startswith("The lead with ID ")
    assert api.get(path.replace("leads", "accounts")).json()["accountType"] == 1


def test_a_new_lead_of_another_type_is_refused_with_all_problems(api, vendor):
    answer = api.call("POST", "/hubs/crm/leads", {"phone": "1", "accountType": 1})

    assert answer.status == 400
    assert "accountType of a new lead is 2" in answer.json()["message"]
    assert "accountName is required" in answer.json()["message"]
    assert "create" not in vendor.calls()


@pytest.mark.parametrize("value", [2, "2"])
def test_the_type_may_be_sent_as_well(api, value):
    answer = api.call("POST", "/hubs/crm/leads", {**LEAD, "accountType": value})

    assert answer.status == 200


def test_an_account_of_another_type_is_not_a_lead(api):
    assert api.get("/hubs/crm/leads/0").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/leads/{}/contacts"),
        ("GET", "/hubs/crm/leads/{}/Contact?orderBy=lastName"),
        ("POST", "/leads/{}/contacts"),
        ("POST", "/leads/{}/contacts?dryRun=true"),
        ("GET", "/leads/{}/contacts/{}"),
        ("PATCH", "/leads/{}/contacts/{}"),
        ("PUT", "/leads/{}/contacts/{}?dryRun=true"),
    ],
)
def test_what_is_not_a_lead_has_no_children_below_leads(api, vendor, method, path):
    contact = api.get("/contacts?pageSize=1").json()[0]
    account = contact["accountID"]
    body = None if method == "GET" else {"firstName": "Ida", "lastName": "Moe"}
    vendor.forget()

    answer = api.call(method, path.format(account, contact["id"]), body)

    assert answer.status == 404, answer.body
    assert answer.json()["message"] == f"The lead with ID {account} was not found."
    assert not {"create", "update"} & set(vendor.calls())


def test_children_of_a_lead_cost_one_call_more(api, vendor):
    lead = api.call("POST", "/leads", {**LEAD, "accountName": "Parent"}).json()["id"]
    person = {"active": 1, "firstName": "Ida", "lastName": "Moe"}
    made = api.call("POST", f"/leads/{lead}/contacts", person)
    assert made.status == 200, made.body
    vendor.forget()

    assert len(api.get(f"/leads/{lead}/contacts").json()) == 1
    assert api.get(f"/leads/{lead}/contacts/{made.json()['id']}").status == 200
    assert vendor.calls() == {"query": 4}


def test_a_lead_costs_what_an_account_costs(api, vendor):
    record_id = api.get("/hubs/crm/leads?pageSize=1").json()[0]["id"]
    vendor.forget()

    api.get("/hubs/crm/leads?pageSize=500")
    api.get(f"/hubs/crm/leads/{record_id}")

    assert vendor.calls() == {"query": 2}
