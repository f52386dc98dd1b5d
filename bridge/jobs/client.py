"""The engine's client, for processes that enqueue jobs and run none."""

from __future__ import annotations

from dbos import DBOSClient, EnqueueOptions

from bridge.jobs.engine import APPLICATION, SERIALIZER, VERSION, migrate
from bridge.jobs.tasks import Task
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import open_jobs_database

_POOL_SIZE = 4


def connect(database: Database) -> DBOSClient:
    """Open a connection to the engine's tables; all threads of a process may use it."""
    jobs_database = migrate(database)
    return DBOSClient(
        system_database_url=jobs_database.url,
        system_database_engine=open_jobs_database(jobs_database),
        dbos_system_schema=jobs_database.schema,
        serializer=SERIALIZER,
        application_name=APPLICATION,
        system_database_pool_size=_POOL_SIZE,
        # With retries a request would wait until the database is available again.
        retry_connection_errors=False,
    )


def enqueue(client: DBOSClient, database: Database, task: Task, key: str) -> None:
    """Enqueue a task for what `key` names; repeated calls enqueue it once."""
    options = EnqueueOptions(
        workflow_name=task.name,
        queue_name=task.queue,
        workflow_id=f"{task.name}:{key}",
        queue_partition_key=task.partition(database, key),
        app_version=VERSION,
    )
    client.enqueue(options, key)
