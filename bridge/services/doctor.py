"""What is wrong with an installation: settings, data directory, keys, database.

Nothing is changed and nothing is made: what a first start would make is said so. The
vendor's side is `vendor_checks`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bridge.errors import BridgeError, ConfigurationError, StoreError
from bridge.settings import Settings
from bridge.store.crypto import KEYS_FILE, KeyRing, parse_ring
from bridge.store.engine import Database, check_url, database_url

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Level(StrEnum):
    """How bad it is: a warning works today, a failure does not."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what cures it."""

    check: str
    level: Level
    text: str
    cure: str = ""


def fine(check: str, text: str) -> Finding:
    """Return a line that needs nothing."""
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, cure: str) -> Finding:
    """Return a line that may need something."""
    return Finding(check, Level.WARNING, text, cure)


def fail(check: str, text: str, cure: str) -> Finding:
    """Return a line that must be cured."""
    return Finding(check, Level.FAILED, text, cure)


def describe(settings: Settings) -> Finding:
    """Tell which settings are in force that decide about everything else."""
    kind = "PostgreSQL" if settings.database_url else "SQLite"
    if settings.database_url and "sqlite" in settings.database_url.get_secret_value():
        kind = "SQLite, by BRIDGE_DATABASE_URL"
    text = f"data in {settings.data_dir}, database {kind}"
    if settings.allow_loopback:
        return warn(
            "settings",
            f"{text}; server URLs on this machine are allowed",
            "unset BRIDGE_ALLOW_LOOPBACK unless this is a test installation",
        )
    return fine("settings", text)


def check_directory(settings: Settings) -> Finding:
    """Judge the data directory, and who may read what is in it."""
    path = settings.data_dir
    if not path.exists():
        return warn(
            "data directory",
            f"{path} does not exist",
            "nothing, if this is a new installation: the first start makes it; "
            "else set BRIDGE_DATA_DIR",
        )
    if not path.is_dir():
        return fail(
            "data directory", f"{path} is no directory", "set BRIDGE_DATA_DIR to one"
        )
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return fail(
            "data directory",
            f"{path} cannot be read and written by this user",
            f"run as its owner, or chown and chmod 700 {path}",
        )
    exposed = [each for each in (path, *_secret_files(path)) if _is_open(each)]
    if exposed:
        named = ", ".join(map(str, exposed))
        return warn(
            "data directory",
            f"other users of this machine may read {named}",
            f"chmod go= {' '.join(map(str, exposed))}",
        )
    return fine("data directory", f"{path} is its owner's alone")


def check_keys(settings: Settings) -> tuple[Finding, KeyRing | None]:
    """Judge the key ring; None when there is none to open the database with."""
    configured = settings.keys.get_secret_value() if settings.keys else None
    path = settings.data_dir / KEYS_FILE
    if configured is None and not path.exists():
        return _missing_keys(settings, path), None
    try:
        if configured is None:
            parse_ring(path.read_text(encoding="utf-8"), str(path))
        ring = KeyRing.load(settings.data_dir, configured)
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}"
        return fail("key ring", text, "run as its owner, or restore it"), None
    except (BridgeError, UnicodeDecodeError) as error:
        text = str(error).rstrip(".")
        return fail("key ring", text, "restore it from the backup"), None
    source = "BRIDGE_KEYS" if configured else str(path)
    return fine("key ring", f"{len(ring.keys)} keys from {source}"), ring


def check_database(
    settings: Settings, keys: KeyRing
) -> tuple[list[Finding], Database | None]:
    """Judge the database; return it open when use cases can work with it.

    Its lines: whether it answers, whether the keys fit, its schema, and whether it
    can be written.
    """
    configured = settings.database_url
    url = configured.get_secret_value() if configured else None
    try:
        file = check_url(database_url(settings.data_dir, url))
        if file is not None and not file.exists():
            text = f"{file} does not exist"
            cure = "nothing, if this is a new installation: the first start makes it"
            return [warn("database", text, cure)], None
        database = Database.open(database_url(settings.data_dir, url), keys=keys)
    except ConfigurationError as error:
        return [_refused(error)], None
    except StoreError as error:
        return [_unusable(error)], None
    findings = list(_judge(database))
    if any(finding.level is Level.FAILED for finding in findings):
        database.close()
        return findings, None
    return findings, database


def _judge(database: Database) -> Iterator[Finding]:
    try:
        found, needed = database.versions()
        yield fine("database", "reachable, and sealed with this key ring")
        if found == needed:
            yield fine("schema", f"{found}, as this program needs it")
            database.check_writable()
            yield fine("writing", "possible")
        else:
            yield fail(
                "schema",
                f"the database has {found or 'none'}, this program needs {needed}",
                "run `bridge db upgrade`; `bridge serve` does it at its start too",
            )
    except StoreError as error:
        yield fail(
            "writing",
            error.message.rstrip("."),
            "see who holds the database, whether the disk is full or read-only",
        )


def _refused(error: ConfigurationError) -> Finding:
    if "sealed" in error.message:
        return fail(
            "key ring",
            error.message.rstrip("."),
            "restore the keys.json, or set the BRIDGE_KEYS, that belong to this "
            "database; new keys cannot open it",
        )
    return fail("database", error.message.rstrip("."), "correct BRIDGE_DATABASE_URL")


def _unusable(error: StoreError) -> Finding:
    if "schema" in error.message:
        cure = "start the newer release, or restore the backup made before it"
        return fail("schema", error.message.rstrip("."), cure)
    return fail(
        "database",
        error.message.rstrip("."),
        "start the database server, check BRIDGE_DATABASE_URL, name, password and "
        "network",
    )


def _missing_keys(settings: Settings, path: Path) -> Finding:
    text = f"{path} does not exist and BRIDGE_KEYS is not set"
    if settings.database_url or (settings.data_dir / "bridge.db").exists():
        return fail(
            "key ring",
            f"{text}, but there is a database",
            "restore keys.json: a new one cannot open what the old one sealed",
        )
    return warn("key ring", text, "nothing: the first start makes it")


def _secret_files(path: Path) -> list[Path]:
    found = [path / KEYS_FILE, *path.glob("*.db")]
    return [each for each in found if each.exists()]


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)
