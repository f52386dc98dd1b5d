"""No create happens twice, whatever the line, the vendor or a process does."""

import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from sqlalchemy import text
from waiting import wait_until

from bridge.composition import open_database
from bridge.settings import Settings

HASTE = {
    "BRIDGE_IDEMPOTENCY_SETTLE_S": "0.8",
    "BRIDGE_RECORD_LOCK_LEASE_S": "30",
    "BRIDGE_AUTOTASK_DEADLINE_S": "60",
}
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
    "useQuoteTotals": False,
}
PRODUCT = {"active": True, "serialized": False, "productAllocationCodeID": 29682840}
PROJECT = {
    "accountID": 0,
    "startDateTime": "2026-01-05",
    "endDateTime": "12/31/2026 12:00:00 AM",
    "status": 1,
    "type": 5,
}
PORTAL_USER = {
    "password": "Abc12345",
    "securityLevel": 5,
    "dateFormat": 1,
    "timeFormat": 19,
    "numberFormat": 22,
    "clientPortalActive": True,
}


@pytest.fixture(scope="module")
def hasty(start_server):
    """A caller of a server that knows sooner what is settled."""
    return start_server(**HASTE)


@pytest.fixture(scope="module")
def impatient(start_server):
    """A caller of a server that does not answer late, and never sends too early."""
    patience = {"BRIDGE_AUTOTASK_DEADLINE_S": "5", "BRIDGE_IDEMPOTENCY_SETTLE_S": "30"}
    return start_server(**HASTE | patience)


@pytest.fixture
def faults(vendor):
    yield lambda kind, **more: vendor.control(
        "POST", "faults", {"kind": kind, "operation": "create", **more}
    )
    vendor.control("DELETE", "faults")


@pytest.fixture
def contact():
    """A body that no other test sends."""
    name = f"Guard {uuid.uuid4().hex}"
    return {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": name}


def post(api, body, *, key=None, resource="contacts"):
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.call("POST", f"/hubs/crm/{resource}", body, headers=headers)


def stored_ids(api, body, *, resource="contacts", name="lastName"):
    where = quote(f"{name} = '{body[name]}'")
    answer = api.get(f"/hubs/crm/{resource}?where={where}")
    return [record["id"] for record in answer.json()]


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("reset", {"after_commit": True}),
        ("reset", {"after_commit": False}),
        ("truncate", {}),
        ("html200", {"after_commit": True}),
        ("http503", {"after_commit": False}),
    ],
)
def test_a_blind_retry_after_an_unanswered_create_leaves_one_record(
    hasty, faults, contact, keyed, kind, more
):
    key = uuid.uuid4().hex if keyed else None
    faults(kind, **more)

    first = post(hasty, contact, key=key)
    second = post(hasty, contact, key=key)

    assert first.status == 502
    assert "may or may not have happened" in first.json()["message"]
    assert second.status == 200, second.body
    assert stored_ids(hasty, contact) == [second.json()["id"]]
    assert second.json()["lastName"] == contact["lastName"]


def test_a_record_that_is_there_is_answered_at_once_and_not_sent_again(
    api, vendor, faults, contact
):
    """The demo's settle time is minutes: what is found needs none of it."""
    faults("reset", after_commit=True)
    post(api, contact)
    vendor.forget()

    answer = post(api, contact)

    assert answer.status == 200
    assert vendor.calls() == {"query": 1}


def test_a_record_that_may_still_come_is_not_sent_again(api, vendor, faults, contact):
    faults("reset", after_commit=False)
    post(api, contact)
    vendor.forget()

    for _ in range(2):
        answer = post(api, contact)

        assert answer.status == 502
        assert "may still be at work" in answer.json()["message"]
        assert "Nothing was sent" in answer.json()["message"]
    assert vendor.calls() == {"query": 2}
    assert stored_ids(api, contact) == []


