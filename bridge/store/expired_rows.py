"""Rows whose time is over, in whatever table they are.

A table takes part by having a column `expires_at`: a row that says so is nobody's any
more once that time has passed. Most tables sweep a few such rows beside each insert;
what is left when the inserts stop is removed here.
"""

from __future__ import annotations

from bridge.store.database.engine import Database
from bridge.store.database.sql import MAX_SWEPT, read_clock, sweep
from bridge.store.models import metadata

_MOST_SWEEPS = 1000

_SWEEPS = {
    table.name: sweep(table)
    for table in metadata.sorted_tables
    if "expires_at" in table.columns
}


def tables() -> list[str]:
    """Return the names of the tables that hold rows that expire, sorted."""
    return sorted(_SWEEPS)


def purge(db: Database, table: str) -> int:
    """Remove the table's expired rows and return their number; at most 100,000.

    A hundred rows to a transaction, so that others write in between.
    """
    removed = 0
    for _ in range(_MOST_SWEEPS):
        with db.begin() as connection:
            now = read_clock(connection)
            swept = connection.execute(_SWEEPS[table], {"now": now}).rowcount
        removed += swept
        if swept < MAX_SWEPT:
            break
    return removed
