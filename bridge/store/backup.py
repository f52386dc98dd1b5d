"""A copy of the embedded database, made while processes write to it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bridge.errors import ConfigurationError, StoreError
from bridge.store.engine import Database
from bridge.store.jobhome import JOBS_FILE
from bridge.store.paths import make_private_file
from bridge.store.restore import jobs_copy
from bridge.store.troubles import explain

_BUSY_TIMEOUT_S = 30


def back_up(db: Database, target: Path) -> list[Path]:
    """Write the database into one new file, and the work under way into one beside it.

    Returns them, mode 0600; `copy.db` comes with `copy.jobs.db` where there is durable
    work. Each is the state of one moment. Nobody waits: the write-ahead log lets
    writers go on. Work is copied first: a step done twice is harmless, a step lost
    between the two is not.

    Raises:
        ConfigurationError: the database is no file of ours, or a file to be written
            exists or cannot be.
        StoreError: a copy failed, or is not sound.
    """
    if db.file is None:
        raise ConfigurationError(
            "This database is PostgreSQL's: back it up with its own tool, "
            "`pg_dump --format=custom --file=FILE DATABASE`, which needs no pause "
            "either, and restore it with `pg_restore`."
        )
    copies = [(db.file, target)]
    work = db.file.with_name(JOBS_FILE)
    if work.exists():
        copies.insert(0, (work, jobs_copy(target)))
    for _, file in copies:
        if file.exists():
            raise ConfigurationError(f"{file} exists; name a new file.")
    for source, file in copies:
        _back_up_file(source, file)
    return [file for _, file in copies]


def _back_up_file(source: Path, target: Path) -> None:
    """Write one copy; one that breaks off leaves no file."""
    draft = target.with_name(f".{target.name}.part")
    draft.unlink(missing_ok=True)
    make_private_file(draft)
    try:
        _copy(source, draft)
        draft.replace(target)
    except sqlite3.Error as error:
        text = f"The database could not be copied to {target}: {explain(error)}."
        raise StoreError(text) from error
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written: {error.strerror}."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, draft: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source, timeout=_BUSY_TIMEOUT_S)) as live,
        contextlib.closing(sqlite3.connect(draft)) as copy,
    ):
        live.backup(copy)
        # One file that can be moved about, without the log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        [(verdict,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged, {verdict}")
