"""Runs a workflow in pieces, so that it occupies nothing while it waits.

The engine has no wait that releases the thread and the queue's slot. A workflow that
has to wait therefore ends, and its last act is to enqueue its next piece with a delay,
in the transaction that proves that it was not cancelled. The outcomes of finished steps
travel in the arguments of the next piece, which runs the workflow from the start and
gets these outcomes without running the steps again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from dbos import DBOS

from bridge.errors import BridgeError, OperatorError
from bridge.interfaces import SHARED_PARTITION
from bridge.jobs.enqueue_options import build_options
from bridge.jobs.stored_errors import StoredError
from bridge.jobs.tasks import Task
from bridge.services.context import Context
from bridge.types import JSON

MAX_PIECES = 8192
CONTINUED = "$continued"
"""The member of a piece's result with the number of the next piece."""

RETRY_DELAYS_S = (5.0, 15.0, 60.0, 300.0, 900.0)

Run: TypeAlias = Callable[[Context, str], object]
"""Carries out a task for what a key names; returns JSON values."""

Outcome: TypeAlias = dict[str, JSON]
"""What a finished step left: `step`, its name, and `result` or `error`."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """How workers carry out a task.

    `run` may run several times for one job, from its start, after a wait or the death
    of a worker. All that it does is therefore done by the functions of `jobs.steps`,
    and between two of them it decides only by the key and by their results.

    `schedule` is a cron line in UTC: the task also runs by schedule, once for all
    workers, with the time as its key. `retry_delays_s` are the delays after which a
    step that failed with a retryable error is run again.
    """

    task: Task
    run: Run
    schedule: str | None = None
    retry_delays_s: Sequence[float] = RETRY_DELAYS_S


class SuspendedError(BaseException):
    """Ends a piece; the next one starts after a delay. Workflows do not catch it."""

    def __init__(self, delay_s: float, *, attempts: int) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.attempts = attempts


@dataclass(slots=True)
class Piece:
    """The piece of a job that this thread runs.

    `outcomes` are those of the steps finished so far, in order, the first `carried` of
    them in earlier pieces. `attempts` counts the pieces that ended in the step that
    comes next.
    """

    workflow: Workflow
    key: str
    partition: str
    number: int
    attempts: int
    outcomes: list[Outcome]
    in_step: bool = field(init=False, default=False)
    carried: int = field(init=False)
    _position: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.carried = len(self.outcomes)

    def find_outcome(self, name: str) -> Outcome | None:
        """Return what an earlier piece stored for the next step, None if nothing.

        Raises:
            OperatorError: the earlier piece had another step there.
        """
        if self._position >= len(self.outcomes):
            return None
        outcome = self.outcomes[self._position]
        if outcome["step"] != name:
            raise OperatorError(
                f"The job {self.workflow.task.name}:{self.key} has finished the step "
                f"{outcome['step']!r} where this release has {name!r}",
                cure="finish it with the release that began it, or start it again",
            )
        self._position += 1
        return outcome

    def add_outcome(self, outcome: Outcome) -> Outcome:
        """Store the outcome of the step that was run in this piece."""
        self.outcomes.append(outcome)
        self._position += 1
        return outcome

    def count_attempts(self) -> int:
        """Return how many pieces ended in the current step before this one."""
        return self.attempts if len(self.outcomes) == self.carried else 0


_current: ContextVar[Piece] = ContextVar("piece")


def current_piece() -> Piece:
    """Return the piece that this thread runs.

    Raises:
        LookupError: the thread runs no workflow.
        RuntimeError: it runs a step, which cannot have steps of its own.
    """
    piece = _current.get()
    if piece.in_step:
        raise RuntimeError("A step cannot run steps, start jobs or wait.")
    return piece


def run_piece(
    ctx: Context, workflow: Workflow, key: str, progress: Mapping[str, JSON]
) -> object:
    """Run a workflow until it ends or has to wait; return what the engine stores.

    `progress` is empty for the first piece of most jobs.

    Raises:
        StoredError: the workflow failed with a BridgeError.
    """
    piece = Piece(
        workflow=workflow,
        key=key,
        partition=str(progress.get("partition", SHARED_PARTITION)),
        number=cast("int", progress.get("piece", 1)),
        attempts=cast("int", progress.get("attempts", 0)),
        outcomes=list(cast("list[Outcome]", progress.get("outcomes", []))),
    )
    token = _current.set(piece)
    try:
        return workflow.run(ctx, key)
    except SuspendedError as suspended:
        return _continue_later(piece, suspended)
    except BridgeError as error:
        raise StoredError(error) from error
    finally:
        _current.reset(token)


def _continue_later(piece: Piece, suspended: SuspendedError) -> dict[str, int]:
    """Enqueue the next piece, unless this one was cancelled or taken over."""
    following = piece.number + 1
    if following > MAX_PIECES:
        raise StoredError(
            OperatorError(
                f"The job {piece.workflow.task.name}:{piece.key} has waited "
                f"{MAX_PIECES:,} times",
                cure="start it again",
            )
        )
    options = build_options(
        piece.workflow.task,
        piece.key,
        piece.partition,
        delay_s=suspended.delay_s,
        piece=following,
    )
    progress = {
        "partition": piece.partition,
        "piece": following,
        "attempts": suspended.attempts,
        "outcomes": piece.outcomes,
    }
    DBOS.enqueue_workflow_with_options(options, piece.key, progress)
    return {CONTINUED: following}
