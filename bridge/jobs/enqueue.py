"""Enqueues jobs from a process that runs none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.jobs.tasks import TASKS, Task
from bridge.store.database.engine import Database

if TYPE_CHECKING:
    from dbos import DBOSClient


class Enqueuer:
    """An `Enqueue` that opens the engine's client at the first call.

    Most processes never enqueue a job, and importing the engine costs 20 MB of memory
    and a third of a second.
    """

    def __init__(self, database: Database, tasks: Sequence[Task] = TASKS) -> None:
        self._database = database
        self._tasks = {task.name: task for task in tasks}
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None

    def __call__(self, task: str, key: str) -> None:
        """Enqueue a task for what `key` names; return once the job is stored."""
        from bridge.jobs import client  # noqa: PLC0415 - see the class

        with self._lock:
            self._client = self._client or client.connect(self._database)
        client.enqueue(self._client, self._database, self._tasks[task], key)

    def close(self) -> None:
        """Close the client, if it was opened."""
        with self._lock:
            if self._client:
                self._client.destroy()
            self._client = None
