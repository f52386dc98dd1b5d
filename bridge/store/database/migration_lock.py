"""One process at a time changes the tables of durable work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from bridge.errors import StoreError
from bridge.store.database.engine import Database

# Any number serves as long as every version of this program uses the same.
_LOCK = {"number": 0x6A6F6273}
_WAIT_S = 120.0
_PAUSE_S = 0.1

_ACQUIRE = text("SELECT pg_try_advisory_lock(:number)")
_RELEASE = text("SELECT pg_advisory_unlock(:number)")


@contextmanager
def hold_migration_lock(database: Database) -> Iterator[None]:
    """Hold the lock during the block; wait for it up to two minutes.

    The engine goes on without its own lock after half a minute, and building its
    indexes takes longer than that while others have transactions open. The lock is
    tried again and again, not waited for: a statement that waits would hold back the
    building of indexes. On SQLite there is none, as the engine's writing transaction
    is enough.
    Source: dbos 3.4, its code; PostgreSQL, CREATE INDEX CONCURRENTLY.

    Raises:
        StoreError: another process held it all that time, or the database is away.
    """
    with database.autocommit() as connection:
        if connection.dialect.name != "postgresql":
            yield
            return
        ends_at = time.monotonic() + _WAIT_S
        while not connection.scalar(_ACQUIRE, _LOCK):
            if time.monotonic() > ends_at:
                raise StoreError(
                    "Another process is changing the tables of durable work; "
                    "start again when it has finished."
                )
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            connection.execute(_RELEASE, _LOCK)
