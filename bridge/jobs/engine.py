"""The durable engine, DBOS Transact, as a worker runs it.

It keeps what was asked for and each finished step, gives queued work to one worker at
a time, and takes no more results from a worker that lost its work to another. What is
hosted by its makers stays off. One engine to a process.

Source: dbos 3.4, its code.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, ScheduleInput

from bridge.errors import StoreError
from bridge.jobs.tasks import LIMITS, Task
from bridge.services.context import Context
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import (
    JobsDatabase,
    find_jobs_database,
    open_jobs_database,
)
from bridge.store.database.migration_lock import hold_migration_lock

T = TypeVar("T")

APPLICATION = "bridge"

VERSION = "bridge"
"""The same in every release: the engine lets only workers of one version share work,
and what an older release began must not be stranded."""

# The engine's own default is pickle: who can write the database could run code here.
SERIALIZER = DBOSPortableJSONSerializer()

_KEPT_CONNECTIONS = 10
_OUTAGE = re.compile(
    r"\((?:psycopg|sqlite3)\.OperationalError\).*"
    r"|connection failed:.*|server closed the connection.*"
)
_OUTAGE_INTERVAL_S = 60.0
_log = logging.getLogger("dbos")


def migrate(database: Database) -> JobsDatabase:
    """Bring the engine's tables up to date, and return where they are.

    Of several starters one does it and the others wait.

    Raises:
        StoreError: they cannot be made or changed.
    """
    _tame_log()
    home = find_jobs_database(database)
    # On PostgreSQL it looks into the server's own database first, and warns when it
    # may not. That is no fault.
    _log.setLevel(logging.ERROR)
    try:
        with hold_migration_lock(database):
            DBOS.migrate(home.url, schema=home.schema or "dbos")
    except StoreError:
        raise
    except Exception as error:
        # Only the first line: those after it quote what was sent.
        cause = str(error).partition("\n")[0]
        where = f"schema {home.schema}" if home.schema else "jobs.db"
        raise StoreError(
            f"The tables of durable work ({where}) cannot be made ready: {cause}."
        ) from error
    finally:
        _log.setLevel(logging.WARNING)
    return home


def launch(ctx: Context, tasks: Sequence[Task], executor_id: str) -> None:
    """Begin to work on what is queued, in threads; returns when it has begun."""
    home = migrate(ctx.database)
    config = DBOSConfig(
        name=APPLICATION,
        application_version=VERSION,
        executor_id=executor_id,
        system_database_url=home.url,
        sys_db_pool_size=_KEPT_CONNECTIONS,
        serializer=SERIALIZER,
        run_migrations=False,
        log_level="WARNING",
    )
    if home.schema:
        config["dbos_system_schema"] = home.schema
    config["system_database_engine"] = open_jobs_database(home)
    DBOS(config=config)
    schedules = register(ctx, tasks)
    DBOS.launch()
    for queue, limits in LIMITS.items():
        DBOS.register_queue(
            queue,
            partition_concurrency=limits.partition,
            worker_concurrency=limits.worker,
            polling_interval_sec=limits.poll_s,
            on_conflict="always_update",
        )
    DBOS.apply_schedules(schedules)


def register(ctx: Context, tasks: Iterable[Task]) -> list[ScheduleInput]:
    """Make the tasks known to the engine; return the schedules they ask for."""
    schedules: list[ScheduleInput] = []
    for task in tasks:
        _register_queued(ctx, task)
        if task.schedule:
            scheduled = _register_scheduled(ctx, task)
            schedules.append(
                ScheduleInput(
                    schedule_name=task.name,
                    workflow_fn=scheduled,
                    schedule=task.schedule,
                )
            )
    return schedules


def _register_queued(ctx: Context, task: Task) -> None:
    @DBOS.workflow(name=task.name)
    def queued(key: str) -> object:
        return task.run(ctx, key, run_step)


def _register_scheduled(ctx: Context, task: Task) -> Callable[[datetime, object], None]:
    @DBOS.workflow(name=f"{task.name} by schedule")
    def scheduled(at: datetime, _context: object) -> None:
        task.run(ctx, at.isoformat(), run_step)

    return scheduled


def run_step(name: str, work: Callable[..., T], /, *args: object) -> T:
    """Run one step of a task: see `Step`."""
    return DBOS.run_step({"name": name}, work, *args)


def find_executors() -> set[str]:
    """Return the ids of the workers that hold work, living or dead."""
    running = DBOS.list_workflows(
        status="PENDING",
        application_name=APPLICATION,
        load_input=False,
        load_output=False,
    )
    return {work.executor_id for work in running if work.executor_id}


def take_back(executor_id: str) -> int:
    """Queue what a dead worker held; return how many pieces of work that is.

    Harmless when another worker does the same: what is taken up anew meanwhile is not
    the dead one's any more.
    """
    # The engine's makers call it internal; their hosted service calls it too.
    return len(DBOS._recover_pending_workflows([executor_id]))  # noqa: SLF001


def stop(drain_s: float) -> None:
    """Take no more work; return when what is under way is done, or after `drain_s`."""
    DBOS.destroy(workflow_completion_timeout_sec=round(drain_s))


def forget_finished(before: datetime, most: int) -> int:
    """Remove up to `most` pieces of work that ended before a time; return how many."""
    finished = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
        completed_before=before.isoformat(),
        application_name=APPLICATION,
        limit=most,
        load_input=False,
        load_output=False,
    )
    DBOS.delete_workflows([work.workflow_id for work in finished])
    return len(finished)


def _tame_log() -> None:
    """Let the engine's warnings go where ours go, not to a console handler of its own.

    It adds that handler unless it finds one.
    """
    if not _log.handlers:
        _log.addHandler(logging.NullHandler())
        _log.addFilter(OutageFilter())


class OutageFilter(logging.Filter):
    """Lets one line a minute pass that says that the database cannot be used.

    The engine writes several each second, some with a traceback in their text. The
    store logs when an outage begins and ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self._passed_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged; shorten it to what matters."""
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
