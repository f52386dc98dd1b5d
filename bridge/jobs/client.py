"""The engine's client, for processes that control jobs and run none."""

from __future__ import annotations

from dbos import DBOSClient

from bridge.interfaces import JobState
from bridge.jobs.engine import APPLICATION, SERIALIZER, migrate
from bridge.jobs.enqueue_options import build_arguments, build_options
from bridge.jobs.states import find_job, find_last_piece
from bridge.jobs.tasks import Task, workflow_id
from bridge.store.database.engine import Database, translate_errors
from bridge.store.database.jobs_database import open_jobs_database

_POOL_SIZE = 4


class JobClient:
    """A connection to the engine's tables; all threads of a process may use it.

    Raises:
        StoreUnavailableError: the database is unavailable; from every method.
        StoreError: it rejected a statement; from every method.
    """

    def __init__(self, database: Database) -> None:
        jobs_database = migrate(database)
        self._file = jobs_database.file
        self._client = DBOSClient(
            system_database_url=jobs_database.url,
            system_database_engine=open_jobs_database(jobs_database),
            dbos_system_schema=jobs_database.schema,
            serializer=SERIALIZER,
            application_name=APPLICATION,
            system_database_pool_size=_POOL_SIZE,
            # With retries a request would wait until the database is available again.
            retry_connection_errors=False,
        )

    def enqueue(self, task: Task, key: str, *, partition: str, delay_s: float) -> None:
        """Enqueue a task for what `key` names; repeated calls enqueue it once."""
        options = build_options(task, key, partition, delay_s=delay_s)
        with translate_errors(self._file):
            self._client.enqueue(options, *build_arguments(key, partition))

    def cancel(self, task: Task, key: str) -> None:
        """Cancel a job with all that it has started; does nothing if it is unknown.

        Two to four transactions. A cancelled piece cannot enqueue the next; a piece
        that it enqueued before is cancelled as its child.
        """
        with translate_errors(self._file):
            last = find_last_piece(self._client.list_workflows, task, key)
            if last:
                numbers = range(1, last + 1)
                pieces = [workflow_id(task, key, number) for number in numbers]
                self._client.cancel_workflows(pieces, cancel_children=True)

    def find(self, task: Task, key: str) -> JobState | None:
        """Return the state of a job, None if it is unknown. Two to four reads."""
        with translate_errors(self._file):
            return find_job(self._client.list_workflows, task, key)

    def close(self) -> None:
        """Close the connection."""
        self._client.destroy()
