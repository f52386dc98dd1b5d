"""The table of tasks, read by processes that enqueue jobs and by workers.

A task's name and the names of its steps are stored with each running job. Changed steps
need a new task name, and the old task must stay until its last job has ended: a job
whose stored steps differ from the program's steps fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bridge.jobs.purge import purge
from bridge.jobs.steps import Step
from bridge.services.context import Context
from bridge.store.database.engine import Database


class Queue(StrEnum):
    """`PROMPT` is for jobs that a caller waits for, `BULK` for jobs that take hours."""

    PROMPT = "prompt"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many jobs of a queue run at once: per tenant database and per worker."""

    partition: int
    worker: int
    poll_s: float


LIMITS: Mapping[Queue, QueueLimits] = {
    Queue.PROMPT: QueueLimits(partition=4, worker=32, poll_s=0.5),
    Queue.BULK: QueueLimits(partition=2, worker=8, poll_s=1.0),
}

Run: TypeAlias = Callable[[Context, str, Step], object]
"""Runs a task for what a key names; returns JSON values."""


def _no_partition(_db: Database, _key: str) -> str:
    return "-"


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job.

    `partition` returns the tenant database's name, so that the jobs of one tenant do
    not delay those of another. A task with a `schedule`, a cron line in UTC, also runs
    by schedule, once for all workers, with the time as its key.
    """

    name: str
    run: Run
    queue: Queue = Queue.PROMPT
    partition: Callable[[Database, str], str] = _no_partition
    schedule: str | None = None


TASKS = (Task("purge", purge, schedule="*/10 * * * *"),)
