"""The protocol by which use cases enqueue background tasks."""

from __future__ import annotations

from typing import Protocol


class Enqueue(Protocol):
    """Enqueues a task for a worker."""

    def __call__(self, task: str, key: str) -> None:
        """Enqueue a task for the thing that `key` names; return once it is stored.

        A task and key that are queued already are not queued twice.
        """
