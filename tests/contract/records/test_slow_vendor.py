"""A vendor that answers late: callers wait no longer than they were promised."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from waiting import wait_until

HASTE = {
    "BRIDGE_AUTOTASK_DEADLINE_S": "12",
    "BRIDGE_RECORD_LOCK_LEASE_S": "120",
    "BRIDGE_METADATA_CACHE_TTL_S": "0",
}
BODY = {"accountType": 1, "phone": "202-555-0147", "ownerResourceID": 4}


@pytest.fixture(scope="module")
def hasty(start_server):
    """A caller of a server with little patience."""
    return start_server(**HASTE)


@pytest.fixture
def delay(vendor):
    def delay(seconds, operation, *, times=1):
        fault = {"kind": "delay", "seconds": seconds, "times": times}
        vendor.control("POST", "faults", {**fault, "operation": operation})

    yield delay
    vendor.control("DELETE", "faults")


@pytest.fixture
def account(api):
    body = {**BODY, "accountName": f"Slow {secrets.token_hex(4)}"}
    return api.call("POST", "/accounts", body).json()["id"]


def test_all_vendor_calls_of_one_call_share_its_deadline(hasty, vendor, delay):
    """A list with labels asks for the records, and then for each kind of reference."""
    hasty.get("/accounts?labels=true&pageSize=1")
    vendor.forget()
    delay(7, "query", times=20)
    started = time.monotonic()

    answer = hasty.get("/accounts?labels=true")

    assert answer.status == 200, answer.body
    assert "Labels of" in answer.headers["elements-error"]
    assert time.monotonic() - started < 100
    sent = 20 - vendor.control("GET", "faults").json()["waiting"]
    assert sent <= 2
    # The one that was given up must not be counted in the next test.
    wait_until(lambda: vendor.calls()["query"] >= sent)


def test_a_write_is_not_begun_when_its_time_is_nearly_over(
    hasty, api, vendor, delay, account
):
    hasty.get("/accounts?where=accountName='warm'")
    vendor.forget()
    # A write needs a quarter of the whole time.
    delay(9.5, "query")

    answer = hasty.call("PATCH", f"/accounts/{account}", {"city": "Late"})

    assert answer.status == 502, answer.body
    assert "was not sent" in answer.json()["message"]
    assert "update" not in vendor.calls()
    assert "city" not in api.get(f"/accounts/{account}").json()


@pytest.mark.campaign
def test_an_update_whose_lease_ran_out_is_not_sent(
    start_server, api, vendor, delay, account
):
    """The lease is shorter than the wait: another writer comes in between."""
    slow = start_server(BRIDGE_AUTOTASK_DEADLINE_S="60", BRIDGE_RECORD_LOCK_LEASE_S="1")
    slow.get("/accounts?where=accountName='warm'")
    delay(8, "query")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(
            slow.call, "PATCH", f"/accounts/{account}", {"city": "First"}
        )
        while vendor.control("GET", "faults").json()["waiting"]:
            time.sleep(0.02)
        second = slow.call("PATCH", f"/accounts/{account}", {"fax": "202-555-0199"})

    assert second.status == 200, second.body
    assert first.result().status == 409
    stored = api.get(f"/accounts/{account}").json()
    assert stored["fax"] == "202-555-0199"
    assert "city" not in stored


def test_expired_metadata_serves_when_the_vendor_cannot_be_called(hasty, vendor, api):
    hasty.get("/accounts?where=accountName='warm'")
    fault = {"kind": "http503", "operation": "GetFieldInfo", "times": 50}
    vendor.control("POST", "faults", fault)
    try:
        for _ in range(3):
            answer = hasty.get("/accounts?where=id=0")

            assert answer.status == 200, answer.body
            assert [account["id"] for account in answer.json()] == [0]
    finally:
        vendor.control("DELETE", "faults")
