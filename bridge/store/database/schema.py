"""The schema's version and migrations, and the check of the key ring.

Every function uses the caller's connection and transaction.
"""

from __future__ import annotations

import hmac
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Row, insert, inspect, select, text, update

from bridge.errors import ConfigurationError, StoreError
from bridge.store.models import key_checks
from bridge.store.secrets.key_ring import KeyRing

_MIGRATIONS = "bridge.store:migrations"
_CHECK_ID = 1
_CHECK_TEXT = "These keys fit this database."
# The number is arbitrary, but every release must use the same.
_ADVISORY_LOCK = 0x627269646765


def lock(connection: Connection) -> None:
    """Lock the schema against other processes until the transaction ends.

    On SQLite the writing transaction is that lock.
    """
    if connection.dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:number)")
        connection.execute(statement, {"number": _ADVISORY_LOCK})


def refuse_newer(connection: Connection) -> None:
    """Refuse a schema version that this program does not know.

    Raises:
        StoreError: with both versions.
    """
    scripts = ScriptDirectory.from_config(_alembic_config())
    found = _read_version(connection)
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"The database has schema {found}, this program knows schemas up to "
            f"{scripts.get_current_head()}: start the newer program that wrote it."
        )


def refuse_older(connection: Connection) -> None:
    """Refuse a schema version that `migrate` would change.

    Raises:
        StoreError: with both versions.
    """
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    found = _read_version(connection)
    if found is None:
        raise StoreError(
            f"The database has schema none, this program needs {head}: it is empty. If "
            "it held data it was emptied or replaced: restore it; Bridge makes new "
            "tables only when it is started again."
        )
    if found != head:
        raise StoreError(
            f"The database has schema {found}, this program needs {head}: "
            "upgrade the database first."
        )


def read_versions(connection: Connection) -> tuple[str | None, str]:
    """Return the database's version, None when it is empty, and this program's."""
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    return _read_version(connection), head or ""


def migrate(connection: Connection) -> None:
    """Run every migration that is newer than the database's schema."""
    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def verify_keys(connection: Connection, keys: KeyRing) -> None:
    """Refuse a key ring other than the one the data was sealed with.

    A new database accepts any key ring.

    Raises:
        ConfigurationError: the stored check does not open, or its digest differs.
    """
    row = _read_check(connection)
    if row is None:
        return
    try:
        opened = keys.open(row.sealed_text)
    except StoreError:
        opened = ""
    expected = keys.digest(_CHECK_TEXT)
    if opened != _CHECK_TEXT or not hmac.compare_digest(row.text_digest, expected):
        raise ConfigurationError(
            "The key ring is not the one this database was sealed with; nothing was "
            "changed. Restore the keys.json or BRIDGE_KEYS that belong to it."
        )


def is_sealed(connection: Connection) -> bool:
    """Return whether a key ring was recorded, which then is the only one accepted."""
    return _read_check(connection) is not None


def record_keys(connection: Connection, keys: KeyRing) -> None:
    """Insert the row that `verify_keys` reads, unless it exists."""
    if connection.execute(select(key_checks.c.id)).one_or_none() is None:
        row = {
            "id": _CHECK_ID,
            "sealed_text": keys.seal(_CHECK_TEXT),
            "text_digest": keys.digest(_CHECK_TEXT),
        }
        connection.execute(insert(key_checks).values(row))


def touch(connection: Connection) -> None:
    """Write the row that `verify_keys` reads, with unchanged values."""
    connection.execute(update(key_checks).values(id=key_checks.c.id))


def _read_check(connection: Connection) -> Row[Any] | None:
    if not inspect(connection).has_table(key_checks.name):
        return None
    return connection.execute(select(key_checks)).one_or_none()


def _read_version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config
