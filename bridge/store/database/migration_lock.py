"""The lock that lets one process at a time migrate the jobs database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from bridge.errors import StoreError
from bridge.store.database.engine import Database

# The number is arbitrary, but every release must use the same.
_LOCK = {"number": 0x6A6F6273}
_WAIT_S = 120.0
_PAUSE_S = 0.1

_ACQUIRE = text("SELECT pg_try_advisory_lock(:number)")
_RELEASE = text("SELECT pg_advisory_unlock(:number)")


@contextmanager
def hold_migration_lock(database: Database) -> Iterator[None]:
    """Hold the lock during the block; wait for it up to two minutes.

    The engine has a lock too, but ignores it after half a minute, and creating its
    indexes takes longer than that while other transactions are open. On SQLite there is
    no lock: the engine's writing transaction is enough.
    Source: dbos 3.4, its code; PostgreSQL, CREATE INDEX CONCURRENTLY.

    Raises:
        StoreError: another process held it all that time, or the database is
            unavailable.
    """
    with database.autocommit() as connection:
        if connection.dialect.name != "postgresql":
            yield
            return
        ends_at = time.monotonic() + _WAIT_S
        # Polled: a statement that waits for the lock would be an open transaction, for
        # which the other process's CREATE INDEX CONCURRENTLY waits.
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
