"""The interface of a task's steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Step(Protocol):
    """Runs one step of a task, or returns its stored result from an earlier run."""

    def __call__(self, name: str, work: Callable[..., T], /, *args: object) -> T:
        """Return `work(*args)`; every later run of the task gets the stored result.

        `work` returns JSON values; tuples come back as lists. It runs again when its
        worker dies before the result is stored. An exception ends the task, unless the
        task catches `Exception`: the exception's own class is not stored.
        """
