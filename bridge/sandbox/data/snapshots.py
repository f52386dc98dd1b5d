"""Snapshots of all records: taken under a name, restored as often as wanted.

A snapshot is a database file of its own beside the simulator's.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.sandbox.data.database import Database
from bridge.sandbox.data.initial_data import replacing, signature

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}\Z")


class SnapshotError(Exception):
    """A snapshot cannot be taken or restored; says why in one sentence."""


def names(database: Database) -> list[str]:
    """Return the names of all snapshots, sorted."""
    prefix, suffix = f"{database.path.name}.", ".snapshot"
    return sorted(
        path.name[len(prefix) : -len(suffix)]
        for path in database.path.parent.iterdir()
        if path.name.startswith(prefix) and path.name.endswith(suffix)
    )


def take(database: Database, name: str) -> None:
    """Keep all records as they are now, in place of an older snapshot of the name.

    Raises:
        SnapshotError: the name is not made of letters, digits, - and _.
    """
    path = _judged(database, name)
    with replacing(path, durable=database.durable) as fresh:
        database.reading().execute("VACUUM INTO ?", (str(fresh),))


def restore(database: Database, name: str) -> None:
    """Put all records and tables back as a snapshot has them, in one transaction.

    Raises:
        SnapshotError: there is no such snapshot, or it is of other tables.
    """
    path = _judged(database, name)
    if not path.exists():
        raise SnapshotError(f"There is no snapshot {name}.")
    with closing(sqlite3.connect(path)) as connection:
        made_from = signature(connection)
    if made_from != signature(database.reading()):
        raise SnapshotError(
            f"The snapshot {name} is of another data set or by another release."
        )
    database.restore_from(path)


def _judged(database: Database, name: str) -> Path:
    if not _NAME.match(name):
        raise SnapshotError("name must be letters, digits, - and _, up to 60.")
    return database.path.with_name(f"{database.path.name}.{name}.snapshot")
