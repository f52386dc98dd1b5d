"""A budget that was used up is used again soon after the vendor frees it."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field

import pytest
from aging import age_reading

from bridge.errors import ProviderThresholdError
from bridge.interfaces import Caller, CallRequest, Outcome, Priority, Usage
from bridge.store.rate_limit import slots
from bridge.store.rate_limit.limiter import SharedRateLimiter

FREE = Usage(10_000, 60, 11)


@dataclass
class Vendor:
    """Counts calls and refuses them, its count included, when they are used up."""

    tenant: str
    used: int = 0
    readings: list[int] = field(default_factory=list)

    def call(
        self,
        rate_limiter: SharedRateLimiter,
        entity="Account",
        priority=Priority.INTERACTIVE,
    ):
        """Make one call; it has a minute to wait."""
        ticket = CallRequest(self.tenant, "shared", entity, Caller(1, priority))
        self._send(rate_limiter, ticket)

    def read(self, rate_limiter: SharedRateLimiter) -> Usage:
        """Ask for the count, as the backend does: through the governor."""
        ticket = CallRequest(self.tenant, "shared", "", Caller(1), usage_reading=True)
        self.readings.append(self.used)
        self._send(rate_limiter, ticket)
        return Usage(10_000, 60, self.used)

    def _send(self, rate_limiter: SharedRateLimiter, ticket: CallRequest) -> None:
        deadline = time.monotonic() + 60
        with rate_limiter.acquire(
            ticket, deadline=deadline, read_usage=lambda: self.read(rate_limiter)
        ) as lease:
            if self.used >= 10_000:
                lease.outcome = Outcome.QUOTA
                raise ProviderThresholdError("Autotask: used up.")


@pytest.fixture
def vendor(tenant) -> Vendor:
    return Vendor(tenant)


@pytest.fixture
def used_up(vendor, start):
    """Two processes, of which one was refused for quota; the vendor is free again."""
    one, other = (start().rate_limiter for _ in range(2))
    vendor.used = 10_000
    with pytest.raises(ProviderThresholdError, match="Autotask: used up"):
        vendor.call(one)
    with pytest.raises(ProviderThresholdError, match="Autotask refused one at"):
        vendor.call(other)
    assert vendor.readings == [10_000]
    vendor.used = 11
    return one, other


def test_calls_pass_with_the_first_reading_after_the_vendor_is_free(
    used_up, vendor, db, tenant
):
    for rate_limiter in used_up:
        with pytest.raises(ProviderThresholdError, match="with the first call after"):
            vendor.call(rate_limiter)
    assert vendor.readings == [10_000]

    age_reading(db, tenant, 60)
    for rate_limiter in used_up:
        vendor.call(rate_limiter)
    assert vendor.readings == [10_000, 11]


def test_calls_of_all_processes_wait_for_one_reading(used_up, vendor, db, tenant):
    age_reading(db, tenant, 60)
    passed = []

    def call(rate_limiter):
        vendor.call(rate_limiter)
        passed.append(rate_limiter)

    threads = [
        threading.Thread(target=call, args=[rate_limiter])
        for rate_limiter in used_up
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 6
    assert vendor.readings == [10_000, 11]


def test_vendor_that_is_still_used_up_is_asked_once_in_a_minute(
    used_up, vendor, db, tenant
):
    vendor.used = 10_000
    age_reading(db, tenant, 60)
    for rate_limiter in used_up * 2:
        with pytest.raises(ProviderThresholdError, match="with the first call after"):
            vendor.call(rate_limiter)

    assert vendor.readings == [10_000, 10_000]


def test_reading_goes_before_calls_that_wait_for_it_in_its_own_queue(
    used_up, vendor, db, tenant
):
    age_reading(db, tenant, 60)
    vendor.call(used_up[0], entity="")

    assert vendor.readings == [10_000, 11]


@pytest.mark.parametrize("priority", [Priority.BULK, Priority.POLLING])
def test_bulk_and_polling_calls_pass_as_soon_as_the_others_are_gone(
    vendor, start, db, tenant, priority
):
    one, other = (start().rate_limiter for _ in range(2))
    one.report_usage(tenant, Usage(10_000, 60, 7_000))
    with pytest.raises(ProviderThresholdError, match="with the first call after"):
        vendor.call(other, priority=priority)

    age_reading(db, tenant, 60)
    vendor.used = 11
    vendor.call(other, priority=priority)
    assert vendor.readings == [11]


def test_count_that_one_process_reads_frees_all_at_once(used_up, vendor, tenant):
    one, other = used_up
    other.report_usage(tenant, FREE)

    vendor.call(one)
    vendor.call(other)
    assert vendor.readings == [10_000]


def test_call_is_not_refused_by_what_one_process_saw_before(
    used_up, vendor, tenant, monkeypatch
):
    one, other = used_up
    monkeypatch.setattr(slots, "_TURN_S", 300.0)  # all of this happens in a moment
    with pytest.raises(ProviderThresholdError):
        vendor.call(one)
    other.report_usage(tenant, FREE)

    vendor.call(one)


def test_figures_say_what_is_read_and_what_is_assumed(used_up, tenant):
    one, other = used_up
    [assumed] = one.get_budgets([tenant])
    other.report_usage(tenant, FREE)
    [read] = one.get_budgets([tenant])

    assert assumed.quota_refused_at is not None
    assert (assumed.theirs, assumed.age_s) == (None, None)
    assert all(assumed.refused_until.values())
    assert read.quota_refused_at is None
    assert 0 <= read.age_s < 120
    assert read.ours + read.theirs == 11
    assert not any(read.refused_until.values())


def test_processes_read_the_count_once_and_go_on(crowd, tenant, start):
    start().rate_limiter.report_refusal(tenant)
    for _ in range(2):
        crowd.add([tenant], calls=2, usage=asdict(FREE))
    crowd.start()
    crowd.wait()

    assert len(crowd.events("began")) == 2 * 2 * 2
    assert len(crowd.events("reading")) == 1
