"""How a job is written to the engine's tables, from inside and outside of workflows."""

from __future__ import annotations

from dbos import EnqueueOptions

from bridge.interfaces import SHARED_PARTITION
from bridge.jobs.tasks import Task, workflow_id
from bridge.types import JSON

VERSION = "bridge"
"""The same in every release: the engine shares jobs only between workers of one
version, and a job that an older release started must still be finished."""


def build_options(
    task: Task, key: str, partition: str, *, delay_s: float = 0.0, piece: int = 1
) -> EnqueueOptions:
    """Return the options with which a piece of a job is enqueued."""
    options = EnqueueOptions(
        workflow_name=task.name,
        queue_name=task.queue,
        workflow_id=workflow_id(task, key, piece),
        queue_partition_key=partition,
        app_version=VERSION,
    )
    if delay_s > 0:
        options["delay_seconds"] = delay_s
    return options


def build_arguments(key: str, partition: str) -> tuple[JSON, ...]:
    """Return the arguments of the first piece of a job.

    Release 0.4.0 and older ones call workflows with the key alone.
    """
    if partition == SHARED_PARTITION:
        return (key,)
    return (key, {"partition": partition})
