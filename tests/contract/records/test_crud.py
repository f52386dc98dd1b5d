"""Accounts and contacts: read, create, update, as old callers do it."""

import itertools
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

ACCOUNT = {
    "accountName": "Harbor Cafe",
    "accountType": 1,
    "phone": "202-555-0147",
    "ownerResourceID": 4,
}
CONTACT = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}


def stored_row(vendor, entity, record_id):
    answer = vendor.control("GET", f"rows/{entity}/{record_id}")
    assert answer.status == 200, answer.body
    return answer.body.decode()


def members(xml):
    """Split a stored fragment into its field elements, byte for byte."""
    udfs = re.findall(r"<UserDefinedField>.*?</UserDefinedField>", xml, re.DOTALL)
    rest = re.sub(
        r"<UserDefinedFields>.*?</UserDefinedFields>", "", xml, flags=re.DOTALL
    )
    fields = {
        match[1]: match[0]
        for match in re.finditer(
            r"<(\w+)(?: xsi:type=\"[^\"]+\")?(?: />|/>|>(?:[^<]*)</\1>)", rest
        )
    }
    return fields | {udf: udf for udf in udfs}


@pytest.mark.parametrize(
    ("resource", "body"), [("accounts", ACCOUNT), ("contacts", CONTACT)]
)
def test_created_record_is_answered_as_stored_and_can_be_read(api, resource, body):
    created = api.call("POST", f"/hubs/crm/{resource}", body)

    assert created.status == 200, created.body
    record = created.json()
    assert isinstance(record["id"], int)
    assert record | body == record
    read = api.get(f"/hubs/crm/{resource}/{record['id']}")
    assert read.status == 200
    assert read.json() == record


def test_numbers_as_texts_and_an_id_of_zero_are_accepted(api):
    created = api.call(
        "POST",
        "/hubs/crm/contacts",
        {**CONTACT, "id": "0", "accountID": "0", "active": "1"},
    )

    assert created.status == 200, created.body
    assert created.json()["accountID"] == 0
    assert created.json()["active"] == 1
    assert created.json()["id"] > 0


def test_account_zero_is_a_record_like_any_other(api):
    answer = api.get("/hubs/crm/accounts/0")

    assert answer.status == 200
    assert answer.json()["id"] == 0


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_update_of_one_field_leaves_every_other_byte_as_it_was(api, vendor, method):
    with_udfs = next(
        record
        for record in reversed(api.get("/hubs/crm/accounts?pageSize=200").json())
        if record.get("userDefinedFields") and record["id"]
    )
    record_id = with_udfs["id"]
    before = members(stored_row(vendor, "Account", record_id))
    phone = f"202-555-{uuid.uuid4().hex[:4]}"

    answer = api.call(method, f"/hubs/crm/accounts/{record_id}", {"phone": phone})

    assert answer.status == 200, answer.body
    assert answer.json()["phone"] == phone
    after = members(stored_row(vendor, "Account", record_id))
    changed = {
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }
    assert changed <= {"Phone", "LastActivityDate", "LastTrackedModifiedDateTime"}
    assert "Phone" in changed
    assert any(name.startswith("<UserDefinedField>") for name in before)


def test_update_of_one_udf_keeps_the_others(api, vendor):
    record = next(
        record
        for record in api.get("/hubs/crm/accounts?pageSize=200").json()
        if len(record.get("userDefinedFields", {}).get("userDefinedField", [])) > 1
    )
    fields = api.get(f"/hubs/crm/accounts/{record['id']}").json()["userDefinedFields"]
    udfs = {item["name"]: item.get("value") for item in fields["userDefinedField"]}
    name = next(name for name, value in udfs.items() if value and not value.isdigit())

    answer = api.call(
        "PATCH",
        f"/hubs/crm/accounts/{record['id']}",
        {
            "userDefinedFields": {
                "userDefinedField": [{"name": name, "value": udfs[name]}]
            }
        },
    )

    assert answer.status == 200, answer.body
    after = answer.json()["userDefinedFields"]["userDefinedField"]
    assert {item["name"]: item.get("value") for item in after} == udfs


