"""One writer at a time: a lease in the database, held for one use case."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ConflictError
from bridge.services.context import Context
from bridge.store import leases

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.25


@contextmanager
def hold(ctx: Context, key: str) -> Iterator[None]:
    """Hold the lease `key` during the block; wait for it up to the write lease time.

    Serialises across threads and processes. A holder that died gives way when its
    lease has run out.

    Raises:
        ConflictError: somebody else held it all that time.
    """
    holder = secrets.token_hex(8)
    ttl_s = ctx.settings.write_lease_s
    deadline = time.monotonic() + ttl_s
    pause_s = _FIRST_PAUSE_S
    while not leases.acquire(ctx.database, key, holder, ttl_s):
        if time.monotonic() + pause_s > deadline:
            raise ConflictError(
                "Another update of the same record is still running; try again."
            )
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    try:
        yield
    finally:
        leases.release(ctx.database, key, holder)
