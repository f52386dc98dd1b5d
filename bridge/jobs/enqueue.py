"""Enqueues, cancels and inspects jobs from a process that runs none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.interfaces import SHARED_PARTITION, JobState
from bridge.jobs.tasks import TASKS, Task
from bridge.store.database.engine import Database

if TYPE_CHECKING:
    from bridge.jobs.client import JobClient


class Enqueuer:
    """An `Enqueue` that opens the engine's client at the first call.

    Most processes never enqueue a job, and importing the engine costs 20 MB of memory
    and a third of a second.
    """

    def __init__(self, database: Database, tasks: Sequence[Task] = TASKS) -> None:
        self._database = database
        self._tasks = {task.name: task for task in tasks}
        self._lock = threading.Lock()
        self._client: JobClient | None = None

    def __call__(
        self,
        task: str,
        key: str,
        *,
        partition: str = SHARED_PARTITION,
        delay_s: float = 0.0,
    ) -> None:
        """Enqueue a task for what `key` names; return once the job is stored."""
        client = self._connect()
        client.enqueue(self._tasks[task], key, partition=partition, delay_s=delay_s)

    def cancel(self, task: str, key: str) -> None:
        """Cancel a job and what it started; does nothing if it has ended."""
        self._connect().cancel(self._tasks[task], key)

    def find(self, task: str, key: str) -> JobState | None:
        """Return the state of a job, None if it is unknown."""
        return self._connect().find(self._tasks[task], key)

    def close(self) -> None:
        """Close the client, if it was opened."""
        with self._lock:
            if self._client:
                self._client.close()
            self._client = None

    def _connect(self) -> JobClient:
        from bridge.jobs.client import JobClient  # noqa: PLC0415 - see the class

        with self._lock:
            self._client = self._client or JobClient(self._database)
            return self._client
