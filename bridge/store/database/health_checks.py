"""Health checks of the database; they change nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text

from bridge.errors import StoreError
from bridge.store.database.database_errors import cure, explain
from bridge.store.database.engine import Database
from bridge.store.database.jobs_database import JOBS_FILE, find_jobs_database
from bridge.store.models import metadata

_TIMEOUT_S = 5

_WITHOUT_RIGHTS = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = :schema AND c.relkind = 'r' "
    "AND NOT (has_table_privilege(c.oid, 'SELECT') "
    "AND has_table_privilege(c.oid, 'INSERT') "
    "AND has_table_privilege(c.oid, 'UPDATE') "
    "AND has_table_privilege(c.oid, 'DELETE'))"
)
_JOBS_RIGHTS = text(
    "SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') "
    "FROM pg_namespace WHERE nspname = :schema"
)
_MAY_CREATE_SCHEMA = text("SELECT has_database_privilege(current_database(), 'CREATE')")


def check_ready(db: Database) -> None:
    """Require that this process can serve requests, and that another one could start.

    Raises:
        ConfigurationError: the key ring is missing or was replaced.
        StoreError: the database is unavailable or has another schema, or the jobs
            database is missing. Each with the cure.
    """
    db.check_schema()
    db.keys.check_source()
    if db.opened:
        find_jobs_database(db)


def examine_file(path: Path) -> None:
    """Check a whole SQLite file; takes about a second for a few hundred megabytes.

    Raises:
        StoreError: it is damaged, or cannot be opened.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(
            sqlite3.connect(address, uri=True, timeout=_TIMEOUT_S)
        ) as connection:
            [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found.splitlines()[-1])
    except sqlite3.Error as error:
        text = f"{path} cannot be read: {explain(error)}."
        raise StoreError(text, cure=cure(error, path)) from error


def jobs_file(db: Database) -> Path | None:
    """Return the path of SQLite's jobs database; None for PostgreSQL."""
    return None if db.file is None else db.file.with_name(JOBS_FILE)


def find_missing_rights(db: Database) -> str | None:
    """Return which rights on our tables the role lacks, as a sentence; None if none.

    None for SQLite, which has no roles.
    """
    if db.file is not None:
        return None
    with db.read() as connection:
        role = connection.scalar(select(func.current_user()))
        schema = connection.scalar(select(func.current_schema()))
        if schema is None:
            return f"the role {role} may use no schema of its search path"
        shut = _without_rights(connection, schema) & metadata.tables.keys()
    if not shut:
        return None
    return f"the role {role} may not read and change {', '.join(sorted(shut))}"


def find_missing_tables(db: Database) -> list[str]:
    """Return the names of our missing tables, sorted."""
    with db.read() as connection:
        present = inspect(connection).get_table_names()
    return sorted(metadata.tables.keys() - set(present))


def find_missing_job_rights(db: Database) -> str | None:
    """Return which rights on the jobs database the role lacks; None if none."""
    if db.file is not None:
        return None
    schema = find_jobs_database(db).schema
    with db.read() as connection:
        role = connection.scalar(select(func.current_user()))
        usable = connection.execute(_JOBS_RIGHTS, {"schema": schema}).scalar()
        if usable is None:
            if connection.execute(_MAY_CREATE_SCHEMA).scalar_one():
                return None
            return f"there is no schema {schema}, and the role {role} may not make it"
        if usable and not _without_rights(connection, str(schema)):
            return None
    return f"the role {role} may not use all of schema {schema}"


def _without_rights(connection: Connection, schema: str) -> set[str]:
    found = connection.execute(_WITHOUT_RIGHTS, {"schema": schema})
    return set(found.scalars())
