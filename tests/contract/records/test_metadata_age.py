"""Metadata that has grown old: who renews it, when, and for how many vendor calls."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from bridge import web
from bridge.app import build_context, open_database, open_service
from bridge.settings import Settings
from bridge.store.metadata import metadata_hash

RENEWAL = {"GetFieldInfo": 1, "getUDFInfo": 1}
ACCOUNTS = "/elements/api-v2/hubs/crm/objects/accounts/metadata"


class Process:
    """A serving process of the demo's data directory, with a clock to be advanced."""

    def __init__(self, demo, demo_dir, caller):
        settings = Settings(
            data_dir=demo_dir,
            integration_code=demo["integrationCode"],
            allow_loopback=True,
        )
        self.ahead = timedelta()
        self.database = open_database(settings)
        context = build_context(settings, self.database)
        self.service = open_service(
            settings, gate=context.governor, log=context.journal
        )
        self.context = dataclasses.replace(
            context, open_backend=self.service.open_backend, clock=self.now
        )
        app = Flask("bridge", static_folder=None)
        web.register(app, self.context)
        self.client = app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = caller.secrets
        self.instance_id = caller.line["instanceId"]

    def now(self):
        return datetime.now(UTC) + self.ahead

    def describe(self):
        answer = self.client.get(ACCOUNTS)
        assert answer.status_code == 200, answer.text
        return answer.json

    def renewed(self):
        """Tell whether the stored row is of this very minute."""
        _, fetched_at = metadata_hash(self.database, self.instance_id, "Account")
        return self.now() - fetched_at < timedelta(minutes=1)

    def close(self):
        self.context.journal.flush()
        self.context.governor.close()
        self.service.close()
        self.database.close()


@pytest.fixture
def newcomer(api):
    newcomer = api.connect("Growing old")
    yield newcomer
    newcomer.disconnect()


@pytest.fixture
def processes(demo, demo_dir, newcomer, vendor):
    processes = [Process(demo, demo_dir, newcomer) for _ in range(2)]
    for process in processes:
        process.describe()
    vendor.forget()
    yield processes
    vendor.control("DELETE", "faults")
    for process in processes:
        process.close()


def disturb(vendor, **fault):
    """Let calls for fields go wrong."""
    fault["operation"] = "GetFieldInfo"
    assert vendor.control("POST", "faults", fault).status == 200


def test_what_is_past_its_lifetime_is_renewed_behind_the_answer(processes, vendor):
    first, second = processes
    known = first.describe()
    disturb(vendor, kind="delay", seconds=1)
    first.ahead = second.ahead = timedelta(hours=2)

    assert first.describe() == known
    assert not first.renewed()
    assert second.describe() == known

    end = time.monotonic() + 60
    while not first.renewed() and time.monotonic() < end:
        time.sleep(0.05)
    assert first.renewed()
    second.ahead += timedelta(seconds=11)
    assert second.describe() == first.describe() == known
    assert vendor.calls() == RENEWAL


def test_what_is_many_lifetimes_old_is_renewed_first(processes, vendor):
    process, _ = processes
    process.ahead = timedelta(days=3)

    process.describe()

    assert process.renewed()
    assert vendor.calls() == RENEWAL


def test_even_that_is_served_when_the_vendor_fails(processes, vendor):
    process, _ = processes
    known = process.describe()
    process.ahead = timedelta(days=3)
    disturb(vendor, kind="fault", times=20)

    assert process.describe() == known
    assert not process.renewed()


def test_a_doubted_value_is_looked_up_once_by_all_processes(processes, vendor):
    for process in processes:
        process.ahead = timedelta(minutes=11)

    for process in processes:
        answer = process.client.post(
            "/elements/api-v2/hubs/crm/accounts", json={"accountType": 4242}
        )
        assert answer.status_code == 400
        assert "accountType cannot be 4242" in answer.json["message"]

    assert vendor.calls() == RENEWAL
