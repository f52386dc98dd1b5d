"""The durable job engine, DBOS Transact, as a worker runs it.

It stores queued jobs and each finished step, assigns a job to one worker at a time, and
rejects results from a worker whose job was reassigned. The vendor's hosted services are
not used. One engine per process.

Source: dbos 3.4, its code.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, ScheduleInput
from dbos import error as engine_errors

from bridge.errors import StoreError
from bridge.jobs.enqueue_options import VERSION
from bridge.jobs.pieces import Workflow, run_piece
from bridge.jobs.states import find_purgeable
from bridge.jobs.stored_errors import StoredError
from bridge.jobs.tasks import LIMITS
from bridge.services.context import Context
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import (
    JobsDatabase,
    find_jobs_database,
    open_jobs_database,
)
from bridge.store.database.migration_lock import hold_migration_lock
from bridge.types import JSON

APPLICATION = "bridge"

# The engine's default is pickle, which would let anybody who can write to the database
# run code here.
SERIALIZER = DBOSPortableJSONSerializer()

_POOL_SIZE = 10
_OUTAGE = re.compile(
    r"\((?:psycopg|sqlite3)\.OperationalError\).*"
    r"|connection failed:.*|server closed the connection.*"
)
_OUTAGE_INTERVAL_S = 60.0
_log = logging.getLogger("dbos")


def migrate(database: Database) -> JobsDatabase:
    """Bring the engine's tables up to date, and return where they are.

    When several processes start, one migrates and the others wait.

    Raises:
        StoreError: the tables cannot be created or changed.
    """
    _configure_log()
    jobs_database = find_jobs_database(database)
    # On PostgreSQL the engine first connects to the server's own database, and warns
    # when that is not permitted. The warning is harmless.
    _log.setLevel(logging.ERROR)
    try:
        with hold_migration_lock(database):
            DBOS.migrate(jobs_database.url, schema=jobs_database.schema or "dbos")
    except StoreError:
        raise
    except Exception as error:
        # The lines after the first quote the values that were sent.
        cause = str(error).partition("\n")[0]
        where = f"schema {jobs_database.schema}" if jobs_database.schema else "jobs.db"
        raise StoreError(
            f"The tables of durable work ({where}) cannot be made ready: {cause}."
        ) from error
    finally:
        _log.setLevel(logging.WARNING)
    return jobs_database


def launch(ctx: Context, workflows: Sequence[Workflow], executor_id: str) -> None:
    """Start running queued jobs in threads; return when they are started."""
    jobs_database = migrate(ctx.database)
    config = DBOSConfig(
        name=APPLICATION,
        application_version=VERSION,
        executor_id=executor_id,
        system_database_url=jobs_database.url,
        sys_db_pool_size=_POOL_SIZE,
        serializer=SERIALIZER,
        # `migrate` has run them, under a lock that holds long enough.
        run_migrations=False,
        log_level="WARNING",
    )
    if jobs_database.schema:
        config["dbos_system_schema"] = jobs_database.schema
    config["system_database_engine"] = open_jobs_database(jobs_database)
    DBOS(config=config)
    # Before the launch: from then on the engine runs stored jobs by name.
    schedules = register(ctx, workflows)
    DBOS.launch()
    for queue, limits in LIMITS.items():
        DBOS.register_queue(
            queue,
            partition_concurrency=limits.partition,
            worker_concurrency=limits.worker,
            polling_interval_sec=limits.poll_s,
            # The limits of an older release are stored and must be replaced.
            on_conflict="always_update",
        )
    DBOS.apply_schedules(schedules)


def register(ctx: Context, workflows: Iterable[Workflow]) -> list[ScheduleInput]:
    """Register the workflows with the engine; return their schedules."""
    schedules: list[ScheduleInput] = []
    for workflow in workflows:
        _register_queued(ctx, workflow)
        if workflow.schedule:
            scheduled = _register_scheduled(ctx, workflow)
            schedules.append(
                ScheduleInput(
                    schedule_name=workflow.task.name,
                    workflow_fn=scheduled,
                    schedule=workflow.schedule,
                )
            )
    return schedules


def _register_queued(ctx: Context, workflow: Workflow) -> None:
    @DBOS.workflow(name=workflow.task.name)
    def queued(key: str, progress: dict[str, JSON] | None = None) -> object:
        return run_piece(ctx, workflow, key, progress or {})


def _register_scheduled(
    ctx: Context, workflow: Workflow
) -> Callable[[datetime, object], None]:
    @DBOS.workflow(name=f"{workflow.task.name} by schedule")
    def scheduled(at: datetime, _context: object) -> None:
        run_piece(ctx, workflow, at.isoformat(), {})

    return scheduled


def find_executors() -> set[str]:
    """Return the ids of the workers that hold running jobs, alive or dead."""
    running = DBOS.list_workflows(
        status="PENDING",
        application_name=APPLICATION,
        load_input=False,
        load_output=False,
    )
    return {work.executor_id for work in running if work.executor_id}


def requeue(executor_id: str) -> int:
    """Enqueue the jobs of a dead worker again; return their number.

    Safe when another worker does the same: a job that was started again meanwhile no
    longer belongs to the dead worker.
    """
    # The engine declares this function internal, but has no public one for it; its
    # vendor's hosted service calls it too.
    return len(DBOS._recover_pending_workflows([executor_id]))  # noqa: SLF001


def stop(drain_s: float) -> None:
    """Accept no more jobs; return when the running ones end, or after `drain_s`."""
    DBOS.destroy(workflow_completion_timeout_sec=round(drain_s))


def purge_finished(before: datetime, limit: int) -> int:
    """Delete `limit` jobs or a few more that ended before a time; return their number.

    Fewer only if there are no more. The pieces of a job that still goes on stay: by
    them it is found.
    """
    ended: list[str] = []
    offset = 0
    while len(ended) < limit:
        finished = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=before.isoformat(),
            application_name=APPLICATION,
            limit=limit,
            offset=offset,
            load_input=False,
        )
        ended += find_purgeable(DBOS.list_workflows, finished, before)
        offset += len(finished)
        if len(finished) < limit:
            break
    DBOS.delete_workflows(ended)
    return len(ended)


def _configure_log() -> None:
    """Send the engine's warnings to our log instead of to its own console handler."""
    # The engine adds that handler unless the logger already has one.
    if not _log.handlers:
        _log.addHandler(logging.NullHandler())
        _log.addFilter(OutageFilter())
        _log.addFilter(shorten_end_of_job)


def shorten_end_of_job(record: logging.LogRecord) -> bool:
    """Return whether to log a record of the engine, a logging filter.

    It writes the traceback of each job that ends in an error. Our errors are shortened
    to their message. Of a cancelled job the engine has logged the end before.
    """
    raised = record.exc_info[1] if record.exc_info else None
    if isinstance(raised, engine_errors.DBOSAwaitedWorkflowCancelledError):
        return False
    if isinstance(raised, StoredError):
        record.msg, record.args = f"A job failed: {raised.data['error']}: {raised}", ()
        record.exc_info = None
    return True


class OutageFilter(logging.Filter):
    """Limits the engine's messages about a database outage to one line a minute.

    The engine writes several each second, some with a traceback in their text. The
    store logs when an outage begins and ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self._passed_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record; an outage is shortened to its reason."""
        reason = _OUTAGE.search(record.getMessage())
        if reason is None:
            return True
        now = time.monotonic()
        if now - self._passed_at < _OUTAGE_INTERVAL_S:
            return False
        self._passed_at = now
        record.msg, record.args = f"durable work: {reason[0].rstrip()}", ()
        record.exc_info = None
        return True
