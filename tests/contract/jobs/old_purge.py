"""A worker with the purge of release 0.4.0, which never ends the step for traces."""

from __future__ import annotations

import time

from probe import trace

from bridge.cli.commands.worker import run
from bridge.jobs.pieces import Workflow
from bridge.jobs.steps import step
from bridge.jobs.tasks import PURGE

STEPS = (
    "leases",
    "list_totals",
    "login_refusals",
    "page_ends",
    "request_log",
    "sessions",
)


def purge(_ctx, key):
    for table in STEPS:
        step(f"purge {table}", STEPS.index, "list_totals")
    step("purge traces", stick, key)


def stick(key):
    trace(key, 0, "stuck")
    time.sleep(3600)


if __name__ == "__main__":
    run((Workflow(PURGE, purge),), as_json=True)
