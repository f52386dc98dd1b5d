"""Snapshots of all records: taken under a name, restored as often as wanted.

A snapshot is a database file of its own beside the simulator's.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.sandbox.database import Database
from bridge.sandbox.schema import quoted

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}\Z")


class SnapshotError(Exception):
    """A snapshot cannot be taken or restored; says why in one sentence."""


def names(database: Database) -> list[str]:
    """Return the names of all snapshots, sorted."""
    beside = _path(database, "*")
    found = beside.parent.glob(beside.name)
    prefix, suffix = beside.name.split("*")
    return sorted(path.name[len(prefix) : -len(suffix)] for path in found)


def take(database: Database, name: str) -> None:
    """Keep all records as they are now, in place of an older snapshot of the name.

    Raises:
        SnapshotError: the name is not made of letters, digits, - and _.
    """
    path = _judged(database, name)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    database.reading().execute("VACUUM INTO ?", (str(fresh),))
    fresh.replace(path)


def restore(database: Database, name: str) -> None:
    """Put all records back as a snapshot has them, in one transaction.

    Raises:
        SnapshotError: there is no such snapshot.
    """
    path = _judged(database, name)
    if not path.exists():
        raise SnapshotError(f"There is no snapshot {name}.")
    with _attached(database.reading(), path), database.writing() as connection:
        tables = connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table'"
        ).fetchall()
        for (table,) in tables:
            sql = quoted(table)
            connection.execute(f"DELETE FROM main.{sql}")  # noqa: S608 - quoted
            connection.execute(
                f"INSERT INTO main.{sql} SELECT * FROM kept.{sql}"  # noqa: S608 - quoted
            )


@contextmanager
def _attached(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    connection.execute("ATTACH ? AS kept", (str(path),))
    try:
        yield
    finally:
        connection.execute("DETACH kept")


def _judged(database: Database, name: str) -> Path:
    if not _NAME.match(name):
        raise SnapshotError("A snapshot's name is letters, digits, - and _, up to 60.")
    return _path(database, name)


def _path(database: Database, name: str) -> Path:
    return database.path.with_name(f"{database.path.name}.{name}.snapshot")
