"""Restore the embedded database of an installation from a backup."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.services.diagnostics.installation import find_key_ring, read_url
from bridge.settings import Settings
from bridge.store.database.database_url import check_url
from bridge.store.database.restore import RestoreResult, restore
from bridge.store.secrets.key_ring import KEYS_FILE


def restore_database(
    settings: Settings, backup: Path, *, replace: bool
) -> RestoreResult:
    """Replace the embedded database by a backup; Bridge must be stopped.

    Raises:
        ConfigurationError: the database is PostgreSQL's, the key ring is missing, or
            as `restore.restore`.
        StoreError: as `restore.restore`.
    """
    file = check_url(read_url(settings))
    if file is None:
        raise ConfigurationError(
            "This database is PostgreSQL's",
            cure="restore it with its own tool, pg_restore, into a new database: "
            "docs/deploying.md, Restoring",
        )
    keys = find_key_ring(settings)
    if keys is None:
        raise ConfigurationError(
            f"{settings.data_dir / KEYS_FILE} does not exist and BRIDGE_KEYS is not "
            "set, and the backup opens only with its key ring; nothing was changed",
            cure="put the keys.json that was kept there first",
        )
    return restore(backup, file, keys, replace=replace)
