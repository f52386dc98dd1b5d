"""The tasks that processes enqueue, and the queues they go to.

The engine is not imported here: processes that enqueue nothing should not load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job.

    The name is stored with each job. It contains no colon and ends in no number.
    """

    name: str
    queue: Queue = Queue.PROMPT


PURGE = Task("purge")
PURGE_FINISHED = Task("forget")

TASKS = (PURGE,)
"""The tasks that use cases enqueue by name."""


def workflow_id(task: Task, key: str, piece: int = 1) -> str:
    """Return the engine's id of one piece of a job; the first has the job's id."""
    name = task.name if piece == 1 else f"{task.name} {piece}"
    return f"{name}:{key}"
