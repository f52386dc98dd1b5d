"""Equal questions that are under way at the same time are asked once.

A caller who has just written must not be given an answer that is older than his
write. Therefore a write of an instance, when it is sent and when it is done, ends the
sharing of whatever the instance is asking in this process; and a question can be
joined only shortly after it was begun, which is less than a write and the reading
back of it take through another process.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.errors import ProviderError
from bridge.interfaces import Entity, Page

_JOIN_S = 0.25

Question: TypeAlias = tuple[int, bytes, int]
"""Instance, the request as it is sent, and the most entities wanted of the answer."""


@dataclass(slots=True, eq=False)
class _Flight:
    begun: float
    followers: int = 0
    landed: threading.Event = field(default_factory=threading.Event)
    page: Page | None = None
    error: ProviderError | None = None


class SingleFlight:
    """The questions under way in one process; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Question, _Flight] = {}

    def do(self, question: Question, ask: Callable[[], Page]) -> Page:
        """Return the answer to a question, asked by this thread or by another one.

        What is returned is the caller's own: nobody else changes it.

        Raises:
            ProviderError: whoever asked was refused.
        """
        with self._lock:
            flight = self._flights.get(question)
            joined = flight is not None and time.monotonic() - flight.begun < _JOIN_S
            if flight is None or not joined:
                flight = self._flights[question] = _Flight(time.monotonic())
            else:
                flight.followers += 1
        if not joined:
            return self._lead(question, flight, ask)
        flight.landed.wait()
        if flight.page is not None:
            return _own(flight.page)
        if flight.error is not None:
            raise copy.copy(flight.error) from flight.error
        return ask()

    def end(self, instance_id: int) -> None:
        """Let nobody join what an instance is asking now."""
        with self._lock:
            for question in [each for each in self._flights if each[0] == instance_id]:
                del self._flights[question]

    def _lead(
        self, question: Question, flight: _Flight, ask: Callable[[], Page]
    ) -> Page:
        page: Page | None = None
        try:
            page = ask()
        except ProviderError as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                if self._flights.get(question) is flight:
                    del self._flights[question]
            flight.page = page
            flight.landed.set()
        return _own(page) if flight.followers else page


def _own(page: Page) -> Page:
    return Page([_copy(entity) for entity in page.entities], more=page.more)


def _copy(entity: Entity) -> Entity:
    return {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in entity.items()
    }
