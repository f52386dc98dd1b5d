"""The engine as those see it who only ask for work."""

from __future__ import annotations

from dbos import DBOSClient, EnqueueOptions

from bridge.jobs.engine import APPLICATION, SERIALIZER, VERSION, migrate
from bridge.jobs.tasks import Task
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import open_jobs_database

_KEPT_CONNECTIONS = 4


class Client:
    """A connection to the engine's tables; shared by all threads of a process."""

    def __init__(self, database: Database) -> None:
        home = migrate(database)
        self._database = database
        self._engine = DBOSClient(
            system_database_url=home.url,
            system_database_engine=open_jobs_database(home),
            dbos_system_schema=home.schema,
            serializer=SERIALIZER,
            application_name=APPLICATION,
            system_database_pool_size=_KEPT_CONNECTIONS,
            retry_connection_errors=False,
        )

    def enqueue(self, task: Task, key: str) -> None:
        """Ask for a task on what `key` names, once however often it is asked."""
        options = EnqueueOptions(
            workflow_name=task.name,
            queue_name=task.queue,
            workflow_id=f"{task.name}:{key}",
            queue_partition_key=task.partition(self._database, key),
            app_version=VERSION,
        )
        self._engine.enqueue(options, key)

    def close(self) -> None:
        """Close the connections."""
        self._engine.destroy()
