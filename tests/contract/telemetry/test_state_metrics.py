"""`/metrics` on budgets, rate limiter, circuit breakers and workers."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from bridge import composition
from bridge.app import create_app
from bridge.errors import BridgeError
from bridge.interfaces import Caller, CallRequest, Outcome, Priority, Usage
from bridge.services.measured_limiter import MeasuredRateLimiter
from bridge.settings import Settings
from bridge.store import workers
from bridge.store.rate_limit.breaker_rows import MAX_FAILURES
from bridge.store.rate_limit.ledger import LimiterSettings
from bridge.store.rate_limit.limiter import SharedRateLimiter

HOST = "webservices3.autotask.net"
DATABASE = f"{HOST}#4711"
USAGE = Usage(threshold=100, timeframe_minutes=60, used=70)


class Installation:
    """An application of this process, and a rate limiter with a single slot."""

    def __init__(self, settings):
        self.application = create_app(settings)
        context = self.application.extensions["bridge"]
        self.database = context.database
        self.rate_limiter = SharedRateLimiter(
            self.database, LimiterSettings(slots=1, wait_s=0)
        )
        self.limiter = MeasuredRateLimiter(self.rate_limiter, context.metrics)

    def scrape(self):
        """Return the values of `/metrics` by name, then by the labels' values."""
        answer = self.application.test_client().get("/metrics")
        assert answer.status_code == 200
        found = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                labels = tuple(sample.labels.values())
                assert labels not in found.setdefault(sample.name, {})
                found[sample.name][labels] = sample.value
        return found

    def acquire(self, priority=Priority.INTERACTIVE, database=DATABASE):
        return self.limiter.acquire(
            CallRequest(database, "code", "Account", Caller(priority=priority)),
            deadline=time.monotonic(),
            read_usage=lambda: USAGE,
        )

    def is_refused(self, priority=Priority.INTERACTIVE):
        with pytest.raises(BridgeError), self.acquire(priority):
            pass


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request, tmp_path):
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            schema = request.getfixturevalue("postgresql_schema")
            url = stack.enter_context(schema())
        settings = Settings(data_dir=tmp_path, database_url=url)
        with closing(composition.open_database(settings)) as database:
            database.upgrade()
        installation = Installation(settings)
        yield installation
        installation.rate_limiter.close()
        installation.database.close()


def test_a_budget_is_reported_with_what_it_refuses(installation):
    with installation.acquire():
        pass
    before = installation.scrape()
    installation.limiter.report_usage(DATABASE, USAGE)

    after = installation.scrape()

    assert before["bridge_call_budget_used"] == {(DATABASE, "bridge"): 1}
    assert before["bridge_call_budget_threshold"] == {(DATABASE,): 10_000}
    assert "bridge_call_budget_reading_age_seconds" not in before
    assert after["bridge_call_budget_threshold"] == {(DATABASE,): 100}
    assert after["bridge_call_budget_used"] == {
        (DATABASE, "bridge"): 1,
        (DATABASE, "others"): 69,
    }
    assert after["bridge_call_budget_refusing"] == {
        (DATABASE, "interactive"): 0,
        (DATABASE, "bulk"): 1,
    }
    [age_s] = after["bridge_call_budget_reading_age_seconds"].values()
    assert 0 <= age_s < 600
    assert after["bridge_database_available"] == {(): 1}
    installation.is_refused(Priority.BULK)


def test_slots_and_waits_are_reported_and_refusals_counted_by_reason(installation):
    before = installation.scrape()
    with installation.acquire():
        installation.is_refused()
        busy = installation.scrape()
    installation.limiter.report_usage(DATABASE, USAGE)
    installation.is_refused(Priority.BULK)

    after = installation.scrape()

    name = "bridge_rate_limit_refusals_total"
    nothing = {("budget",): 0, ("slots",): 0, ("circuit_breaker",): 0}
    assert before[name] == nothing
    assert busy[name] == nothing | {("slots",): 1}
    assert after[name] == nothing | {("slots",): 1, ("budget",): 1}
    assert busy["bridge_rate_limit_slots_in_use"] == {(DATABASE,): 1}
    assert busy["bridge_rate_limit_waiting_processes"].keys() == {(DATABASE,)}
    assert after["bridge_rate_limit_wait_seconds_count"] == {
        ("interactive",): 2,
        ("bulk",): 1,
    }


def test_an_open_circuit_breaker_is_reported_by_host(installation):
    with installation.acquire():
        pass
    closed = installation.scrape()
    for _ in range(MAX_FAILURES):
        with installation.limiter.check_host(HOST) as passage:
            passage.outcome = Outcome.UNREACHABLE
    installation.is_refused()
    with pytest.raises(BridgeError), installation.limiter.check_host(HOST):
        pass

    opened = installation.scrape()

    assert closed["bridge_circuit_breaker_open"] == {(HOST,): 0}
    assert opened["bridge_circuit_breaker_open"] == {(HOST,): 1}
    refusals = opened["bridge_rate_limit_refusals_total"]
    assert refusals["circuit_breaker",] == 2


def test_workers_with_a_heartbeat_are_counted(installation):
    assert installation.scrape()["bridge_workers_alive"] == {(): 0}
    workers.save_heartbeat(installation.database, "one", "1.0", lease_s=600)
    workers.save_heartbeat(installation.database, "two", "1.0", lease_s=600)
    workers.save_heartbeat(installation.database, "silent", "1.0", lease_s=-1)

    assert installation.scrape()["bridge_workers_alive"] == {(): 2}


def test_many_tenant_databases_cost_no_more_statements(installation):
    for number in range(20):
        installation.rate_limiter.report_usage(f"{HOST}#{number}", USAGE)
    statements = []
    with installation.database.read() as connection:
        engine = connection.engine
    event.listen(
        engine, "before_cursor_execute", lambda *values: statements.append(values[2])
    )

    found = installation.scrape()

    assert len(found["bridge_call_budget_threshold"]) == 20
    assert 0 < len(statements) <= 5, statements


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_metrics_are_served_while_the_database_is_away(installation, tmp_path):
    file = tmp_path / "bridge.db"
    file.rename(tmp_path / "elsewhere")

    away = installation.scrape()
    (tmp_path / "elsewhere").rename(file)

    assert away["bridge_database_available"] == {(): 0}
    assert "bridge_workers_alive" not in away
    assert away["bridge_build_info"]
    assert installation.scrape()["bridge_database_available"] == {(): 1}
