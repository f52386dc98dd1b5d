"""Finds out where a job is, from the engine's rows of its pieces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, cast

from dbos import WorkflowStatus

from bridge.errors import BridgeError, OperatorError
from bridge.interfaces import JobState, JobStatus
from bridge.jobs.pieces import CONTINUED, MAX_PIECES
from bridge.jobs.stored_errors import restore
from bridge.jobs.tasks import Task, workflow_id
from bridge.types import JSON

_STATUS = {
    "ENQUEUED": JobStatus.QUEUED,
    "DELAYED": JobStatus.WAITING,
    "PENDING": JobStatus.RUNNING,
    "SUCCESS": JobStatus.SUCCEEDED,
    "ERROR": JobStatus.FAILED,
    "CANCELLED": JobStatus.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobStatus.FAILED,
}


class ListWorkflows(Protocol):
    """The engine's query for rows, the same of a worker and of a client."""

    def __call__(
        self, *, workflow_ids: list[str], load_input: bool, load_output: bool
    ) -> list[WorkflowStatus]:
        """Return the rows with these ids."""


def find_job(rows: ListWorkflows, task: Task, key: str) -> JobState | None:
    """Return the state of a job, None if it is unknown. Two to four reads."""
    row = _find_last_row(rows, task, key)
    return None if row is None else _read_state(row)


def find_purgeable(
    rows: ListWorkflows, finished: Sequence[WorkflowStatus], before: datetime
) -> list[str]:
    """Return the ids of those finished pieces whose whole job ended before a time.

    A job is found by its pieces, so they all stay as long as it is looked for. Two to
    four reads for each job that has waited.
    """
    jobs = {row.workflow_id: _find_waited_job(row) for row in finished}
    needed = {
        job: _ended_since(_find_last_row(rows, *job), before)
        for job in set(jobs.values())
        if job is not None
    }
    return [one for one, job in jobs.items() if job is None or not needed[job]]


def _find_waited_job(row: WorkflowStatus) -> tuple[Task, str] | None:
    """Return task and key of the job if another piece follows this one, else None."""
    following = _following_piece(row)
    if not following:
        return None
    task = Task(row.name)
    prefix = workflow_id(task, "", following - 1)
    if not row.workflow_id.startswith(prefix):
        # The first piece of a job that was started by a schedule: it has another id.
        return None
    return task, row.workflow_id.removeprefix(prefix)


def _ended_since(row: WorkflowStatus | None, before: datetime) -> bool:
    """Return whether a last piece has not ended, or not before a time."""
    if row is None:
        return False
    before_ms = before.timestamp() * 1000
    return not _STATUS[row.status].ended or (row.completed_at or 0) >= before_ms


def _find_last_row(rows: ListWorkflows, task: Task, key: str) -> WorkflowStatus | None:
    number = find_last_piece(rows, task, key)
    while number:
        ids = [workflow_id(task, key, number)]
        found = rows(workflow_ids=ids, load_input=False, load_output=True)
        if not found:
            break
        following = _following_piece(found[0])
        if not following:
            return found[0]
        # The piece has ended since its number was looked up.
        number = following
    return None


def find_last_piece(rows: ListWorkflows, task: Task, key: str) -> int:
    """Return the number of a job's last piece, 0 if it is unknown. One or two reads."""
    doubled = [1 << n for n in range(MAX_PIECES.bit_length())]
    last = _find_greatest(rows, task, key, doubled)
    if last > 1:
        between = list(range(last, min(2 * last, MAX_PIECES + 1)))
        last = _find_greatest(rows, task, key, between)
    return last


def _following_piece(row: WorkflowStatus) -> int:
    """Return the number of the piece that follows, 0 if none does."""
    if isinstance(row.output, dict):
        return cast("int", row.output.get(CONTINUED, 0))
    return 0


def _find_greatest(
    rows: ListWorkflows, task: Task, key: str, numbers: list[int]
) -> int:
    """Return the greatest of these numbers that a piece of the job has, 0 if none."""
    pieces = {workflow_id(task, key, number): number for number in numbers}
    found = rows(workflow_ids=list(pieces), load_input=False, load_output=False)
    return max((pieces[row.workflow_id] for row in found), default=0)


def _read_state(row: WorkflowStatus) -> JobState:
    status = _STATUS[row.status]
    if status is JobStatus.FAILED:
        return JobState(status, error=_read_error(row))
    return JobState(status, result=cast("JSON", row.output))


def _read_error(row: WorkflowStatus) -> BridgeError:
    if row.error is None:
        return OperatorError(
            f"The workers that ran the job {row.workflow_id} died too often",
            cure="look for the cause in their logs and start it again",
        )
    return restore(row.error) or OperatorError(
        f"The job {row.workflow_id} failed by an error in Bridge",
        cure="the log of the worker has the details",
    )
