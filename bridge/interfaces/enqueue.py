"""The protocol by which use cases enqueue, cancel and inspect background jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Protocol

from bridge.errors import BridgeError
from bridge.types import JSON

SHARED_PARTITION = "-"
"""The partition of jobs that belong to no tenant database."""


class JobStatus(StrEnum):
    """Where a job is; `WAITING` is before a time that was set for it."""

    QUEUED = auto()
    WAITING = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    CANCELLED = auto()

    @property
    def ended(self) -> bool:
        """Whether nothing of the job runs any more."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a job: `result` once it has succeeded, `error` once it has failed.

    An error has the class, the message and the provider's message that it was raised
    with.
    """

    status: JobStatus
    result: JSON = None
    error: BridgeError | None = None


class Enqueue(Protocol):
    """Enqueues a task for a worker, and controls the job that this makes.

    A job is named by its task and key. A job that has ended can be found for three
    days. The tasks are those of `bridge/jobs/tasks.py`; another is a KeyError.

    Raises:
        StoreUnavailableError: the database is unavailable; from every call. A job that
            was being enqueued or cancelled may be so all the same.
    """

    def __call__(
        self,
        task: str,
        key: str,
        *,
        partition: str = SHARED_PARTITION,
        delay_s: float = 0.0,
    ) -> None:
        """Enqueue a task for the thing that `key` names; return once it is stored.

        A task and key that are known already are not enqueued again, whatever became
        of them. Each `partition`, the name of a tenant database, has its own share of
        the workers, so that the jobs of one tenant do not delay those of another.
        The job starts after `delay_s`, also if the workers are restarted meanwhile.
        """

    def cancel(self, task: str, key: str) -> None:
        """Cancel a job and the jobs that it started; does nothing if it has ended.

        A queued or waiting job never starts. Of a running one the current step may
        finish, and no other starts. The state is `CANCELLED` when this returns.
        """

    def find(self, task: str, key: str) -> JobState | None:
        """Return the state of a job, None if it is unknown."""
