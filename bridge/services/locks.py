"""Locks in the database: one writer of a record at a time, across processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bridge.errors import ConflictError, StoreError
from bridge.services.context import Context
from bridge.store import locks
from bridge.store.process_identity import new_holder_name

_MIN_PAUSE_S = 0.005
_MAX_PAUSE_S = 0.25


class RecordLock:
    """A lock that this use case holds since `acquired_at`, for as long as its lease."""

    def __init__(self, ctx: Context, key: str) -> None:
        self._ctx = ctx
        self._key = key
        self._holder = new_holder_name()
        self._ttl_s = ctx.settings.record_lock_lease_s
        self._release = partial(locks.release, ctx.database, key, self._holder)
        self._acquired_at = 0.0

    def try_acquire(self) -> bool:
        """Acquire the lock unless another holds it."""
        self._acquired_at = time.monotonic()
        try:
            return self._renew()
        except StoreError:
            # It may be stored all the same, when only the confirmation was lost.
            self._ctx.pending_writes.save(self._release, unsent=True)
            raise

    def require_send_time(self) -> None:
        """Check, right before sending, that the lease lasts through the send.

        Raises:
            ConflictError: another writer has the lock by now; nothing may be sent.
        """
        left_s = self._acquired_at + self._ttl_s - time.monotonic()
        if left_s > self._ctx.settings.autotask_deadline_s:
            return
        # Once it has expired, another may have held it in between.
        if left_s <= 0 or not self._renew():
            raise ConflictError(
                "Reading took so long that another update of the same record began; "
                "nothing was changed, try again."
            )

    def release(self) -> None:
        """Release the lock, later where the database is away now."""
        # What was written under the lock must not look like a failure.
        self._ctx.pending_writes.save(self._release)

    def _renew(self) -> bool:
        return locks.acquire(self._ctx.database, self._key, self._holder, self._ttl_s)


@contextmanager
def record_lock(ctx: Context, key: str) -> Iterator[RecordLock]:
    """Hold the lock `key` during the block; wait for it up to the lease time.

    Serializes across threads and processes. The lock of a process that died is free at
    once on its own machine, and on others when its lease has expired. So is one whose
    holder prepares too long.

    Raises:
        ConflictError: another held it all that time.
    """
    lock = RecordLock(ctx, key)
    deadline = time.monotonic() + ctx.settings.record_lock_lease_s
    pause_s = _MIN_PAUSE_S
    while not lock.try_acquire():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise ConflictError(
                "Another update of the same record is still running; try again."
            )
        # The last try is at the end of that time: by then a lease has expired.
        time.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _MAX_PAUSE_S)
    try:
        yield lock
    finally:
        lock.release()