@pytest.mark.parametrize("keyed", [True, False])
def test_parallel_equal_creates_are_one(api, hasty, faults, contact, keyed):
    """Through two servers of two processes each."""
    key = uuid.uuid4().hex if keyed else None
    # The last of them is sent before the first is answered.
    faults("delay", seconds=5)

    with ThreadPoolExecutor(12) as threads:
        answers = list(
            threads.map(lambda caller: post(caller, contact, key=key), [api, hasty] * 6)
        )

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert stored_ids(api, contact) == [answers[0].json()["id"]]
    replayed = [answer.headers.get("idempotency-replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None] + ["true"] * 11


@pytest.mark.parametrize("unknown_member", [False, True])
def test_an_equal_create_during_a_metadata_read_is_the_same_one(
    api, vendor, faults, contact, unknown_member
):
    """The first holds its create while Autotask describes the fields slowly."""
    fresh = api.connect(f"metadata {uuid.uuid4().hex}")
    if unknown_member:
        fresh.get("/hubs/crm/contacts?where=lastName='nobody'")
        contact["noSuchMember"] = "x"
    faults("delay", operation="GetFieldInfo", seconds=4)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(post, fresh, contact)
        # The second is sent while the fields are read for the first.
        wait_until(lambda: vendor.control("GET", "faults").json()["waiting"] == 0)
        second = post(fresh, contact)

    assert first.result().status == second.status == 200, second.body
    assert first.result().json()["id"] == second.json()["id"]
    assert stored_ids(fresh, contact) == [second.json()["id"]]
    fresh.disconnect()


def test_a_create_that_happens_late_is_waited_for(api, impatient, faults, contact):
    """The vendor goes on after the caller's patience, and our own, has ended."""
    faults("late_commit", seconds=0.2)

    first, second = post(impatient, contact), post(impatient, contact)
    ends_at = time.monotonic() + 60
    while second.status == 502 and time.monotonic() < ends_at:
        second = post(impatient, contact)

    assert first.status == 502
    assert second.status == 200, second.body
    assert stored_ids(api, contact) == [second.json()["id"]]


def test_parallel_equal_creates_share_an_unknown_outcome(api, faults, contact):
    faults("reset", seconds=5, after_commit=True)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: post(api, contact), range(4)))

    assert [answer.status for answer in answers] == [502] * 4
    assert len({answer.json()["message"] for answer in answers}) == 1
    assert len(stored_ids(api, contact)) == 1


def test_one_of_parallel_retries_resolves_for_all(hasty, faults, contact):
    faults("reset", after_commit=False)
    post(hasty, contact)
    # The last retry is sent before the create that resolves them is answered.
    faults("delay", seconds=4)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: post(hasty, contact), range(6)))

    assert [answer.status for answer in answers] == [200] * 6
    assert stored_ids(hasty, contact) == [answers[0].json()["id"]]


def test_equal_creates_one_after_the_other_are_two(api, contact):
    first, second = post(api, contact), post(api, contact)

    assert stored_ids(api, contact) == [first.json()["id"], second.json()["id"]]


def test_the_second_of_two_equal_records_is_not_taken_for_the_first(
    hasty, faults, contact
):
    first = post(hasty, contact)
    faults("reset", after_commit=False)
    post(hasty, contact)

    second = post(hasty, contact)

    assert stored_ids(hasty, contact) == [first.json()["id"], second.json()["id"]]


def test_the_order_of_members_does_not_matter(hasty, faults, contact):
    faults("reset", after_commit=True)
    post(hasty, contact)

    answer = post(hasty, dict(reversed(contact.items())))

    assert stored_ids(hasty, contact) == [answer.json()["id"]]


def test_a_record_without_a_time_of_creation_is_known_by_its_id(api, faults):
    body = OPPORTUNITY | {"title": f"Guard {uuid.uuid4().hex}"}
    before = post(api, body, resource="opportunities")
    assert before.status == 200, before.body
    faults("reset", after_commit=True)
    post(api, body, resource="opportunities")

    answer = post(api, body, resource="opportunities")

    assert answer.status == 200, answer.body
    assert stored_ids(api, body, resource="opportunities", name="title") == [
        before.json()["id"],
        answer.json()["id"],
    ]


@pytest.fixture
def forget(demo_dir):
    """Make the bridge forget what it has created, as it does after a day."""

    def forget():
        database = open_database(Settings(data_dir=demo_dir))
        with database.begin() as connection:
            connection.execute(text("DELETE FROM write_intents"))
        database.close()

    return forget


