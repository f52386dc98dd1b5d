"""How calls use the rate limiter and the call log, and which calls are shared."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from waiting import wait_until

from bridge.backends.autotask_soap import single_flight
from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.errors import ProviderThresholdError, ProviderUnavailableError
from bridge.interfaces import (
    Caller,
    EntityType,
    Field,
    FieldType,
    Outcome,
    Priority,
    Zone,
)

ACCOUNT = EntityType("Account")
NAME = {Field("AccountName", FieldType.STRING): "Acme"}
THREADS = "The Autotask API thread threshold of 3 threads has been exceeded."
QUOTA = "You have exceeded the maximum number of requests for this hour."
USAGE = (
    "ThresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60; "
    "numberOfExternalRequest: 318;"
)


class RecordedPermit:
    outcome = Outcome.ANSWERED
    provider_message = None


class RecordingRateLimiter:
    """Records requests and outcomes; refuses or blocks calls on demand."""

    def __init__(self):
        self.requests = []
        self.hosts = []
        self.permits = []
        self.outcomes = []
        self.usages = []
        self.refusal = None
        self.open = threading.Event()
        self.open.set()
        self.read_usage = None

    @contextmanager
    def acquire(self, request, *, deadline, read_usage):  # noqa: ARG002 - the protocol's
        self.requests.append(request)
        self.read_usage = read_usage
        self.open.wait(120)
        if self.refusal:
            raise self.refusal
        permit = RecordedPermit()
        self.permits.append(permit)
        try:
            yield permit
        finally:
            self.outcomes.append(permit.outcome)

    @contextmanager
    def check_host(self, host):
        self.hosts.append(host)
        if self.refusal:
            raise self.refusal
        permit = RecordedPermit()
        try:
            yield permit
        finally:
            self.outcomes.append(permit.outcome)

    def report_usage(self, database, usage):
        self.usages.append((database, usage.used))


class Log:
    def __init__(self):
        self.calls = []

    def record(self, call):
        self.calls.append(call)


@pytest.fixture
def limiter():
    return RecordingRateLimiter()


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def limited(limiter, log):
    service = SoapService(
        rate_limiter=limiter,
        log=log,
        timeouts=Timeouts(connect_s=60, read_s=120),
        retries=RetryPolicy(backoff_s=0.01, attempts=2),
        hosts=HostPolicy(allow_loopback=True),
    )
    yield service
    service.close()


@pytest.fixture
def opened(limited, ana, vendor):
    """Return a function that opens a backend for an instance."""

    def open_backend(instance_id=7, zone=None):
        caller = Caller(instance_id, Priority.POLLING)
        zone = zone or Zone(vendor.url, 41207)
        return limited.open_backend(ana, zone, print, caller)

    return open_backend


def refusal(vendor, text):
    return vendor.result("query", code=-1, errors=[text])


def usage(vendor):
    info = f"<EntityReturnInfo><EntityId>0</EntityId><Message>{USAGE}</Message>"
    return vendor.result("getThresholdAndUsageInfo", infos=f"{info}</EntityReturnInfo>")


def test_call_request_has_database_identifier_entity_and_caller(
    opened, vendor, limiter
):
    vendor.script = [vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    (request,) = limiter.requests
    assert request.database == f"{vendor.base.removeprefix('http://')}#41207"
    assert request.identifier == "IDENTIFIER-OF-ANA"
    assert request.entity == "Account"
    assert request.caller == Caller(7, Priority.POLLING)
    assert "IDENTIFIER-OF-ANA" not in repr(request)


def test_zone_look_up_checks_only_the_breaker_of_its_host(
    limited, ana, vendor, limiter, log
):
    vendor.script = [vendor.zone(vendor.url), vendor.accounts(1)]
    limited.open_backend(ana, None, print).query(ACCOUNT, None)

    assert limiter.hosts == [vendor.base.removeprefix("http://")]
    assert [request.entity for request in limiter.requests] == ["Account"]
    assert [call.operation for call in log.calls] == ["getZoneInfo", "query"]


def test_each_attempt_acquires_its_own_permit_and_is_recorded(
    opened, vendor, limiter, log
):
    vendor.script = [vendor.hang_up, vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    assert limiter.outcomes == [Outcome.UNREACHABLE, Outcome.ANSWERED]
    assert [
        (call.operation, call.entity, call.outcome, call.instance_id, call.attempt)
        for call in log.calls
    ] == [
        ("query", "Account", Outcome.UNREACHABLE, 7, 1),
        ("query", "Account", Outcome.ANSWERED, 7, 2),
    ]
    assert all(call.duration_ms > 0 and call.started_at.tzinfo for call in log.calls)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (THREADS, Outcome.THREAD_LIMIT),
        (QUOTA, Outcome.QUOTA),
        ("Missing Required Field: Phone", Outcome.REFUSED),
    ],
)
def test_limiter_gets_the_outcome_of_a_refusal(opened, vendor, limiter, text, outcome):
    vendor.script = [refusal(vendor, text)] * (2 if text is THREADS else 1)
    with pytest.raises(Exception, match="Autotask"):
        opened().query(ACCOUNT, None)

    assert set(limiter.outcomes) == {outcome}


def test_limiter_gets_the_message_of_a_host_that_is_down(opened, vendor, limiter):
    vendor.script = [vendor.page(503, "Down for maintenance"), vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    down, well = limiter.permits
    assert (down.outcome, well.outcome) == (Outcome.UNREACHABLE, Outcome.ANSWERED)
    assert "Down for maintenance" in down.provider_message
    assert well.provider_message is None


def test_call_that_the_limiter_refuses_is_never_sent(opened, vendor, limiter):
    for refusal in (ProviderThresholdError("no"), ProviderUnavailableError("no")):
        limiter.refusal = refusal
        with pytest.raises(type(refusal)):
            opened().create(ACCOUNT, NAME)

    assert vendor.operations == []


def test_usage_read_by_check_is_reported_to_the_limiter(opened, vendor, limiter):
    vendor.script = [usage(vendor)]
    opened().check()

    assert limiter.usages == [(limiter.requests[0].database, 318)]


def test_usage_read_for_the_limiter_acquires_a_permit(opened, vendor, limiter):
    vendor.script = [vendor.accounts(1), usage(vendor)]
    opened().query(ACCOUNT, None)

    assert limiter.read_usage().used == 318
    assert [request.usage_reading for request in limiter.requests] == [False, True]


@pytest.fixture
def together(limited, limiter, monkeypatch):
    """Make calls that are all under way before the first is sent."""
    # However long the threads take to start, they are in time to join.
    monkeypatch.setattr(single_flight, "_JOIN_S", 120)

    def under_way():
        shared_calls = [*limited._single_flight._calls.values()]
        return len(limiter.requests) + sum(each.waiters for each in shared_calls)

    def together(calls, outcome=Future.result):
        limiter.open.clear()
        with ThreadPoolExecutor(len(calls)) as threads:
            answers = [threads.submit(call) for call in calls]
            try:
                wait_until(lambda: under_way() == len(calls))
            finally:
                limiter.open.set()
            return [outcome(answer, 120) for answer in answers]

    return together


def shared(backend, **options):
    return lambda: backend.query(ACCOUNT, None, shared=True, **options)


def test_equal_concurrent_queries_of_one_instance_share_one_call(
    opened, vendor, together
):
    vendor.script = [vendor.accounts(1, 2)]
    pages = together([shared(opened()) for _ in range(8)])

    assert vendor.operations == ["query"]
    assert all([entity.id for entity in page.entities] == [1, 2] for page in pages)
    assert len({id(page.entities[0]) for page in pages}) == 8


def test_different_queries_and_other_instances_share_nothing(opened, vendor, together):
    vendor.script = [vendor.accounts(1)] * 4
    one, other = opened(1), opened(2)
    together(
        [
            shared(one),
            shared(other),
            shared(one, limit=1),
            lambda: one.query(ACCOUNT, None),
        ],
    )

    assert vendor.operations == ["query"] * 4


def test_failure_is_shared_too(opened, vendor, together):
    vendor.script = [refusal(vendor, "No permission for this.")]
    calls = [shared(opened()) for _ in range(3)]
    errors = together(calls, Future.exception)

    assert vendor.operations == ["query"]
    assert len({id(error) for error in errors}) == 3
    assert {str(error) for error in errors} == {str(errors[0])}


def test_query_after_a_write_does_not_share_an_older_call(
    opened, vendor, limiter, monkeypatch
):
    monkeypatch.setattr(single_flight, "_JOIN_S", 120)
    vendor.script = [vendor.accounts(1)] * 3
    limiter.open.clear()
    with ThreadPoolExecutor(3) as threads:
        try:
            before = threads.submit(shared(opened()))
            wait_until(lambda: len(limiter.requests) == 1)
            writing = threads.submit(opened().update, ACCOUNT, 1, NAME, {})
            wait_until(lambda: len(limiter.requests) == 2)
            after = threads.submit(shared(opened()))
            wait_until(lambda: len(limiter.requests) == 3)
        finally:
            limiter.open.set()
        for answer in (before, writing, after):
            answer.exception(120)

    assert sorted(vendor.operations) == ["query", "query", "update"]
