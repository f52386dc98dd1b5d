"""Snapshots of all records, taken under a name.

A snapshot is a database file next to the simulator's.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.sandbox.data.atomic_files import replacing
from bridge.sandbox.data.database import Database, DatabaseError, signature

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}\Z")


def names(database: Database) -> list[str]:
    """Return the names of all snapshots, sorted."""
    prefix, suffix = f"{database.path.name}.", ".snapshot"
    return sorted(
        path.name[len(prefix) : -len(suffix)]
        for path in database.path.parent.iterdir()
        if path.name.startswith(prefix) and path.name.endswith(suffix)
    )


def take(database: Database, name: str) -> None:
    """Save all records as they are now; replace a snapshot of the same name.

    Raises:
        DatabaseError: the name is not made of letters, digits, - and _.
    """
    path = _path(database, name)
    with replacing(path, durable=database.durable) as fresh:
        # Includes the write-ahead log, which a copy of the file would lack.
        database.reading().execute("VACUUM INTO ?", (str(fresh),))


def restore(database: Database, name: str) -> None:
    """Restore all records and tables of a snapshot, in one transaction.

    Raises:
        DatabaseError: the snapshot does not exist, or has other tables.
    """
    path = _path(database, name)
    if not path.exists():
        raise DatabaseError(f"There is no snapshot {name}.")
    with closing(sqlite3.connect(path)) as connection:
        made_from = signature(connection)
    if made_from != signature(database.reading()):
        raise DatabaseError(
            f"The snapshot {name} is of another data set or by another release."
        )
    database.restore_from(path)


def _path(database: Database, name: str) -> Path:
    if not _NAME.match(name):
        raise DatabaseError("name must be letters, digits, - and _, up to 60.")
    return database.path.with_name(f"{database.path.name}.{name}.snapshot")
