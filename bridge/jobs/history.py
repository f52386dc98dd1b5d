"""The workflow that deletes finished jobs from the engine's tables."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.jobs import engine
from bridge.jobs.steps import step
from bridge.services.context import Context

_RETENTION = timedelta(days=3)
_BATCH_SIZE = 500
_MAX_STEPS = 100


def purge_finished(ctx: Context, _key: str) -> int:
    """Delete up to 50,000 jobs that ended over three days ago; return how many.

    No vendor call.
    """
    purged = 0
    for _ in range(_MAX_STEPS):
        # The names of the step and of the task are stored with running jobs.
        count: int = step("forget finished work", _purge_batch, ctx)
        purged += count
        if count < _BATCH_SIZE:
            break
    return purged


def _purge_batch(ctx: Context) -> int:
    before: datetime = ctx.clock() - _RETENTION
    return engine.purge_finished(before, _BATCH_SIZE)
