"""Checks of an installation: settings, key ring, database, workers.

They change nothing and create nothing. The checks of the vendor are in
`vendor_checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from bridge.errors import ConfigurationError, StoreError
from bridge.services.diagnostics.installation import (
    configured_url,
    find_key_ring,
    find_missing,
    read_url,
)
from bridge.settings import LoadedSettings, Settings
from bridge.settings.model import SECRETS
from bridge.settings.names import (
    CONFIG,
    OTHER_PREFIXES,
    PREFIX,
    RENAMED,
    key_path,
    variable,
)
from bridge.settings.trusted_files import describe_fix, is_readable_by_others
from bridge.store.database.database_errors import GRANT, RESTORE, Problem, classify
from bridge.store.database.database_errors import cure as cure_trouble
from bridge.store.database.database_url import check_url, has_secret
from bridge.store.database.engine import Database
from bridge.store.database.health_checks import (
    examine_file,
    find_missing_job_rights,
    find_missing_rights,
    find_missing_tables,
    jobs_file,
)
from bridge.store.database.installation import DatabaseContents, read_contents
from bridge.store.secrets.key_ring import KEYS_FILE, KeyRing
from bridge.store.workers import list_living

_MAX_NAMED = 3
_CODE_LENGTH = 27
_URL_CURE = "correct BRIDGE_DATABASE_URL, or run as its owner"
_RESTORE_KEYS = (
    "restore the keys.json, or set the BRIDGE_KEYS, that belong to this database; new "
    "keys cannot open it"
)


class Level(StrEnum):
    """The severity: what has a warning works today, what has failed does not."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, the result, and how to fix it."""

    check: str
    level: Level
    text: str
    cure: str = ""


def fine(check: str, text: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, cure: str) -> Finding:
    """Return a finding that may need action."""
    return Finding(check, Level.WARNING, text, cure)


def fail(check: str, text: str, cure: str) -> Finding:
    """Return a finding that needs action."""
    return Finding(check, Level.FAILED, text, cure)


def describe(settings: Settings, source: Path | None) -> Finding:
    """Return the settings file, the data directory and the kind of database."""
    configured = configured_url(settings)
    try:
        file = check_url(configured) if configured else None
    except ConfigurationError as error:
        text = error.message.rstrip(".")
        return fail("settings", text, "correct BRIDGE_DATABASE_URL")
    kind = "SQLite" if not configured else "PostgreSQL"
    if file is not None:
        kind = "SQLite, by BRIDGE_DATABASE_URL"
    read = f"read from {source}" if source else "no settings file"
    text = f"{read}, data in {settings.data_dir}, database {kind}"
    if settings.autotask_allow_loopback:
        return warn(
            "settings",
            f"{text}; server URLs on this machine are allowed",
            "unset BRIDGE_AUTOTASK_ALLOW_LOOPBACK unless this is a test installation",
        )
    return fine("settings", text)


def check_settings_file(loaded: LoadedSettings) -> Finding | None:
    """Warn if other users may read a secret in the settings file."""
    secrets = [
        name for name in loaded.secrets_in_file() if _is_secret(loaded.settings, name)
    ]
    if loaded.file is None or not secrets or not is_readable_by_others(loaded.file):
        return None
    named = " and ".join(map(key_path, secrets))
    cure = describe_fix(loaded.file, loaded.settings.data_dir)
    return warn(
        "settings file",
        f"other users of this machine may read {named} in {loaded.file}",
        f"{cure}; or use files of their own: docs/settings.md",
    )


def check_code_length(place: str, code: str) -> Finding | None:
    """Warn about an incomplete integration code; an empty one is fine."""
    if not code or len(code) == _CODE_LENGTH:
        return None
    text = f"{place} has {len(code)} characters, Autotask's have {_CODE_LENGTH}"
    return warn("integration code length", text, "copy it whole")


def check_names(names: Iterable[str]) -> Finding | None:
    """Check the names of environment variables; None when all are known."""
    files = (f"{name}_file" for name in SECRETS)
    known = {CONFIG, *map(variable, (*Settings.model_fields, *RENAMED, *files))}
    unknown = sorted(
        name
        for name in names
        if name.upper().startswith(PREFIX)
        # The simulator and the tests have variables of their own with our prefix.
        and not name.upper().startswith(OTHER_PREFIXES)
        and name.upper() not in known
    )
    if not unknown:
        return None
    # Compared without the prefix, which would make all names similar.
    by_rest = {name.removeprefix(PREFIX): name for name in known}
    near = {
        by_rest[rest]
        for name in unknown
        for rest in get_close_matches(
            name.upper().removeprefix(PREFIX), by_rest, 1, cutoff=0.7
        )
    }
    similar = f"{' and '.join(sorted(near))} may be meant; " if near else ""
    return warn(
        "environment",
        f"nothing reads {', '.join(unknown)}",
        f"{similar}docs/settings.md has all names",
    )


