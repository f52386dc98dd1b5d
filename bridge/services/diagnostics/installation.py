"""Find the installation of these settings; creates nothing."""

from __future__ import annotations

from bridge.errors import ConfigurationError
from bridge.settings import Settings
from bridge.settings.names import variable
from bridge.store.database.database_url import (
    DATABASE_FILE,
    check_url,
    database_url,
    describe_url,
)
from bridge.store.database.installation import DatabaseContents, read_contents
from bridge.store.secrets.key_ring import KEYS_FILE, KeyRing

_INSTALL_COMMANDS = "`bridge serve` or `bridge user add`"


def configured_url(settings: Settings) -> str | None:
    """Return the database URL of the settings; None if it is not set."""
    url = settings.database_url
    return url.get_secret_value() or None if url else None


def read_url(settings: Settings) -> str:
    """Return the URL of the database. Creates nothing.

    Raises:
        ConfigurationError: the configured URL is of an unknown kind.
    """
    url = configured_url(settings)
    if url:
        check_url(url, settings.place("database_url"))
    return database_url(settings.data_dir, url)


def find_key_ring(settings: Settings) -> KeyRing | None:
    """Return the key ring of the settings or of the data directory; None if missing.

    Raises:
        ConfigurationError: the text is not a key ring, or the file is inaccessible.
    """
    configured = settings.keys.get_secret_value() if settings.keys else None
    return KeyRing.find(settings.data_dir, configured, settings.place("keys"))


def require_installation(settings: Settings) -> None:
    """Check that a database with our tables exists.

    Raises:
        ConfigurationError: it does not; with its location and the setting for that.
        StoreError: the database cannot be reached, or is damaged; with the cure.
    """
    missing = find_missing(settings)
    if missing is not None:
        raise missing


def find_missing(settings: Settings) -> ConfigurationError | None:
    """Return why no installation was found, with the cure; None if one was.

    Raises:
        ConfigurationError: the database URL is of an unknown kind.
        StoreError: the database cannot be reached, or is damaged; with the cure.
    """
    url = read_url(settings)
    contents = read_contents(url)
    # PostgreSQL and SQLite alike: only our tables make a database an installation.
    if contents is DatabaseContents.INSTALLATION:
        return None
    if configured_url(settings):
        named, source = variable("database_url"), settings.place("database_url")
        place = describe_url(url)
    else:
        named = variable("data_dir")
        given = "data_dir" in settings.model_fields_set
        source = settings.place("data_dir") if given else f"the default of {named}"
        if (
            # Keys without a database are a lost database, not a new installation.
            settings.data_dir / KEYS_FILE
        ).exists() and contents is DatabaseContents.NO_FILE:
            return ConfigurationError(
                f"There is no database: {settings.data_dir} ({source}) has "
                f"{KEYS_FILE} but no {DATABASE_FILE}",
                cure="restore it from its backup (docs/deploying.md, Restoring), or "
                f"make a new one for these keys with {_INSTALL_COMMANDS}",
            )
        place = str(settings.data_dir)
        if contents is DatabaseContents.NO_TABLES:
            place = str(settings.data_dir / DATABASE_FILE)
        elif settings.data_dir.is_dir():
            place = f"{place} ({source}) has no {DATABASE_FILE}"
            return _missing(place, named)
    found = "has no tables of Bridge"
    if contents is DatabaseContents.NO_FILE:
        found = "does not exist"
    return _missing(f"{place} ({source}) {found}", named)


def _missing(found: str, setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no installation of Bridge here: {found}",
        cure=f"set {setting} if it is elsewhere, or make a new one with "
        f"{_INSTALL_COMMANDS}",
    )
