"""The workflows that every worker can run: how it carries out which task."""

from __future__ import annotations

from bridge.jobs.history import purge_finished
from bridge.jobs.pieces import Workflow
from bridge.jobs.purge import purge
from bridge.jobs.tasks import PURGE, PURGE_FINISHED

WORKFLOWS = (
    Workflow(PURGE, purge, schedule="*/10 * * * *"),
    Workflow(PURGE_FINISHED, purge_finished, schedule="5 * * * *"),
)
