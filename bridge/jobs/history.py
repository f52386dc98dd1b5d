"""The task that keeps the engine's memory of finished work short."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.jobs import engine
from bridge.jobs.steps import Step
from bridge.jobs.tasks import Task
from bridge.services.context import Context

_KEPT = timedelta(days=3)
_MOST = 500
_MOST_STEPS = 100


def forget(ctx: Context, _key: str, step: Step) -> int:
    """Forget work that ended three days ago; return how much; at most 50,000."""
    forgotten = 0
    for _ in range(_MOST_STEPS):
        found: int = step("forget finished work", _forget_some, ctx)
        forgotten += found
        if found < _MOST:
            break
    return forgotten


def _forget_some(ctx: Context) -> int:
    before: datetime = ctx.clock() - _KEPT
    return engine.forget_finished(before, _MOST)


FORGET = Task("forget", forget, schedule="5 * * * *")