def check_keys(settings: Settings) -> tuple[list[Finding], KeyRing | None]:
    """Check the key ring; return None in its place if it cannot be used."""
    try:
        ring = find_key_ring(settings)
    except ConfigurationError as error:
        text, cure = error.text, error.cure
        if settings.keys:
            cure = "set BRIDGE_KEYS to the whole ring, as `bridge key add` prints it"
        return [fail("key ring", text, cure or "restore it from the backup")], None
    if ring is None:
        return [_missing_keys(settings)], None
    source = str(ring.source) if ring.source else settings.place("keys")
    return [fine("key ring", f"{source}, keys: {len(ring.keys)}")], ring


def check_database(
    settings: Settings, keys: KeyRing | None, *, needed: bool
) -> tuple[list[Finding], Database | None]:
    """Check the database; return it open if use cases can work with it.

    The checks: connection, keys, schema, writing, the tables of background work, and
    living workers.

    Args:
        settings: its location.
        keys: without them it is not opened.
        needed: whether a missing installation is a failure or a warning.
    """
    try:
        missing = find_missing(settings)
        if missing is not None:
            report = fail if needed else warn
            return [report("database", missing.text, missing.cure)], None
        if keys is None:
            return [], None
        url = read_url(settings)
        if (file := check_url(url)) is not None:
            examine_file(file)
        database = Database.open(url, keys=keys, make=False)
    except ConfigurationError as error:
        return [_refused(error)], None
    except StoreError as error:
        return [_unusable("database", error)], None
    findings = list(_check_open_database(database))
    if any(finding.level is Level.FAILED for finding in findings):
        database.close()
        return findings, None
    return findings, database


def _is_secret(settings: Settings, name: str) -> bool:
    """Return whether a setting that may contain a secret does."""
    value = getattr(settings, name)
    text = value.get_secret_value() if value else ""
    return has_secret(text) if name == "database_url" else bool(text)


def _check_open_database(database: Database) -> Iterator[Finding]:
    try:
        shut = find_missing_rights(database)
        found, needed = database.versions()
        yield fine("database", "reachable, and sealed with this key ring")
        if shut:
            yield fail("writing", shut, GRANT)
            return
        # Rights come first: an upgrade of the schema needs them too.
        if found != needed:
            yield fail(
                "schema",
                f"the database has {found or 'none'}, this program needs {needed}",
                "run `bridge db upgrade`; `bridge serve` does it at its start too",
            )
            return
        if missing := find_missing_tables(database):
            text = f"{found}, but without {', '.join(missing)}"
            yield fail("schema", text, RESTORE)
            return
        yield fine("schema", f"{found}, as this program needs it")
        # After the reads: a read-only disk still allows those.
        database.check_writable()
        yield fine("writing", "possible")
    except StoreError as error:
        yield _unusable("writing", error)
        return
    yield check_jobs(database)
    yield check_workers(database)


def check_jobs(database: Database) -> Finding:
    """Check the tables of the job engine."""
    check = "background work"
    file = jobs_file(database)
    try:
        shut = find_missing_job_rights(database)
        if file is not None and file.exists():
            examine_file(file)
    except StoreError as error:
        if file is not None and classify(error) is Problem.DAMAGED:
            cure = (
                f"stop Bridge, move {file} with its -wal and -shm away and start: work "
                "under way is lost, nothing else; or restore its backup"
            )
            return fail(check, error.message.rstrip("."), cure)
        return _unusable(check, error)
    if shut:
        cure = (
            "GRANT CREATE ON DATABASE … TO the role, or make that schema for it: "
            "CREATE SCHEMA … AUTHORIZATION …; docs/workers.md has more"
        )
        return fail(check, shut, cure)
    return fine(check, "its tables can be used")


def check_workers(database: Database) -> Finding:
    """Check that a worker is alive."""
    living = list_living(database)
    if not living:
        cure = (
            "start `bridge serve`, or `bridge worker` beside `bridge serve "
            "--no-worker`; background work waits until then"
        )
        return warn("worker", "none is alive", cure)
    named = ", ".join(worker.id for worker in living[:_MAX_NAMED])
    more = f" and {len(living) - _MAX_NAMED} more" if living[_MAX_NAMED:] else ""
    return fine("worker", f"{named}{more} alive")


def _refused(error: ConfigurationError) -> Finding:
    if "sealed" in error.text:
        return fail("key ring", error.text, _RESTORE_KEYS)
    return fail("database", error.text, error.cure or _URL_CURE)


def _unusable(check: str, error: StoreError) -> Finding:
    text = error.text
    if text.startswith("The database has schema"):
        cure = "start the newer release, or restore the backup made before it"
        return fail("schema", text, cure)
    return fail(check, error.text, error.cure or cure_trouble(error.__cause__))


def _missing_keys(settings: Settings) -> Finding:
    path = settings.data_dir / KEYS_FILE
    text = f"{path} does not exist and BRIDGE_KEYS is not set"
    try:
        contents = read_contents(read_url(settings))
    except StoreError:
        cure = "cure the database first; then look whether it needs the keys it had"
        return warn("key ring", text, cure)
    if contents is DatabaseContents.INSTALLATION:
        return fail("key ring", f"{text}, but there is a database", _RESTORE_KEYS)
    return warn("key ring", text, "nothing: the first start makes it")
