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


def test_an_account_of_another_type_is_no_lead(api):
    assert api.get("/hubs/crm/leads/0").status == 404


def test_a_lead_costs_what_an_account_costs(api, vendor):
    record_id = api.get("/hubs/crm/leads?pageSize=1").json()[0]["id"]
    vendor.forget()

    api.get("/hubs/crm/leads?pageSize=500")
    api.get(f"/hubs/crm/leads/{record_id}")

    assert vendor.calls() == {"query": 2}