def test_null_clears_a_member(api):
    record = api.call("POST", "/hubs/crm/contacts", {**CONTACT, "title": "Chef"}).json()

    answer = api.call("PATCH", f"/hubs/crm/contacts/{record['id']}", {"title": None})

    assert answer.status == 200
    assert not answer.json().get("title")


def test_repeating_the_whole_create_body_is_an_update(api):
    record = api.call("POST", "/hubs/crm/contacts", CONTACT).json()

    answer = api.call(
        "PATCH",
        f"/hubs/crm/contacts/{record['id']}",
        {**CONTACT, "id": "0", "lastName": "Berg"},
    )

    assert answer.status == 200, answer.body
    assert answer.json()["lastName"] == "Berg"
    assert answer.json()["id"] == record["id"]


def test_writing_back_a_whole_record_as_read_is_accepted(api):
    record = api.get("/hubs/crm/accounts?pageSize=3").json()[-1]

    answer = api.call("PUT", f"/hubs/crm/accounts/{record['id']}", record)

    assert answer.status == 200, answer.body


@pytest.mark.parametrize("record_id", ["1", "999999999999", "abc", "1.5", "%20"])
def test_unknown_record_is_404_by_name(api, record_id):
    answer = api.get(f"/hubs/crm/accounts/{record_id}")

    assert answer.status == 404
    if record_id == "1":
        assert answer.json()["message"] == "The account with ID 1 was not found."


def test_delete_of_a_named_resource_is_405(api):
    answer = api.call("DELETE", "/hubs/crm/accounts/0")

    assert answer.status == 405
    assert answer.json()["message"] == "Method DELETE is not supported for accounts."


def test_every_problem_of_a_body_is_named_at_once_and_costs_no_call(api, vendor):
    api.call("POST", "/hubs/crm/accounts", ACCOUNT)
    vendor.forget()

    answer = api.call(
        "POST", "/hubs/crm/accounts", {"accountType": 99, "phone": "1" * 40}
    )

    assert answer.status == 400
    message = answer.json()["message"]
    for fragment in (
        "accountName is required",
        "ownerResourceID is required",
        "phone is too long",
        "accountType cannot be 99",
        "1 (Customer)",
    ):
        assert fragment in message
    assert "providerMessage" not in answer.json()
    assert vendor.record_calls() == {}


def test_vendor_refusal_reaches_the_caller_in_the_vendors_text(api):
    answer = api.call(
        "POST", "/hubs/crm/accounts", {**ACCOUNT, "ownerResourceID": 77777}
    )

    assert answer.status == 400
    assert answer.json()["providerMessage"].startswith(
        "Reference value on field: OwnerResourceID of type: Resource"
    )


def test_create_only_member_cannot_change(api):
    record = api.call("POST", "/hubs/crm/contacts", CONTACT).json()
    account = api.get("/hubs/crm/accounts?pageSize=2").json()[1]["id"]

    answer = api.call(
        "PATCH", f"/hubs/crm/contacts/{record['id']}", {"accountID": account}
    )

    assert answer.status == 400
    assert "accountID can only be set on create" in answer.json()["message"]


def test_unknown_members_are_named_in_a_header(api):
    answer = api.call("POST", "/hubs/crm/contacts", {**CONTACT, "shoeSize": 44})

    assert answer.status == 200
    assert "shoeSize" in answer.headers["elements-error"]
    assert "ignored" in answer.headers["elements-error"]


def test_concurrent_updates_of_different_members_are_all_kept(api):
    record = api.call("POST", "/hubs/crm/contacts", CONTACT).json()
    changes = [
        {"title": "Chef"},
        {"phone": "202-555-0100"},
        {"note": "call first"},
        {"roomNumber": "12"},
        {"extension": "77"},
        {"city": "Troy"},
    ]

    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda change: api.call(
                    "PATCH", f"/hubs/crm/contacts/{record['id']}", change
                ),
                changes,
            )
        )

    assert [answer.status for answer in answers] == [200] * 6
    final = api.get(f"/hubs/crm/contacts/{record['id']}").json()
    wanted = dict(itertools.chain.from_iterable(c.items() for c in changes))
    assert final | wanted == final