@pytest.mark.parametrize("committed", [True, False])
def test_without_time_or_known_ids_a_record_can_only_be_missed(
    hasty, faults, forget, committed
):
    forget()
    body = PRODUCT | {"name": f"Guard {uuid.uuid4().hex}"}
    faults("reset", after_commit=committed)
    post(hasty, body, resource="products")

    answer = post(hasty, body, resource="products")

    ids = stored_ids(hasty, body, resource="products", name="name")
    assert len(ids) == 1
    if committed:
        assert answer.status == 502
        assert str(ids[0]) in answer.json()["message"]
    else:
        assert answer.status == 200
        assert answer.json()["id"] == ids[0]


@pytest.mark.parametrize(
    ("resource", "body", "name"),
    # The day on which a project was created does not tell its age.
    [("products", PRODUCT, "name"), ("Project", PROJECT, "projectName")],
)
def test_a_key_is_worth_a_look_before_where_nothing_tells_the_age(
    hasty, vendor, faults, forget, resource, body, name
):
    forget()
    body = body | {name: f"Guard {uuid.uuid4().hex}"}
    twin = post(hasty, body, resource=resource).json()["id"]
    forget()
    key = uuid.uuid4().hex
    faults("reset", after_commit=True)
    vendor.forget()
    post(hasty, body, key=key, resource=resource)
    assert vendor.calls() == {"query": 1, "create": 1}

    answer = post(hasty, body, key=key, resource=resource)

    assert answer.status == 200, answer.body
    ids = stored_ids(hasty, body, resource=resource, name=name)
    assert ids == [twin, answer.json()["id"]]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("resource", ["opportunities", "users"])
def test_an_opportunity_has_its_date_stamp_and_a_user_a_unique_name(
    hasty, faults, forget, contact, resource, committed
):
    forget()
    name = uuid.uuid4().hex
    if resource == "users":
        person = post(hasty, contact).json()["id"]
        forget()
        body = PORTAL_USER | {"contactID": person, "userName": f"{name}@guard.example"}
    else:
        body = OPPORTUNITY | {"title": f"Guard {name}"}
    faults("reset", after_commit=committed)
    post(hasty, body, resource=resource)

    answer = post(hasty, body, resource=resource)

    assert answer.status == 200, answer.body
    named = "userName" if resource == "users" else "title"
    ids = stored_ids(hasty, body, resource=resource, name=named)
    assert ids == [answer.json()["id"]]


def test_a_retry_under_the_entity_s_own_name_is_the_same_create(hasty, faults, contact):
    faults("reset", after_commit=True)
    post(hasty, contact)

    answer = post(hasty, contact, resource="Contact")

    assert stored_ids(hasty, contact) == [answer.json()["id"]]


def test_what_cannot_be_told_is_said_and_never_sent(hasty, vendor, faults, contact):
    """The vendor has two equal records, and one of them may be ours."""
    faults("reset", after_commit=True)
    post(hasty, contact, key=uuid.uuid4().hex)
    faults("reset", after_commit=True)
    key = uuid.uuid4().hex
    post(hasty, contact, key=key)
    twins = stored_ids(hasty, contact)
    vendor.forget()

    answer = post(hasty, contact, key=key)

    assert answer.status == 502
    assert len(twins) == 2
    for record_id in twins:
        assert str(record_id) in answer.json()["message"]
    assert vendor.calls() == {"query": 1}


def test_a_record_in_which_a_rule_of_the_tenant_changed_a_value_is_in_question(
    api, hasty, faults, contact
):
    faults("reset", after_commit=True)
    post(hasty, contact)
    [record_id] = stored_ids(api, contact)
    api.call("PATCH", f"/hubs/crm/contacts/{record_id}", {"active": 0})

    answer = post(hasty, contact)

    assert answer.status == 502
    assert str(record_id) in answer.json()["message"]
    assert stored_ids(api, contact) == [record_id]


def test_a_key_replays_the_answer(api, vendor, contact):
    key = uuid.uuid4().hex
    first = post(api, contact, key=key)
    vendor.forget()

    again = post(api, contact, key=key)

    assert first.status == again.status == 200
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert vendor.calls() == {}


