"""What a workflow is written with: steps, child jobs, waits, cancellation.

Each of these functions is a point from which the job continues when its worker dies.
Their names are stored with the job: changed names, or another order, need a task with
another name, and the old workflow must stay until its last job has ended.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from dbos import DBOS
from dbos import error as engine_errors

from bridge.errors import BridgeError, ConflictError, decode_error, encode_error
from bridge.interfaces import JobState, JobStatus
from bridge.jobs.enqueue_options import build_arguments, build_options
from bridge.jobs.pieces import Outcome, Piece, SuspendedError, current_piece
from bridge.jobs.states import find_job
from bridge.jobs.stored_errors import StoredError, restore
from bridge.jobs.tasks import Task, workflow_id
from bridge.types import JSON

T = TypeVar("T")

CHILD_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
CANCELLATION_INTERVAL_S = 1.0

_log = logging.getLogger(__name__)


def step(name: str, work: Callable[..., T], /, *args: object) -> T:
    """Return `work(*args)`, once run and stored for all later runs of the workflow.

    `work` returns JSON values, also tuples, which come back as lists; anything else is
    a TypeError, which ends the job. It runs again when its worker dies before the
    result is stored, so it must be idempotent. The results of all steps travel with the
    job when it waits: return counts and positions, and store records elsewhere.

    After a retryable error the workflow waits and runs the step again, as often as its
    `retry_delays_s` say.

    Raises:
        BridgeError: what `work` raised, of the same class in every run of the workflow;
            a retryable one after the last attempt.
    """
    piece = current_piece()
    outcome = piece.find_outcome(name)
    if outcome is None:
        outcome = _run_step(piece, name, work, args)
    if "error" in outcome:
        raise decode_error(cast("dict[str, str | None]", outcome["error"]))
    return cast("T", outcome["result"])


def start(
    task: Task, key: str, *, partition: str | None = None, delay_s: float = 0.0
) -> None:
    """Enqueue a child job; return once it is stored.

    A known task and key are not enqueued again. A child goes on when this job ends,
    and is cancelled with it. It runs in the partition of this job unless it is given
    another.
    """
    piece = current_piece()
    name = f"start {task.name}"
    if piece.find_outcome(name) is not None:
        return
    partition = piece.partition if partition is None else partition
    options = build_options(task, key, partition, delay_s=delay_s)
    DBOS.enqueue_workflow_with_options(options, *build_arguments(key, partition))
    piece.add_outcome({"step": name, "result": None})


def wait_for(task: Task, key: str) -> JSON:
    """Return the result of a job, after it has ended; occupies nothing until then.

    The job is looked up again after growing delays of up to a minute. Start all
    children before waiting for the first: only waiting takes long.

    Raises:
        BridgeError: the job failed with it.
        ConflictError: the job was cancelled, or is unknown.
    """
    piece = current_piece()
    name = f"wait for {task.name}"
    outcome = piece.find_outcome(name)
    if outcome is None:
        found = DBOS.run_step({"name": name}, _read_job, task, key)
        if found is None:
            attempts = piece.count_attempts()
            delay_s = CHILD_DELAYS_S[min(attempts, len(CHILD_DELAYS_S) - 1)]
            raise SuspendedError(delay_s, attempts=attempts + 1)
        outcome = piece.add_outcome({"step": name, **found})
    if "error" in outcome:
        raise decode_error(cast("dict[str, str | None]", outcome["error"]))
    return outcome["result"]


def wait(name: str, delay_s: float) -> None:
    """Wait for a time, also if workers are restarted meanwhile; occupies nothing."""
    piece = current_piece()
    if piece.find_outcome(name) is None:
        piece.add_outcome({"step": name, "result": None})
        raise SuspendedError(delay_s, attempts=0)


def cancellation_check() -> Callable[[], None]:
    """Return a function for a long step to call now and then, such as once a page.

    It raises when the job was cancelled or is run by another worker. What it raises
    ends the step without an outcome. It is a BaseException and must not be caught. The
    function reads the database at most once a second. Any thread may call it.
    """
    workflow = str(DBOS.workflow_id)
    lock = threading.Lock()
    next_at = 0.0
    executors: set[str | None] = set()

    def check() -> None:
        nonlocal next_at
        with lock:
            if time.monotonic() < next_at:
                return
            next_at = time.monotonic() + CANCELLATION_INTERVAL_S
        found = DBOS.list_workflows(
            workflow_ids=[workflow], load_input=False, load_output=False
        )
        executors.update(row.executor_id for row in found)
        running = any(row.status == "PENDING" for row in found)
        if not running or len(executors) > 1:
            raise engine_errors.DBOSWorkflowCancelledError(
                f"Workflow {workflow} was cancelled."
            )

    return check


def _run_step(
    piece: Piece, name: str, work: Callable[..., object], args: tuple[object, ...]
) -> Outcome:
    try:
        result = DBOS.run_step({"name": name}, _run_storable, piece, work, args)
    except Exception as raised:
        error = restore(raised)
        if error is None:
            raise
        if error.retryable:
            _suspend_for_retry(piece, name, error)
        return piece.add_outcome({"step": name, "error": {**encode_error(error)}})
    return piece.add_outcome({"step": name, "result": cast("JSON", result)})


def _run_storable(
    piece: Piece, work: Callable[..., object], args: tuple[object, ...]
) -> object:
    """Return the result, or raise the error, as every later run gets it."""
    piece.in_step = True
    try:
        return json.loads(json.dumps(work(*args)))
    except BridgeError as error:
        raise StoredError(error) from error
    finally:
        piece.in_step = False


def _suspend_for_retry(piece: Piece, name: str, error: BridgeError) -> None:
    """Raise SuspendedError, unless the step has had all its attempts."""
    attempts = piece.count_attempts()
    delays_s = piece.workflow.retry_delays_s
    if attempts >= len(delays_s):
        return
    _log.warning(
        "%s: the step %r failed and is retried in %g s: %s",
        workflow_id(piece.workflow.task, piece.key, piece.number),
        name,
        delays_s[attempts],
        error.message,
    )
    raise SuspendedError(delays_s[attempts], attempts=attempts + 1)


def _read_job(task: Task, key: str) -> dict[str, Any] | None:
    """Return how a job ended, None while it has not."""
    state = find_job(DBOS.list_workflows, task, key)
    error = _read_failure(state, task, key)
    if error:
        return {"error": encode_error(error)}
    if state is None or not state.status.ended:
        return None
    return {"result": state.result}


def _read_failure(state: JobState | None, task: Task, key: str) -> BridgeError | None:
    if state is None:
        return ConflictError(f"The job {workflow_id(task, key)} is unknown.")
    if state.status is JobStatus.CANCELLED:
        return ConflictError(f"The job {workflow_id(task, key)} was cancelled.")
    return state.error
