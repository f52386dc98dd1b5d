"""What a task is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Step(Protocol):
    """Runs one step of a task, or gives what it returned when it ran before."""

    def __call__(self, name: str, work: Callable[..., T], /, *args: object) -> T:
        """Return `work(*args)`, from now on the same whenever the task is taken up.

        `work` returns what JSON can hold, tuples come back as lists. It runs again
        when its worker dies before the result is kept. What it raises ends the task,
        unless the task catches `Exception`: a class of ours does not survive.
        """
