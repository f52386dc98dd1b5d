"""Settings from a TOML file."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.settings.model import SECRETS, Settings, list_of
from bridge.settings.names import CONFIG, PREFIX, RENAMED, TABLES, key_path
from bridge.settings.paths import make_absolute
from bridge.settings.table import describe_number
from bridge.settings.trusted_files import read_trusted
from bridge.settings.values import SecretFile, Value

LOCAL_FILE = Path("bridge.toml")
SYSTEM_FILE = Path("/etc/bridge/bridge.toml")

_FILE_SUFFIX = "_file"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_NAMES = (*Settings.model_fields, *(f"{name}{_FILE_SUFFIX}" for name in SECRETS))
_SQLITE = "sqlite:///"


def find_settings_file(environ: Mapping[str, str]) -> Path | None:
    """Return the path of the settings file, or None.

    It is `BRIDGE_CONFIG`, whether the file exists or not (None when that is empty); or
    the first of `./bridge.toml` and `/etc/bridge/bridge.toml` that exists.
    """
    named = environ.get(CONFIG)
    if named is not None:
        return make_absolute(named) if named else None
    if os.path.lexists(LOCAL_FILE):
        return make_absolute(LOCAL_FILE)
    try:
        SYSTEM_FILE.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # It may exist: reading it will raise an error with the reason.
        return SYSTEM_FILE
    return SYSTEM_FILE


def read_settings_file(path: Path) -> dict[str, Value | SecretFile]:
    """Return the settings of a file, by field.

    Raises:
        ConfigurationError: it cannot be used; names the file and the key or line.
    """
    given = _collect(path)
    values: dict[str, Value | SecretFile] = {}
    for field in Settings.model_fields:
        value, file = given.get(field), given.get(f"{field}{_FILE_SUFFIX}")
        if file and file[1]:
            if value and value[1]:
                raise ConfigurationError(
                    f"{path}: {value[0]} and {file[0]} are both set; remove one of "
                    "them."
                )
            secret = path.parent / str(file[1])
            values[field] = SecretFile(secret, f"{path}: {file[0]}")
        elif value:
            resolved = _resolve(field, value[1], path.parent)
            values[field] = Value(resolved, str(path), f"{path}: {value[0]}", path)
    return values


def _collect(path: Path) -> dict[str, tuple[str, object]]:
    """Return keys and values by name: a field, or a field with `_file`."""
    given: dict[str, tuple[str, object]] = {}
    for key, name, value in _flatten(_parse(path)):
        if name not in _NAMES:
            raise ConfigurationError(f"{path}: {_explain_unknown(key, name)}")
        if name in given:
            raise ConfigurationError(
                f"{path}: {given[name][0]} and {key} are the same setting; remove one "
                "of them."
            )
        if wanted := _wrong_type(name, value):
            raise ConfigurationError(f"{path}: {key} {wanted}.")
        given[name] = key, value
    return given


def _parse(path: Path) -> dict[str, object]:
    text = read_trusted(path, f"The settings file {path}")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deep.") from None
    except ValueError as error:
        # Numbers too long for Python raise a plain ValueError.
        message, found = str(error), _LINE.search(str(error))
        # An error at the end of the file is reported for its last non-empty line.
        line = (found and found[1]) or str(text.rstrip().count("\n") + 1)
        if isinstance(error, tomllib.TOMLDecodeError) and found:
            reason = message[: found.start()]
            raise ConfigurationError(f"{path}, line {line}: {reason}.") from None
        raise ConfigurationError(f"{path} is not valid TOML: {message}.") from None


def _flatten(table: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """Yield key path, name (the path joined with `_`) and value of each setting."""
    # A queue, not recursion: a deeply nested file must not exhaust the stack.
    pending = deque([("", "", table)])
    while pending:
        path, prefix, table = pending.popleft()
        for part, value in table.items():
            shown = part if _BARE_KEY.fullmatch(part) else json.dumps(part)
            key, name = f"{path}{shown}", f"{prefix}{part}"
            is_known = name in _NAMES or (name not in TABLES and not value)
            if isinstance(value, dict) and not is_known:
                pending.append((f"{key}.", f"{name}_", value))
            else:
                yield key, name, value


def _explain_unknown(key: str, name: str) -> str:
    if name in RENAMED:
        return f"{key} is now {key_path(RENAMED[name])}; rename it."
    given = name.lower().replace("-", "_").removeprefix(PREFIX.lower())
    last = key.lower().rpartition(".")[2]
    near = get_close_matches(given, _NAMES, 1) or [
        known for known in _NAMES if known.endswith(f"_{last}")
    ]
    if near:
        return f"there is no key {key}; did you mean {key_path(near[0])}?"
    return f"there is no key {key}; remove it."


def _wrong_type(name: str, value: object) -> str | None:
    """Return the message for a value of a wrong type; None if its type is right."""
    field = Settings.model_fields.get(name)
    kind = field.annotation if field else str
    if field is not None and isinstance(field.default, tuple):
        texts = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return None if texts else list_of(name)
    if kind is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if kind in (int, float):
        wanted = (int, float) if kind is float else int
        if isinstance(value, wanted) and not isinstance(value, bool):
            return None
        return describe_number(name)
    if isinstance(value, str):
        return "must not contain a NUL character" if "\0" in value else None
    return "must be a text in quotes"


def _resolve(field: str, value: object, directory: Path) -> object:
    """Make relative paths relative to the directory of the settings file."""
    if field == "data_dir":
        return value if str(value).startswith("~") else directory / str(value)
    if field == "database_url" and str(value).startswith(_SQLITE):
        name = str(value).removeprefix(_SQLITE)
        # Absolute paths and `:memory:` stay as they are.
        return f"{_SQLITE}{directory / name}" if name[:1] not in "/:" else value
    return value
