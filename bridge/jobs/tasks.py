"""The tasks there are: the table that both sides of a queue read.

A task's name and the names of its steps are kept with the work that is under way.
Other steps need another task name, and the old task stays until none of it is left: a
program that finds other steps than the done ones gives that piece of work up.
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
    """Where work waits: what somebody is waiting for, and what may take hours."""

    PROMPT = "prompt"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much of a queue runs at a time: for one tenant database, in one worker."""

    partition: int
    worker: int
    poll_s: float


LIMITS: Mapping[Queue, QueueLimits] = {
    Queue.PROMPT: QueueLimits(partition=4, worker=32, poll_s=0.5),
    Queue.BULK: QueueLimits(partition=2, worker=8, poll_s=1.0),
}

Run: TypeAlias = Callable[[Context, str, Step], object]
"""Does the work on what a key names; returns what JSON can hold."""


def _nobody(_db: Database, _key: str) -> str:
    return "-"


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of work.

    `partition` tells whose it is, the tenant database's name: one tenant's work does
    not hold up another's. A task with a `schedule`, a cron line in UTC, also runs by
    itself, once for all workers; its key is then the time.
    """

    name: str
    run: Run
    queue: Queue = Queue.PROMPT
    partition: Callable[[Database, str], str] = _nobody
    schedule: str | None = None


TASKS = (Task("purge", purge, schedule="*/10 * * * *"),)
