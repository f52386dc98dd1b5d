"""What passes the gate and how, what the call log hears, and which calls are shared."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from waiting import wait_until

from bridge.backends.autotask_soap import single_flight
from bridge.backends.autotask_soap.client import RetryPolicy
from bridge.backends.autotask_soap.connections import Timeouts
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


class Lease:
    outcome = Outcome.ANSWERED
    provider_message = None


class Gate:
    """A gate that writes down who came and how it ended."""

    def __init__(self):
        self.tickets = []
        self.reached = []
        self.leases = []
        self.outcomes = []
        self.learnt = []
        self.refusal = None
        self.open = threading.Event()
        self.open.set()
        self.read_usage = None

    @contextmanager
    def enter(self, ticket, *, deadline, read_usage):  # noqa: ARG002 - as `Gate` has it
        self.tickets.append(ticket)
        self.read_usage = read_usage
        self.open.wait(120)
        if self.refusal:
            raise self.refusal
        lease = Lease()
        self.leases.append(lease)
        try:
            yield lease
        finally:
            self.outcomes.append(lease.outcome)

    @contextmanager
    def reach(self, host):
        self.reached.append(host)
        if self.refusal:
            raise self.refusal
        lease = Lease()
        try:
            yield lease
        finally:
            self.outcomes.append(lease.outcome)

    def report_usage(self, database, usage):
        self.learnt.append((database, usage.used))


class Log:
    def __init__(self):
        self.calls = []

    def note(self, call):
        self.calls.append(call)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def gated(gate, log):
    service = SoapService(
        rate_limiter=gate,
        log=log,
        timeouts=Timeouts(connect_s=60, read_s=120),
        retries=RetryPolicy(backoff_s=0.01, attempts=2),
        hosts=HostPolicy(allow_loopback=True),
    )
    yield service
    service.close()


@pytest.fixture
def opened(gated, ana, vendor):
    """Return a function that opens a backend for an instance."""

    def open_backend(instance_id=7, zone=None):
        caller = Caller(instance_id, Priority.POLLING)
        zone = zone or Zone(vendor.url, 41207)
        return gated.open_backend(ana, zone, print, caller)

    return open_backend


def refusal(vendor, text):
    return vendor.result("query", code=-1, errors=[text])


def usage(vendor):
    info = f"<EntityReturnInfo><EntityId>0</EntityId><Message>{USAGE}</Message>"
    return vendor.result("getThresholdAndUsageInfo", infos=f"{info}</EntityReturnInfo>")


def test_ticket_names_tenant_identifier_entity_and_caller(opened, vendor, gate):
    vendor.script = [vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    (ticket,) = gate.tickets
    assert ticket.database == f"{vendor.base.removeprefix('http://')}#41207"
    assert ticket.identifier == "IDENTIFIER-OF-ANA"
    assert ticket.entity == "Account"
    assert ticket.caller == Caller(7, Priority.POLLING)
    assert "IDENTIFIER-OF-ANA" not in repr(ticket)


def test_zone_look_up_passes_the_breaker_of_its_host_only(
    gated, ana, vendor, gate, log
):
    vendor.script = [vendor.zone(vendor.url), vendor.accounts(1)]
    gated.open_backend(ana, None, print).query(ACCOUNT, None)

    assert gate.reached == [vendor.base.removeprefix("http://")]
    assert [ticket.entity for ticket in gate.tickets] == ["Account"]
    assert [call.operation for call in log.calls] == ["getZoneInfo", "query"]


def test_each_attempt_passes_by_itself_and_is_noted(opened, vendor, gate, log):
    vendor.script = [vendor.hang_up, vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    assert gate.outcomes == [Outcome.UNREACHABLE, Outcome.ANSWERED]
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
def test_gate_hears_how_the_vendor_refused(opened, vendor, gate, text, outcome):
    vendor.script = [refusal(vendor, text)] * (2 if text is THREADS else 1)
    with pytest.raises(Exception, match="Autotask"):
        opened().query(ACCOUNT, None)

    assert set(gate.outcomes) == {outcome}


def test_gate_hears_what_a_host_that_is_down_says(opened, vendor, gate):
    vendor.script = [vendor.page(503, "Down for maintenance"), vendor.accounts(1)]
    opened().query(ACCOUNT, None)

    down, well = gate.leases
    assert (down.outcome, well.outcome) == (Outcome.UNREACHABLE, Outcome.ANSWERED)
    assert "Down for maintenance" in down.provider_message
    assert well.provider_message is None


def test_what_the_gate_refuses_is_never_sent(opened, vendor, gate):
    for refusal in (ProviderThresholdError("no"), ProviderUnavailableError("no")):
        gate.refusal = refusal
        with pytest.raises(type(refusal)):
            opened().create(ACCOUNT, NAME)

    assert vendor.operations == []


def test_usage_that_was_asked_for_anyway_is_told_to_the_gate(opened, vendor, gate):
    vendor.script = [usage(vendor)]
    opened().check()

    assert gate.learnt == [(gate.tickets[0].database, 318)]


def test_reading_for_the_gate_goes_through_the_gate(opened, vendor, gate):
    vendor.script = [vendor.accounts(1), usage(vendor)]
    opened().query(ACCOUNT, None)

    assert gate.read_usage().used == 318
    assert [ticket.usage_reading for ticket in gate.tickets] == [False, True]


@pytest.fixture
def together(gated, gate, monkeypatch):
    """Make calls that are all under way before the first is sent."""
    # However long the threads take to start, they are in time to join.
    monkeypatch.setattr(single_flight, "_JOIN_S", 120)

    def under_way():
        questions = [*gated._flights._flights.values()]
        return len(gate.tickets) + sum(each.followers for each in questions)

    def together(calls, outcome=Future.result):
        gate.open.clear()
        with ThreadPoolExecutor(len(calls)) as threads:
            answers = [threads.submit(call) for call in calls]
            try:
                wait_until(lambda: under_way() == len(calls))
            finally:
                gate.open.set()
            return [outcome(answer, 120) for answer in answers]

    return together


def shared(backend, **options):
    return lambda: backend.query(ACCOUNT, None, shared=True, **options)


def test_equal_questions_of_one_instance_are_asked_once(opened, vendor, together):
    vendor.script = [vendor.accounts(1, 2)]
    pages = together([shared(opened()) for _ in range(8)])

    assert vendor.operations == ["query"]
    assert all([entity["id"] for entity in page.entities] == [1, 2] for page in pages)
    assert len({id(page.entities[0]) for page in pages}) == 8


def test_other_questions_and_other_instances_are_asked_by_themselves(
    opened, vendor, together
):
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


def test_question_asked_after_a_write_is_not_answered_with_what_was_before(
    opened, vendor, gate, monkeypatch
):
    monkeypatch.setattr(single_flight, "_JOIN_S", 120)
    vendor.script = [vendor.accounts(1)] * 3
    gate.open.clear()
    with ThreadPoolExecutor(3) as threads:
        try:
            before = threads.submit(shared(opened()))
            wait_until(lambda: len(gate.tickets) == 1)
            writing = threads.submit(opened().update, ACCOUNT, 1, NAME)
            wait_until(lambda: len(gate.tickets) == 2)
            after = threads.submit(shared(opened()))
            wait_until(lambda: len(gate.tickets) == 3)
        finally:
            gate.open.set()
        for answer in (before, writing, after):
            answer.exception(120)

    assert sorted(vendor.operations) == ["query", "query", "update"]
