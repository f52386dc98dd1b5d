"""One breaker for each host, whichever process a host fails."""

from __future__ import annotations

import socketserver
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from waiting import wait_until

from bridge.backends.autotask_soap.client import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.errors import ProviderUnavailableError
from bridge.interfaces import Credentials, EntityType, Outcome, Usage
from bridge.store.models import vendor_hosts
from bridge.store.rate_limit import hosts
from bridge.store.rate_limit.hosts import FAILURES, read_breaker

DOWN = Outcome.UNREACHABLE
PAUSE_S = 60.0


@pytest.fixture(autouse=True)
def long_pauses(monkeypatch):
    """Let no pause end while the machine is busy with others."""
    monkeypatch.setattr(hosts, "FIRST_PAUSE_S", PAUSE_S)
    monkeypatch.setattr(hosts, "LONGEST_PAUSE_S", 10 * PAUSE_S)


@pytest.fixture
def host(tenant):
    return tenant.partition("#")[0]


def call(process, outcome=Outcome.ANSWERED, saying=None):
    with process.acquire(wait_s=60) as lease:
        lease.outcome, lease.provider_message = outcome, saying


def fail(*processes, saying=None):
    """Let the processes fail in turn until the breaker opens."""
    for number in range(FAILURES):
        call(processes[number % len(processes)], DOWN, saying)


def end_pause(db, host):
    trouble, _ = read_breaker(db, host)
    over = trouble.left_until - timedelta(seconds=trouble.pause_s)
    with db.begin() as connection:
        connection.execute(
            update(vendor_hosts)
            .where(vendor_hosts.c.host == host)
            .values(left_until=over)
        )
    time.sleep(0.3)  # what a process has read is news for a quarter of a second


def test_failures_of_several_processes_open_it_for_all(start):
    one, other, third = start(), start(), start()
    fail(one, other)

    for process in (one, other, third):
        with pytest.raises(ProviderUnavailableError, match="tried again at"):
            call(process)
    [figures] = third.rate_limiter.get_budgets([third.tenant])
    assert figures.breaker_until is not None


def test_other_hosts_are_called(start, tenant):
    process = start()
    fail(process)

    process.tenant = f"other-{tenant}"
    call(process)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not DOWN])
def test_any_answer_to_any_process_begins_the_count_anew(start, outcome):
    one, other = start(), start()
    for _ in range(FAILURES - 1):
        call(one, DOWN)
    call(other, outcome)
    other.rate_limiter.report_usage(other.tenant, Usage(10_000, 60, 0))
    for _ in range(FAILURES - 1):
        call(one, DOWN)

    call(one)


def test_answer_to_a_call_under_way_closes_it_for_all(start):
    one, other = start(), start()
    with other.acquire("Contact"):
        fail(one)
        time.sleep(1)  # which came first is told by the database's clock, roughly

    give_up = time.monotonic() + PAUSE_S / 2
    while True:
        try:
            call(one)
        except ProviderUnavailableError:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        else:
            break


def test_one_probe_of_all_processes_passes_when_the_pause_is_over(start, db, host):
    one, other = start(), start()
    fail(one, other)
    end_pause(db, host)

    with one.acquire(wait_s=60) as lease:
        lease.outcome = DOWN
        for process in (other, one):
            with pytest.raises(ProviderUnavailableError):
                call(process)
    with pytest.raises(ProviderUnavailableError):
        call(other)

    trouble, now = read_breaker(db, host)
    assert (trouble.left_until - now).total_seconds() > PAUSE_S
    end_pause(db, host)
    call(other)
    time.sleep(0.3)
    call(one)
    assert read_breaker(db, host)[0] is None


def test_refusal_repeats_what_the_host_said_last(start):
    one, other = start(), start()
    fail(one, saying="Down for maintenance until 04:00")

    with pytest.raises(ProviderUnavailableError) as refusal:
        call(other)

    assert refusal.value.provider_message == "Down for maintenance until 04:00"


def test_call_without_a_tenant_passes_the_breaker_and_counts(start, host):
    one, other = start(), start()
    for _ in range(FAILURES):
        with one.rate_limiter.check_host(host) as lease:
            lease.outcome = DOWN

    for process in (one, other):
        with (
            pytest.raises(ProviderUnavailableError),
            process.rate_limiter.check_host(host),
        ):
            pass
        with pytest.raises(ProviderUnavailableError):
            call(process)


class Silent(socketserver.BaseRequestHandler):
    """A host that takes calls and hangs up."""

    def handle(self):
        self.server.calls.append(time.monotonic())


@pytest.fixture
def silent():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as server:
        server.calls = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_host_that_is_down_is_asked_for_few_zones(start, silent):
    service = SoapService(
        hosts=HostPolicy(allow_loopback=True),
        rate_limiter=start().rate_limiter,
        retries=RetryPolicy(backoff_s=0.01),
    )
    url = f"http://127.0.0.1:{silent.server_address[1]}"
    for number in range(30):
        nobody = Credentials(f"{number}@x.example", "secret", url, "CODE")
        with pytest.raises(ProviderUnavailableError, match="zone look-up failed"):
            service.open_backend(nobody, None, print).query(EntityType("Account"), None)
    service.close()

    assert FAILURES <= len(silent.calls) < FAILURES + 4


def test_host_that_is_well_costs_nothing_beside_the_lane(start, deaf_db):
    process = start(deaf_db)
    call(process)

    before = deaf_db.asked
    call(process)

    assert deaf_db.asked == before + 1


def test_refused_calls_hold_no_lane(start):
    one, other = start(lanes=1), start(lanes=1)
    fail(one)
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError):
            call(other)

    def no_lane_is_held():
        [figures] = other.rate_limiter.get_budgets([other.tenant])
        return sum(lane.in_flight for lane in figures.lanes) == 0

    wait_until(no_lane_is_held)


def test_row_of_a_host_that_is_not_called_any_more_expires(start, db, host):
    call(start(), DOWN)

    with db.read() as connection:
        expires = text(
            "SELECT count(*) FROM vendor_hosts"
            " WHERE host = :host AND expires_at > failed_at"
        )
        assert connection.execute(expires, {"host": host}).scalar_one() == 1
