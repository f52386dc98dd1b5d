"""GET /usage/vendor, and the rate limiter behind the facade."""

from __future__ import annotations

import threading
import time


def usage(api):
    answer = api.get("/usage/vendor", authorization=api.platform)
    assert answer.status == 200
    return answer.json()


def test_usage_of_the_callers_tenant_database(api, demo, vendor):
    assert api.get("/hubs/crm/accounts?pageSize=1").status == 200

    (budget,) = usage(api)
    assert api.get("/hubs/crm/accounts?pageSize=1").status == 200
    (later,) = usage(api)

    host = demo["sandboxUrl"].split("/")[2]
    assert budget["database"].startswith(f"{host}#")
    assert budget["breaker"] == {"state": "closed", "retryAt": None}
    assert budget["threshold"] >= 10_000
    assert budget["used"] == budget["ours"] + (budget["theirs"] or 0)
    assert later["ours"] == budget["ours"] + 1
    assert vendor.calls() == {"query": 2}


def test_organizations_that_share_a_tenant_see_the_same_usage(api, foreign):
    ours, theirs = usage(api), usage(foreign)

    assert [budget["database"] for budget in ours] == [
        budget["database"] for budget in theirs
    ]


def test_usage_requires_user_and_organization(api):
    assert api.get("/usage/vendor", authorization="User nobody").status == 401


def ask_together(api, vendor):
    """Send twelve equal calls at once; return how often the vendor was called."""
    vendor.control("POST", "faults", {"kind": "delay", "times": 12, "seconds": 1})
    vendor.forget()
    answers = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(api.get("/hubs/crm/contacts?pageSize=3"))
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    vendor.control("DELETE", "faults")

    assert [answer.status for answer in answers] == [200] * 12
    assert len({answer.body for answer in answers}) == 1
    return vendor.calls()["query"]


def test_equal_calls_at_the_same_time_are_one_vendor_call_a_process(api, vendor):
    # A call is joined for a quarter of a second only: on a busy machine some are late.
    give_up = time.monotonic() + 120
    while ask_together(api, vendor) > 2:  # the demo serves with two processes
        assert time.monotonic() < give_up
