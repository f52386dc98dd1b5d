"""A create whose result the database did not take keeps nobody waiting afterwards.

The database fails as it does on a full disk: the serving process may write no file.
"""

from __future__ import annotations

import resource
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from process_tree import children
from waiting import wait_until

HASTE = {"BRIDGE_IDEMPOTENCY_SETTLE_S": "0.6", "BRIDGE_AUTOTASK_DEADLINE_S": "60"}


@pytest.fixture(scope="module")
def server(open_server):
    """A server of one process, whose leases last for minutes."""
    slow = {"BRIDGE_RECORD_LOCK_LEASE_S": "120"}
    return open_server(**HASTE, **slow, arguments=["--workers", "1"])


@pytest.fixture(scope="module")
def caller(server, api):
    return type(api)(server.line)


@pytest.fixture
def full_disk(server):
    """While it is open the server's processes can write no file."""

    @contextmanager
    def full_disk():
        pids = [server.process.pid, *children(server.process.pid)]
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)

    return full_disk


@pytest.fixture
def contact():
    """A body that no other test sends."""
    name = f"Unsaved {uuid.uuid4().hex}"
    return {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": name}


@pytest.fixture
def slow(vendor):
    """Let the next create take a while, and fail afterwards if that is wanted."""

    def slow(kind="delay", **more):
        fault = {"kind": kind, "operation": "create", "seconds": 2, **more}
        vendor.control("POST", "faults", fault)

    yield slow
    vendor.control("DELETE", "faults")


def wait_until_sent(vendor):
    wait_until(lambda: not vendor.control("GET", "faults").json()["waiting"])


def post(caller, body, key):
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller.call("POST", "/hubs/crm/contacts", body, headers=headers)


def stored_ids(api, body):
    where = quote(f"lastName = '{body['lastName']}'")
    answer = api.get(f"/hubs/crm/contacts?where={where}")
    return [record["id"] for record in answer.json()]


def create_on_a_full_disk(caller, vendor, full_disk, contact, key):
    """Return the answer to a create whose result cannot be stored."""
    assert stored_ids(caller, contact) == []
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(post, caller, contact, key)
        wait_until_sent(vendor)
        with full_disk():
            return sent.result()


def test_a_known_result_is_stored_as_soon_as_it_can_be(
    api, caller, vendor, slow, full_disk, contact
):
    key = uuid.uuid4().hex
    slow()
    first = create_on_a_full_disk(caller, vendor, full_disk, contact, key)
    vendor.forget()

    second = post(api, contact, key)

    assert first.status == second.status == 200
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert vendor.calls() == {}
    assert stored_ids(api, contact) == [first.json()["id"]]


@pytest.mark.parametrize(("keyed", "committed"), [(False, True), (True, False)])
def test_an_unknown_outcome_is_looked_for_as_soon_as_it_is_stored(
    caller, vendor, slow, full_disk, contact, keyed, committed
):
    key = uuid.uuid4().hex if keyed else None
    slow("reset", after_commit=committed)
    first = create_on_a_full_disk(caller, vendor, full_disk, contact, key)

    second = post(caller, contact, key)
    # One that came before it was stored is given the answer of the first.
    third = post(caller, contact, key) if second.status == 502 else second

    assert first.status == 502
    assert "may or may not have happened" in first.json()["message"]
    assert second.status == 200 or second.json()["message"] == first.json()["message"]
    assert third.status == 200, third.body
    assert stored_ids(caller, contact) == [third.json()["id"]]


def test_what_the_database_says_is_not_told_to_the_caller(
    caller, vendor, slow, full_disk, contact
):
    """With PostgreSQL it names hosts and users."""
    key = uuid.uuid4().hex
    slow("reset", after_commit=True)
    assert post(caller, contact, key).status == 502
    slow(operation="query")
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(post, caller, contact, key)
        wait_until_sent(vendor)
        with full_disk():
            second = sent.result()
    third = post(caller, contact, key)
    third = post(caller, contact, key) if third.status == 502 else third

    message = second.json()["message"]
    assert second.status == 502
    assert "failed: Bridge cannot use its database just now. Nothing was" in message
    assert (third.status, stored_ids(caller, contact)) == (200, [third.json()["id"]])


def test_a_refusal_is_stored_as_soon_as_it_can_be(
    api, caller, vendor, slow, full_disk, contact
):
    """The vendor's own text is the answer, not what the database says."""
    key, wrong = uuid.uuid4().hex, contact | {"accountID": 99999999}
    slow()
    first = create_on_a_full_disk(caller, vendor, full_disk, wrong, key)
    vendor.forget()

    second = post(api, wrong, key)

    assert first.status == second.status == 400
    assert first.json()["providerMessage"] == second.json()["providerMessage"]
    assert vendor.calls() == {}


def test_a_create_that_could_not_be_claimed_is_sent_later(caller, full_disk, contact):
    assert stored_ids(caller, contact) == []
    with full_disk():
        first = post(caller, contact, None)

    second = post(caller, contact, None)

    assert first.status >= 500
    assert second.status == 200
    assert stored_ids(caller, contact) == [second.json()["id"]]


def test_an_update_whose_lock_could_not_be_released_blocks_nobody(
    api, caller, vendor, full_disk, contact
):
    record_id = post(caller, contact, None).json()["id"]
    path = f"/hubs/crm/contacts/{record_id}"
    fault = {"kind": "delay", "operation": "update", "seconds": 2}
    vendor.control("POST", "faults", fault)
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(caller.call, "PATCH", path, {"firstName": "Ada"})
        wait_until_sent(vendor)
        with full_disk():
            first = sent.result()

    second = api.call("PATCH", path, {"firstName": "Eve"})

    assert first.status == second.status == 200
    assert first.json()["firstName"] == "Ada"
    assert second.json()["firstName"] == "Eve"
