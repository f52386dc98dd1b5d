"""How the use cases ask for work that is done later."""

from __future__ import annotations

from typing import Protocol


class Enqueue(Protocol):
    """How work is asked for that a worker does later."""

    def __call__(self, task: str, key: str) -> None:
        """Ask for a task on what `key` names; returns once the request is kept.

        Asking again for the same task and key is harmless: it is done once.
        """
