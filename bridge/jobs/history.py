"""The task that keeps the engine's memory of finished work short."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.jobs import engine
from bridge.jobs.steps import Step
from bridge.jobs.tasks import Task
from bridge.services.context import Context

_RETENTION = timedelta(days=3)
_BATCH_SIZE = 500
_MAX_STEPS = 100


def purge_finished(ctx: Context, _key: str, step: Step) -> int:
    """Forget work that ended three days ago; return how much; at most 50,000."""
    forgotten = 0
    for _ in range(_MAX_STEPS):
        found: int = step("forget finished work", _purge_batch, ctx)
        forgotten += found
        if found < _BATCH_SIZE:
            break
    return forgotten


def _purge_batch(ctx: Context) -> int:
    before: datetime = ctx.clock() - _RETENTION
    return engine.purge_finished(before, _BATCH_SIZE)


PURGE_FINISHED = Task("forget", purge_finished, schedule="5 * * * *")
