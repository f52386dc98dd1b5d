"""The facade when Autotask's calls were used up, and are free again."""

from __future__ import annotations

from contextlib import closing

import pytest
from aging import age_reading

from bridge.composition import open_database
from bridge.settings import Settings

ACCOUNTS = "/hubs/crm/accounts?pageSize=1"
READ_AGAIN = "Autotask's count is read again with the first call after"


def usage(api):
    [budget] = api.get("/usage/vendor", authorization=api.platform).json()
    return budget


@pytest.fixture
def freed(api, vendor):
    """A vendor that refused a call, all being used up, and is free again."""
    vendor.control("POST", "usage", {"calls": usage(api)["threshold"]})
    try:
        refused = api.get(ACCOUNTS)
        assert refused.status == 502
        assert "is used up" in refused.json()["message"]
        assert READ_AGAIN in api.get(ACCOUNTS).json()["message"]
        vendor.control("DELETE", "usage")
        yield vendor
    finally:
        vendor.control("DELETE", "usage")
        assert api.get("/hubs/crm/ping").status == 200


def test_calls_pass_as_soon_as_the_count_was_read_again(freed, api, demo_dir):
    freed.forget()
    refused, assumed = api.get(ACCOUNTS), usage(api)
    assert READ_AGAIN in refused.json()["message"]
    assert "free again at" not in refused.json()["message"]
    assert freed.calls() == {}

    with closing(open_database(Settings(data_dir=demo_dir))) as database:
        age_reading(database, assumed["database"], 60)
    assert api.get(ACCOUNTS).status == 200

    assert freed.calls() == {"getThresholdAndUsageInfo": 1, "query": 1}
    read = usage(api)
    assert (assumed["assumedUsedUp"], read["assumedUsedUp"]) == (True, False)
    assert (assumed["quotaRefusedAt"] is None, read["quotaRefusedAt"]) == (False, None)
    assert all(assumed["refusedUntil"].values())
    assert read["refusedUntil"] == dict.fromkeys(("interactive", "polling", "bulk"))
    assert 0 <= read["ageSeconds"] < 120


def test_ping_reads_the_count_and_frees_all_calls_at_once(freed, api):
    assert READ_AGAIN in api.get(ACCOUNTS).json()["message"]

    assert api.get("/hubs/crm/ping").status == 200
    assert api.get(ACCOUNTS).status == 200
