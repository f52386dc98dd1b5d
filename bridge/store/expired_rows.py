"""Deletes expired rows from every table that has a column `expires_at`.

Most tables delete a few expired rows with each insert; the rows that are left when the
inserts stop are deleted here.
"""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.database.sql import read_clock, rows_per_batch, sweep
from bridge.store.models import metadata

_MAX_SWEEPS = 1000

# The purge has one step for each, and the engine stores the order of a job's steps with
# the job: new tables are appended, so that a half-done purge of an older release ends.
_TABLES = (
    "leases",
    "list_totals",
    "login_refusals",
    "page_ends",
    "request_log",
    "sessions",
    "traces",
    "vendor_call_log",
    "vendor_hosts",
    "workers",
    "write_intents",
    # Release 0.4.0 and older ones have those above.
    "result_chunks",
    "walk_checkpoints",
)

_SWEEPS = {name: sweep(metadata.tables[name]) for name in _TABLES}


def tables() -> list[str]:
    """Return the names of the tables whose rows expire, in the order of the purge."""
    return list(_TABLES)


def purge(db: Database, table: str) -> int:
    """Delete up to 1,000 batches of expired rows of a table; return their number.

    One batch (`rows_per_batch`) per transaction, so that other writers are not blocked
    for long.
    """
    most = rows_per_batch(metadata.tables[table])
    removed = 0
    for _ in range(_MAX_SWEEPS):
        with db.begin() as connection:
            now = read_clock(connection)
            swept = connection.execute(_SWEEPS[table], {"now": now}).rowcount
        removed += swept
        if swept < most:
            break
    return removed
