"""Deletes expired rows from every table that has a column `expires_at`.

Most tables delete a few expired rows with each insert; the rows that are left when the
inserts stop are deleted here.
"""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.database.sql import read_clock, rows_per_batch, sweep
from bridge.store.models import metadata

_MAX_SWEEPS = 1000

_SWEEPS = {
    table.name: sweep(table)
    for table in metadata.sorted_tables
    if "expires_at" in table.columns
}


def tables() -> list[str]:
    """Return the names of the tables whose rows expire, sorted."""
    return sorted(_SWEEPS)


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
