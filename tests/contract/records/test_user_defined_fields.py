"""User-defined fields: typed like any other, though the vendor keeps texts."""

import secrets

import pytest

BODY = {"accountType": 1, "phone": "202-555-0147", "ownerResourceID": 4}
DATE, VALUE, TIER = "Renewal Date", "Annual Contract Value", "Service Tier"


def udfs(**values):
    items = [{"name": name, "value": value} for name, value in values.items()]
    return {"userDefinedFields": {"userDefinedField": items}}


def shown(record):
    items = record["userDefinedFields"]["userDefinedField"]
    return {item["name"]: item.get("value") for item in items}


@pytest.fixture
def make(api):
    def make(**values):
        name = f"Fields {secrets.token_hex(4)}"
        body = {**BODY, "accountName": name, **udfs(**values)}
        return api.call("POST", "/accounts", body)

    return make


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2024-07-05", "2024-07-05T00:00:00+0000"),
        ("7/5/24", "2024-07-05T00:00:00+0000"),
        ("7/5/2024", "2024-07-05T00:00:00+0000"),
        ("2024-07-05T00:00:00Z", "2024-07-05T00:00:00+0000"),
        ("2024-07-05T22:30:00+0000", "2024-07-05T22:30:00+0000"),
        ("2024-07-05T22:30:00 0000", "2024-07-05T22:30:00+0000"),
        ("2024-12-05T22:30:00-0600", "2024-12-06T04:30:00+0000"),
    ],
)
def test_a_time_is_read_and_shown_like_any_other_and_found(api, make, sent, read):
    made = make(**{DATE: sent}).json()

    assert shown(made)[DATE] == read
    for text in (sent, read):
        where = f"id={made['id']} and `{DATE}`='{text}'".replace("+", "%2B")
        found = api.get(f"/accounts?where={where.replace(' ', '%20')}").json()
        assert [account["id"] for account in found] == [made["id"]]
    again = api.call("PATCH", f"/accounts/{made['id']}", made)
    assert shown(again.json()) == shown(made)


def test_every_wrong_value_is_named_and_nothing_is_sent(api, make, vendor):
    api.get("/objects/accounts/metadata")
    vendor.forget()

    answer = make(**{DATE: "soon", VALUE: "much", TIER: "9", "No such": "x"})

    assert answer.status == 400
    message = answer.json()["message"]
    for said in (
        f"{DATE} must be a time",
        f"{VALUE} must be a number",
        f"{TIER} cannot be 9",
        "no user-defined field No such",
    ):
        assert said in message
    assert vendor.record_calls() == {}


def test_names_are_found_in_any_case(api, make):
    made = make(**{VALUE.upper(): "1200.5"}).json()

    assert float(shown(made)[VALUE]) == 1200.5
    changed = api.call(
        "PATCH", f"/accounts/{made['id']}", udfs(**{VALUE.lower(): 1300})
    )
    assert float(shown(changed.json())[VALUE]) == 1300


def test_a_value_that_is_repeated_changes_nothing(api, make, vendor):
    made = make(**{VALUE: 12, TIER: "1"}).json()
    vendor.forget()

    answer = api.call("PATCH", f"/accounts/{made['id']}", udfs(**shown(made)))

    assert answer.json() == made
    assert vendor.calls() == {"query": 1}


def test_times_in_a_list_cost_no_call_once_the_fields_are_known(api, make, vendor):
    made = make(**{DATE: "2024-07-05T22:30:00Z"}).json()
    vendor.forget()

    listed = api.get(f"/accounts?where=id={made['id']}").json()

    assert shown(listed[0])[DATE] == "2024-07-05T22:30:00+0000"
    assert vendor.calls() == {"query": 1}
