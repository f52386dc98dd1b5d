"""Makes and checks copies of a backup in a staging directory, before a restore."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import ConfigurationError, StoreError, StoreUnavailableError
from bridge.store.database.database_errors import Problem, classify, explain
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import KeyRing

READ_CURE = "let this user read it, or run as its owner"


def stage_database(backup: Path, draft: Path, keys: KeyRing) -> tuple[str, str]:
    """Copy and check the database of a backup; return its schema and this program's.

    Raises:
        ConfigurationError: it is not Bridge's, was sealed with another key ring, or
            does not fit on the disk.
        StoreError: it is damaged or has a newer schema.
        OSError: the copy cannot be written.
    """
    stage_file(backup, draft)
    url = database_url(draft.parent, f"sqlite:///{draft}")
    with _explaining_errors(backup, draft):
        try:
            with contextlib.closing(Database.open(url, keys=keys)) as database:
                found, needed = database.versions()
        except StoreUnavailableError as error:
            # Its message names the draft; `_explaining_errors` names the backup.
            raise error.__cause__ or error from None
        # Opening it has created a write-ahead log, but only this file is moved.
        _set_journal(draft)
    if found is None:
        raise ConfigurationError(f"{backup} is a database, but not one of Bridge.")
    return found, needed


def stage_file(source: Path, draft: Path) -> None:
    """Copy a backup into one new file without a write-ahead log, and check the copy.

    Raises:
        ConfigurationError: it does not fit on the disk.
        StoreError: it is damaged.
        OSError: the copy cannot be written.
    """
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    give_to_owner(draft, draft.parent.parent)
    address = f"{source.absolute().as_uri()}?mode=ro"
    with _explaining_errors(source, draft):
        with (
            contextlib.closing(sqlite3.connect(address, uri=True)) as backup,
            contextlib.closing(sqlite3.connect(draft)) as copy,
        ):
            backup.backup(copy)
            [(verdict,)] = copy.execute("PRAGMA integrity_check(1)").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict.splitlines()[-1])
        _set_journal(draft)


@contextlib.contextmanager
def _explaining_errors(source: Path, draft: Path) -> Iterator[None]:
    """Translate SQLite's errors on a backup or its copy."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        problem = classify(error)
        if problem in {Problem.FULL, Problem.DISK}:
            raise ConfigurationError(
                f"There is no room in {draft.parent.parent} for the copy of {source}; "
                "nothing was changed",
                cure="make room on its disk",
            ) from error
        advice = "use another backup"
        if problem is Problem.FORBIDDEN and not os.access(source, os.R_OK):
            advice = READ_CURE
        raise StoreError(
            f"{source} cannot be restored: {explain(error)}; nothing was changed",
            cure=advice,
        ) from error


def _set_journal(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def make_directory(path: Path, directory: Path) -> None:
    """Create a directory, mode 0700, with the owner of another directory."""
    path.mkdir(mode=0o700)
    give_to_owner(path, directory)


def give_to_owner(path: Path, directory: Path) -> None:
    """If root runs this, change the owner of a path to that of a directory."""
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
