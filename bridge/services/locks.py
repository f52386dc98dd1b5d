"""One writer at a time: a lease in the database, held for one use case."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from bridge.errors import ConflictError, StoreError
from bridge.services.context import Context
from bridge.store import locks
from bridge.store.process_identity import current_process

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.25


Fence: TypeAlias = Callable[[], None]
"""Called right before sending: makes sure that the lease lasts through the send.

Raises ConflictError when another writer has it by now; then nothing may be sent.
"""


@contextmanager
def record_lock(ctx: Context, key: str) -> Iterator[Fence]:
    """Hold the lease `key` during the block; wait for it up to the write lease time.

    Serialises across threads and processes. A holder that died gives way at once on
    its own machine, on others when its lease has run out, and so does one that
    prepares too long.

    Raises:
        ConflictError: somebody else held it all that time.
    """
    holder = current_process()
    ttl_s = ctx.settings.record_lock_lease_s
    deadline = time.monotonic() + ttl_s
    taken_at = time.monotonic()

    def fence() -> None:
        lasts_s = taken_at + ttl_s - time.monotonic()
        if lasts_s > ctx.settings.autotask_deadline_s:
            return
        # Once it has run out, another may have had it in between.
        if lasts_s <= 0 or not locks.acquire(ctx.database, key, holder, ttl_s):
            raise ConflictError(
                "Reading took so long that another update of the same record began; "
                "nothing was changed, try again."
            )

    def acquire() -> bool:
        try:
            return locks.acquire(ctx.database, key, holder, ttl_s)
        except StoreError:
            # It may be stored all the same, when only the confirmation was lost.
            ctx.pending_writes.save(release, unsent=True)
            raise

    release = partial(locks.release, ctx.database, key, holder)
    pause_s = _FIRST_PAUSE_S
    while not acquire():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise ConflictError(
                "Another update of the same record is still running; try again."
            )
        # The last try is at the end of that time: by then a lease has run out.
        time.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        taken_at = time.monotonic()
    try:
        yield fence
    finally:
        # What was done under the lease must not look like a failure.
        ctx.pending_writes.save(release)
