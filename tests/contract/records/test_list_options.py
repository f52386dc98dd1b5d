"""`orderBy`, `returnTotalCount`, `fields` and `labels` on lists."""

import json
from urllib.parse import quote

import pytest

# Other tests add contacts, with higher ids than these.
SEEDED = quote("id<30500000")


def total(answer):
    assert answer.status == 200, answer.body
    return int(answer.headers["elements-total-count"])


def walk(api, path):
    """Return the records of all pages, by token."""
    found, token = [], ""
    while True:
        answer = api.get(f"{path}&nextPage={token}")
        assert answer.status == 200, answer.body
        found += answer.json()
        token = answer.headers.get("elements-next-page-token")
        if token is None:
            return found


def test_sorted_pages_together_are_the_whole_sorted(api):
    whole = api.get(f"/contacts?pageSize=5000&where={SEEDED}").json()
    expected = sorted(
        whole, key=lambda c: (c["lastName"].casefold(), c["firstName"].casefold())
    )
    order = quote("lastName, firstName asc")
    path = f"/contacts?orderBy={order}&where={SEEDED}&pageSize=50"

    assert [c["id"] for c in walk(api, path)] == [c["id"] for c in expected]
    second = api.get(f"{path}&page=2").json()
    assert [c["id"] for c in second] == [c["id"] for c in expected[50:100]]
    beyond = api.get(f"{path}&page=900")
    assert (beyond.status, beyond.json()) == (200, [])


def test_descending_amounts_and_a_filter(api):
    path = f"/opportunities?orderBy=amount%20desc&where={quote('amount>100')}"
    amounts = [o["amount"] for o in api.get(path).json()]

    assert len(amounts) > 5
    assert amounts == sorted(amounts, reverse=True)


def test_a_sorted_page_costs_what_the_whole_list_costs(api, vendor):
    api.get("/contacts?orderBy=lastName&pageSize=1")
    vendor.forget()

    wishes = f"orderBy=lastName&where={SEEDED}&returnTotalCount=true"
    answer = api.get(f"/contacts?pageSize=10&{wishes}")

    assert vendor.calls() == {"query": 1}
    assert total(answer) == len(
        api.get(f"/contacts?pageSize=5000&where={SEEDED}").json()
    )


@pytest.mark.parametrize("order", ["nonsense", "lastName;drop", "%00x", "-"])
def test_an_order_by_no_field_is_ignored_and_named(api, order):
    plain = api.get("/contacts?pageSize=5").json()

    answer = api.get(f"/contacts?pageSize=5&orderBy={order}")

    assert answer.status == 200, answer.body
    assert answer.json() == plain
    assert "ignored" in answer.headers["elements-error"]


@pytest.mark.parametrize("order", ["", ",,"])
def test_an_empty_order_is_ignored(api, order):
    plain = api.get("/contacts?pageSize=5").json()

    answer = api.get(f"/contacts?pageSize=5&orderBy={order}")

    assert (answer.status, answer.json()) == (200, plain)
    assert "elements-error" not in answer.headers


def test_the_total_is_counted_once_and_kept(api, vendor):
    where = quote("id<30500000 AND firstName!='nobody of this name'")
    expected = len(api.get(f"/contacts?pageSize=5000&where={where}").json())
    vendor.forget()
    path = f"/contacts?pageSize=10&where={where}"

    assert total(api.get(f"{path}&returnTotalCount=True")) == expected
    assert vendor.calls() == {"query": 2}
    assert total(api.get(f"{path}&page=2&returnCount=true")) == expected
    assert vendor.calls() == {"query": 3}


def test_a_total_that_the_page_tells_costs_nothing(api, vendor):
    api.get("/contacts?where=id=-1")
    vendor.forget()

    assert total(api.get("/contacts?where=id=-1&returnTotalCount=true")) == 0
    assert vendor.calls() == {"query": 1}
    last = api.get(f"/contacts?pageSize=70&page=2&returnTotalCount=true&where={SEEDED}")
    assert total(last) == 70 + len(last.json())


def test_a_total_is_returned_only_on_request(api):
    for flag in ("", "&returnTotalCount=false", "&returnTotalCount=maybe"):
        answer = api.get(f"/contacts?pageSize=5{flag}")
        assert "elements-total-count" not in answer.headers


def test_only_the_requested_members_and_the_id(api):
    answer = api.get("/accounts?fields=AccountName,phone,nonsense&pageSize=3")

    for record in answer.json():
        assert {"id", "accountName"} <= set(record) <= {"id", "accountName", "phone"}
    one = api.get(f"/accounts/{answer.json()[0]['id']}?fields=accountName").json()
    assert set(one) == {"id", "accountName"}


def test_a_user_defined_field_by_its_own_name(api):
    whole = api.get("/accounts?pageSize=200").json()
    record = next(r for r in whole if "userDefinedFields" in r)
    udf = record["userDefinedFields"]["userDefinedField"][0]
    path = f"/accounts/{record['id']}?fields={quote(udf['name'])}"

    shown = api.get(path).json()

    assert shown == {
        "id": record["id"],
        "userDefinedFields": {"userDefinedField": [udf]},
    }


def test_labels_of_picklists_and_references(api, vendor):
    api.get("/opportunities?labels=true&pageSize=1")
    vendor.forget()
    records = api.get("/opportunities?pageSize=60&labels=true").json()
    calls = vendor.calls()["query"]
    fields = api.get("/objects/opportunities/metadata").json()["fields"]
    labels = {
        field["path"]: {
            item["value"]: item["displayValue"] for item in field["picklistValues"]
        }
        for field in fields
        if "picklistValues" in field
    }
    references = {f["path"]: f["reference"] for f in fields if "reference" in f}

    assert calls <= 1 + len(set(references.values()))
    for record in records:
        assert record["stageLabel"] == labels["stage"][str(record["stage"])]
    accounts = {a["id"]: a for a in api.get("/accounts?pageSize=5000").json()}
    first = records[0]
    assert first["accountIDLabel"] == accounts[first["accountID"]]["accountName"]
    owner = api.get(f"/Resource/{first['ownerResourceID']}").json()
    assert first["ownerResourceIDLabel"] == (
        f"{owner['firstName']} {owner['lastName']}"
    )
    vendor.forget()
    again = api.get("/opportunities?pageSize=60&labels=true").json()
    assert again == records
    # Another process may answer, which remembers names of its own.
    assert vendor.calls()["query"] <= 1 + len(set(references.values()))


def test_labels_with_fields_on_one_record_and_after_a_write(api):
    path = "/accounts/0?fields=accountType&labels=true"
    assert set(api.get(path).json()) == {"id", "accountType", "accountTypeLabel"}

    body = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}
    made = api.call("POST", "/contacts?labels=true", body).json()
    assert made["accountIDLabel"]
    changed = api.call(
        "PATCH", f"/contacts/{made['id']}?labels=true", {"lastName": "Berg"}
    ).json()
    assert changed["accountIDLabel"] == made["accountIDLabel"]


def test_without_labels_nothing_is_added(api):
    plain = api.get("/opportunities?pageSize=5")

    assert b"Label" not in json.dumps(plain.json()).encode()
