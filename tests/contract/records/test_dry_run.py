"""`dryRun=true`: what would be sent, and that it is not."""

from lxml import etree

ACCOUNT = {
    "accountName": "Rehearsed <& Sons>",
    "accountType": 1,
    "phone": "202-555-0147",
    "ownerResourceID": 4,
}
NAMESPACE = "{http://autotask.net/ATWS/v1_6/}"


def test_a_create_is_shown_and_nothing_is_sent(api, vendor, demo):
    api.get("/accounts?where=city='x'")
    vendor.forget()

    answer = api.call("POST", "/hubs/crm/accounts?dryRun=true", {**ACCOUNT, "odd": 1})

    document = answer.json()
    assert {**document, "request": ""} == {
        "dryRun": True,
        "operation": "create",
        "entity": "Account",
        "request": "",
        "problems": [],
    }
    assert "odd" in answer.headers["elements-error"]
    assert vendor.record_calls() == {}
    request = etree.fromstring(document["request"].replace("xsi:type", "kind"))
    assert request.tag == f"{NAMESPACE}create"
    assert request.findtext(f".//{NAMESPACE}AccountName") == ACCOUNT["accountName"]
    for secret in (demo["password"], demo["integrationCode"]):
        assert secret not in answer.body.decode()


def test_every_problem_is_listed_with_200(api, vendor):
    vendor.forget()

    document = api.call("POST", "/accounts?dryRun=true", {"accountType": 977}).json()

    assert document["request"] is None
    text = "\n".join(document["problems"])
    for name in (
        "accountName",
        "phone",
        "ownerResourceID",
        "accountType cannot be 977",
    ):
        assert name in text
    assert vendor.record_calls() == {}


def test_an_update_reads_once(api, vendor):
    record = api.call("POST", "/accounts", ACCOUNT).json()
    vendor.forget()
    path = f"/accounts/{record['id']}"

    document = api.call("PATCH", f"{path}?dryRun=true", {"city": "Troy"}).json()

    assert (document["operation"], document["problems"]) == ("update", [])
    assert ">Troy</City>" in document["request"]
    assert f"<id>{record['id']}</id>" in document["request"]
    assert vendor.calls() == {"query": 1}
    assert api.get(path).json() == record
    nothing = api.call("PUT", f"{path}?dryRun=true", {"phone": record["phone"]}).json()
    assert nothing["request"] is None


def test_a_delete_leaves_the_record(api, vendor):
    body = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}
    child = api.call("POST", "/contacts", body).json()["id"]
    path = f"/Account/0/Contact/{child}"

    document = api.call("DELETE", f"{path}?dryRun=true").json()

    assert document["operation"] == "delete"
    assert f"<id>{child}</id>" in document["request"]
    assert api.get(path).status == 200


def test_what_is_not_there_or_not_offered_is_refused_as_ever(api):
    assert api.call("PATCH", "/accounts/1?dryRun=true", {}).status == 404
    assert api.call("DELETE", "/accounts/0?dryRun=true").status == 405
    assert api.call("POST", "/invoices?dryRun=true", {}).status == 405


def test_it_leaves_no_trace_for_a_real_create(api):
    headers = {"Idempotency-Key": "rehearsal-1"}
    rehearsed = api.call("POST", "/accounts?dryRun=true", ACCOUNT, headers=headers)
    made = api.call("POST", "/accounts", ACCOUNT, headers=headers)

    assert rehearsed.json()["dryRun"] is True
    assert "idempotency-replayed" not in made.headers
    assert made.json()["id"]


def test_markup_in_a_value_is_shown_as_it_is_sent(api):
    body = {"address2": "<Password>x</Password>"}

    request = api.call("PATCH", "/hubs/crm/accounts/0?dryRun=true", body).json()[
        "request"
    ]

    assert "&lt;Password&gt;x&lt;/Password&gt;" in request
