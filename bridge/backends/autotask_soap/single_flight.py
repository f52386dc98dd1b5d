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

CallKey: TypeAlias = tuple[int, bytes, int]
"""Instance, the request as it is sent, and the most entities wanted of the answer."""


@dataclass(slots=True, eq=False)
class _SharedCall:
    started: float
    waiters: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    page: Page | None = None
    error: ProviderError | None = None


class SingleFlight:
    """The questions under way in one process; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[CallKey, _SharedCall] = {}

    def do(self, key: CallKey, fetch: Callable[[], Page]) -> Page:
        """Return the answer to a question, asked by this thread or by another one.

        What is returned is the caller's own: nobody else changes it.

        Raises:
            ProviderError: whoever asked was refused.
        """
        with self._lock:
            call = self._calls.get(key)
            joined = call is not None and time.monotonic() - call.started < _JOIN_S
            if call is None or not joined:
                call = self._calls[key] = _SharedCall(time.monotonic())
            else:
                call.waiters += 1
        if not joined:
            return self._lead(key, call, fetch)
        call.done.wait()
        if call.page is not None:
            return _own(call.page)
        if call.error is not None:
            raise copy.copy(call.error) from call.error
        return fetch()

    def end(self, instance_id: int) -> None:
        """Let nobody join what an instance is asking now."""
        with self._lock:
            for key in [each for each in self._calls if each[0] == instance_id]:
                del self._calls[key]

    def _lead(self, key: CallKey, call: _SharedCall, fetch: Callable[[], Page]) -> Page:
        page: Page | None = None
        try:
            page = fetch()
        except ProviderError as error:
            call.error = error
            raise
        finally:
            with self._lock:
                if self._calls.get(key) is call:
                    del self._calls[key]
            call.page = page
            call.done.set()
        return _own(page) if call.waiters else page


def _own(page: Page) -> Page:
    return Page([_copy(entity) for entity in page.entities], more=page.more)


def _copy(entity: Entity) -> Entity:
    return {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in entity.items()
    }