def test_a_replay_shows_its_names_to_nobody_else(api, hasty, contact):
    """`hasty` is another process, which has not read the name of the account."""
    account = {"accountName": "Before", "accountType": 1, "phone": "1"}
    account["ownerResourceID"] = 4
    account_id = post(api, account, resource="accounts").json()["id"]
    path, body = "/hubs/crm/contacts?labels=true", contact | {"accountID": account_id}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = api.call("POST", path, body, headers=headers).json()
    api.call("PATCH", f"/hubs/crm/accounts/{account_id}", {"accountName": "After"})

    again = hasty.call("POST", path, body, headers=headers).json()

    shown = hasty.get(f"/hubs/crm/contacts/{first['id']}?labels=true").json()
    assert first["accountIDLabel"] == again["accountIDLabel"] == "Before"
    assert shown["accountIDLabel"] == "After"


@pytest.mark.parametrize(
    "wrong", [{"lastName": ""}, {"accountID": 99999999}], ids=["ours", "the vendor's"]
)
def test_a_key_replays_a_refusal(api, vendor, contact, wrong):
    key = uuid.uuid4().hex
    first = post(api, contact | wrong, key=key)
    vendor.forget()

    again = post(api, contact | wrong, key=key)

    assert first.status == again.status == 400
    assert again.headers["idempotency-replayed"] == "true"
    for member in ("message", "providerMessage"):
        assert again.json().get(member) == first.json().get(member)
    assert vendor.calls() == {}


def test_a_key_with_another_body_is_refused(api, vendor, contact):
    key = uuid.uuid4().hex
    post(api, contact, key=key)
    vendor.forget()

    answer = post(api, contact | {"firstName": "Ada"}, key=key)

    assert answer.status == 400
    assert "Idempotency-Key" in answer.json()["message"]
    assert vendor.calls() == {}


def test_keys_of_other_resources_and_instances_are_other_keys(api, foreign, contact):
    key = uuid.uuid4().hex
    account = {
        "accountName": contact["lastName"],
        "accountType": 1,
        "phone": "202-555-0147",
        "ownerResourceID": 4,
    }

    answers = [
        post(api, contact, key=key),
        post(api, account, key=key, resource="accounts"),
        post(foreign, contact, key=key),
        post(api, contact, key=uuid.uuid4().hex),
    ]

    assert [answer.status for answer in answers] == [200] * 4
    assert len(stored_ids(api, contact)) == 3


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9"])
def test_a_key_that_cannot_be_one_is_refused(api, contact, key):
    answer = post(api, contact, key=key)

    assert answer.status == 400
    assert "Idempotency-Key" in answer.json()["message"]


def test_a_key_that_is_in_use_waits_and_then_conflicts(
    api, impatient, vendor, faults, contact
):
    key = uuid.uuid4().hex
    assert stored_ids(impatient, contact) == []
    faults("delay", seconds=12)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(post, api, contact, key=key)
        while vendor.control("GET", "faults").json()["waiting"]:
            time.sleep(0.02)
        answer = post(impatient, contact, key=key)

        assert answer.status == 409
        assert first.result().status == 200


@pytest.mark.campaign
@pytest.mark.parametrize(("keyed", "after_commit"), [(True, True), (False, False)])
def test_a_server_killed_while_it_waits_for_the_vendor_leaves_one_record(
    api, hasty, open_server, vendor, faults, contact, keyed, after_commit
):
    key = uuid.uuid4().hex if keyed else None
    victim = open_server(**HASTE | {"BRIDGE_RECORD_LOCK_LEASE_S": "60"})
    theirs = type(api)(victim.line)
    assert stored_ids(theirs, contact) == []
    faults("reset", seconds=2, after_commit=after_commit)
    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(post, theirs, contact, key=key)
        while vendor.control("GET", "faults").json()["waiting"]:
            time.sleep(0.02)
        victim.stop(signal.SIGKILL)
        assert lost.exception() is not None

    answer = post(hasty, contact, key=key)

    assert answer.status == 200, answer.body
    assert stored_ids(hasty, contact) == [answer.json()["id"]]
    # The call that nobody waits for any more must not be counted in the next test.
    wait_until(
        lambda: any(
            call["fault"] == "reset"
            for call in vendor.control("GET", "requests").json()["requests"]
        )
    )
