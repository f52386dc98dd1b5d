"""Real processes on one database: no limit is exceeded, dead ones release slots."""

from __future__ import annotations

import time

import pytest
from waiting import wait_until

from bridge.errors import ProviderThresholdError
from bridge.interfaces import Caller, Usage
from bridge.store.rate_limit.ledger import SlotRequest
from bridge.store.rate_limit.ledger_rows import LedgerRow

INTERACTIVE, BULK = 0, 2
LEASE_S = 3.0
RULES = {"slots": 3, "lease_s": 60.0, "wait_s": 100.0}


class Change:
    changed = settled = True


def test_processes_never_hold_more_slots_than_there_are(crowd, tenant):
    for _ in range(3):
        crowd.add([tenant], calls=8)
    crowd.start()
    crowd.wait()

    assert len(crowd.events("ended")) == 3 * 2 * 8
    assert crowd.most_at_once(tenant) == 2


@pytest.mark.campaign
def test_processes_never_pass_the_budget_together(crowd, tenant, start):
    start().rate_limiter.report_usage(tenant, Usage(50, 60, 10))
    for _ in range(3):
        crowd.add([tenant], calls=10, call_s=0, wait_s=60, priority=BULK)
    crowd.start()
    crowd.wait()

    assert len(crowd.events("began")) == 20  # 60 % of 50, less the 10 of others
    assert len(crowd.events("refused")) == 60 - 20
    assert all("budget exhausted" in event[2] for event in crowd.events("refused"))


def test_slot_of_a_process_killed_on_this_host_is_released_at_once(
    crowd, tenant, start
):
    process = start(slots=1, lease_s=600)
    rules = {"slots": 1, "lease_s": 600}
    crowd.add([tenant], rules=rules, threads=1, calls=1, call_s=600)
    crowd.start()
    wait_until(lambda: crowd.events("began"))
    with pytest.raises(ProviderThresholdError):
        process.acquire(wait_s=0.3).__enter__()
    crowd.kill(crowd.events("began")[0][0])

    with process.acquire(wait_s=60):
        pass


def test_slot_of_a_process_that_died_elsewhere_is_released_with_its_lease(
    db, tenant, start
):
    process = start(slots=1)
    with process.acquire("Contact") as lease:
        queue = lease.queue.replace("Contact", "Account")
    began = time.monotonic()

    def acquire_elsewhere(ledger, now):
        claim = SlotRequest.of(Caller(1), now, usage_reading=False)
        ledger.acquire(queue, claim, "elsewhere.1.1.1", now)
        ledger.alive["elsewhere.1.1.1"] = now + LEASE_S
        return Change()

    LedgerRow(db, tenant).change(acquire_elsewhere, patience_s=60)

    with process.acquire(wait_s=60):
        waited_s = time.monotonic() - began

    assert LEASE_S - 1 < waited_s < 20 * LEASE_S


@pytest.mark.campaign
def test_eight_processes_two_tenants_one_identifier(crowd, tenant):
    """Seconds of load with kills: limits hold, and survivors are served."""
    tenants = [tenant, f"other-{tenant}"]
    options = {"rules": RULES, "threads": 6, "call_s": 0.02}
    for _ in range(4):
        crowd.add(tenants, priority=BULK, calls=60, **options)
        crowd.add(tenants, priority=INTERACTIVE, calls=30, **options)
    crowd.start()
    wait_until(lambda: len(crowd.events("ended")) > 200)
    killed = {crowd.events("began")[-1][0], crowd.events("began")[0][0]}
    for pid in killed:
        crowd.kill(pid)
    crowd.wait()

    began, ended = crowd.events("began"), crowd.events("ended")
    assert {event[2] for event in began if event[0] not in killed} == {
        event[2] for event in ended if event[0] not in killed
    }
    assert crowd.events("refused") == []
    for name in tenants:
        assert crowd.most_at_once(name, without=killed) == 3
    interactive, bulk = crowd.begun_beside(INTERACTIVE, BULK)
    print(f"{bulk} bulk calls began beside {interactive} interactive ones")
    assert bulk < interactive / 4


@pytest.mark.campaign
def test_eight_processes_never_pass_the_budget(crowd, tenant, start):
    start().rate_limiter.report_usage(tenant, Usage(2_000, 60, 700))
    for _ in range(8):
        crowd.add([tenant], threads=4, calls=60, call_s=0, wait_s=60)
    crowd.start()
    crowd.wait()

    assert len(crowd.events("began")) == 1_900 - 700
    assert len(crowd.events("refused")) == 8 * 4 * 60 - 1_200
