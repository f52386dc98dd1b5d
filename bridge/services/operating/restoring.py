"""Restoring the embedded database of the installation that settings name."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.settings import Settings
from bridge.store.crypto import KEYS_FILE, KeyRing
from bridge.store.engine import check_url, database_url
from bridge.store.restore import Restored, restore


def restore_database(settings: Settings, backup: Path, *, replace: bool) -> Restored:
    """Put a backup in the place of the embedded database; Bridge must be stopped.

    Raises:
        ConfigurationError: the database is PostgreSQL's, there is no key ring, or as
            `restore.restore`.
        StoreError: as `restore.restore`.
    """
    configured = settings.database_url
    url = configured.get_secret_value() if configured else None
    file = check_url(database_url(settings.data_dir, url, opened=True))
    if file is None:
        raise ConfigurationError(
            "This database is PostgreSQL's: restore it with its own tool, pg_restore, "
            "into a new database; docs/deploying.md has the lines."
        )
    given = settings.keys.get_secret_value() if settings.keys else None
    keys = KeyRing.find(settings.data_dir, given)
    if keys is None:
        raise ConfigurationError(
            f"{settings.data_dir / KEYS_FILE} does not exist and BRIDGE_KEYS is not "
            "set: put the key ring that was kept with the backup there first; the "
            "backup opens only with it. Nothing was changed."
        )
    return restore(backup, file, keys, replace=replace)
