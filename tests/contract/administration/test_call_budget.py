"""What the doctor and `bridge instance test` read of the budget is what is done."""

from __future__ import annotations

import json

import pytest

from bridge.interfaces import Priority, Usage
from bridge.store.instances import get_instance


class Budget:
    """An instance, and the budget of its tenant as all processes of it see it."""

    def __init__(self, operator, instance_id):
        self.operator = operator
        self.instance_id = instance_id
        with operator.context() as ctx:
            self.database = get_instance(ctx.database, instance_id).zone.database

    def tell(self, act):
        with self.operator.context() as ctx:
            act(ctx.rate_limiter)
            ctx.rate_limiter.close()

    def refused(self):
        """Return the priorities that are refused."""
        with self.operator.context() as ctx:
            [figures] = ctx.rate_limiter.get_budgets([self.database])
        return {each for each, until in figures.refused_until.items() if until}

    def examine(self):
        """Return the doctor's lines on the budget."""
        ended = self.operator.run("doctor", "--instance", self.instance_id, "--json")
        lines = {line["check"]: line for line in json.loads(ended.stdout)}
        return lines["threshold"], lines["rate limiter"]


@pytest.fixture
def budget(connected, demo):
    connected.add_user()
    made = connected.json(
        *("instance", "add", "--user", "ann@northwind.example", "--name", "PSA"),
        *("--username", demo["username"], "--password", demo["password"]),
        *("--server-url", demo["sandboxUrl"]),
    )
    return Budget(connected, made["id"])


@pytest.fixture
def refused(budget):
    budget.tell(lambda rate_limiter: rate_limiter.report_refusal(budget.database))
    assert budget.refused() == set(Priority)
    return budget


def test_doctor_frees_a_budget_that_is_free(refused):
    threshold, limiter = refused.examine()

    assert (threshold["level"], limiter["level"]) == ("ok", "ok")
    assert limiter["text"] == "calls pass"
    assert refused.refused() == set()


def test_test_of_an_instance_frees_a_budget_that_is_free(refused):
    [tested] = refused.operator.json("instance", "test", refused.instance_id)

    assert tested["status"] == "ok"
    assert tested["text"].endswith(" calls used this hour; calls pass")
    assert refused.refused() == set()


def test_both_say_what_bulk_calls_may_do(budget, vendor):
    threshold = 100_000_000
    budget.tell(
        lambda each: each.report_usage(budget.database, Usage(threshold, 60, 0))
    )
    vendor.control("POST", "usage", {"calls": threshold * 7 // 10})
    try:
        _, limiter = budget.examine()
        [tested] = budget.operator.json("instance", "test", budget.instance_id)
    finally:
        vendor.control("DELETE", "usage")

    says = "interactive calls pass, bulk and polling calls are refused until "
    assert limiter["level"] == "warning"
    assert limiter["text"].startswith(says)
    assert says in tested["text"]
    assert budget.refused() == {Priority.BULK, Priority.POLLING}


def test_both_stop_a_budget_that_the_vendor_refuses(budget, vendor):
    vendor.control("POST", "usage", {"calls": 100_000_000})
    try:
        threshold, limiter = budget.examine()
        found = budget.refused()
        tested = budget.operator.run("instance", "test", budget.instance_id)
    finally:
        vendor.control("DELETE", "usage")

    assert (threshold["level"], limiter["level"]) == ("failed", "warning")
    assert "calls are refused until " in limiter["text"]
    assert "Autotask refused a call for quota at " in limiter["text"]
    assert found == set(Priority)
    assert tested.exit_code == 1
    assert "is used up" in tested.stdout
    assert "Now calls are refused until " in tested.stdout
