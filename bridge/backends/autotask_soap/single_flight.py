"""Single flight: concurrent equal reads of one process share one vendor call.

A caller that has just written must not get a page that is older than its write.
Therefore a write of an instance, when it is sent and when it is done, ends the
sharing of all calls of that instance in this process. Writes of other processes are
not seen here, so a call can be joined only for a quarter of a second after its start:
less than a write and the read after it take through another process.
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
"""Instance, the request as it is sent, and the page's limit of entities."""


@dataclass(slots=True, eq=False)
class _SharedCall:
    started: float
    waiters: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    page: Page | None = None
    error: ProviderError | None = None


class SingleFlight:
    """The shared calls of one process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[CallKey, _SharedCall] = {}

    def do(self, key: CallKey, fetch: Callable[[], Page]) -> Page:
        """Return the page of a call, made by this thread or by another one.

        The page is the caller's own copy.

        Raises:
            ProviderError: the call failed, in this thread or in the other one.
        """
        with self._lock:
            # The lock covers only the registration; the vendor call is made without
            # it.
            call = self._calls.get(key)
            joined = call is not None and time.monotonic() - call.started < _JOIN_S
            if call is None or not joined:
                call = self._calls[key] = _SharedCall(time.monotonic())
            else:
                call.waiters += 1
        if joined:
            return _join(call, fetch)
        try:
            call.page = page = fetch()
        except ProviderError as error:
            call.error = error
            raise
        finally:
            with self._lock:
                # Before the waiters wake up: later callers must start a new call.
                # After a write the key may belong to a newer call already.
                if self._calls.get(key) is call:
                    del self._calls[key]
            call.done.set()
        # Read without the lock: no thread can join once the key is gone.
        return _own(page) if call.waiters else page

    def end(self, instance_id: int) -> None:
        """Stop the sharing of the calls of an instance that are under way."""
        with self._lock:
            for key in [each for each in self._calls if each[0] == instance_id]:
                del self._calls[key]


def _join(call: _SharedCall, fetch: Callable[[], Page]) -> Page:
    """Wait for another thread's call and return its page."""
    call.done.wait()
    if call.page is not None:
        return _own(call.page)
    if call.error is not None:
        # A copy, because each thread adds its own traceback.
        raise copy.copy(call.error) from call.error
    # The other thread failed in its own way, such as a bug; this one tries by itself.
    return fetch()


def _own(page: Page) -> Page:
    return Page([_copy(entity) for entity in page.entities], more=page.more)


def _copy(entity: Entity) -> Entity:
    udfs = None if entity.udfs is None else dict(entity.udfs)
    return Entity(dict(entity.values), udfs)
