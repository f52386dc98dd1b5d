"""Asking for work, from a process that does none itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.jobs.tasks import TASKS, Task
from bridge.store.database.engine import Database

if TYPE_CHECKING:
    from bridge.jobs.client import Client


class Enqueuer:
    """An `Enqueue` that opens the engine's client when it is first asked.

    Most processes never ask, and the engine is 20 MB and a third of a second.
    """

    def __init__(self, database: Database, tasks: Sequence[Task] = TASKS) -> None:
        self._database = database
        self._tasks = {task.name: task for task in tasks}
        self._lock = threading.Lock()
        self._client: Client | None = None

    def __call__(self, task: str, key: str) -> None:
        """Ask for a task on what `key` names; returns once the request is kept."""
        wanted = self._tasks[task]
        with self._lock:
            self._client = self._client or self._open()
        self._client.enqueue(wanted, key)

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            if self._client:
                self._client.close()
            self._client = None

    def _open(self) -> Client:
        from bridge.jobs.client import Client  # noqa: PLC0415 - see the class

        return Client(self._database)
