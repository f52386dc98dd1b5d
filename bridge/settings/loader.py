"""The settings of this process, merged from their sources."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bridge.errors import ConfigurationError
from bridge.settings.environment import read_environment
from bridge.settings.model import SECRETS, Settings, list_of
from bridge.settings.names import PREFIX, key_path, variable
from bridge.settings.settings_file import find_settings_file, read_settings_file
from bridge.settings.table import describe_number
from bridge.settings.trusted_files import read_trusted
from bridge.settings.values import SecretFile, Value

_VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+")
_NOT_A_NUMBER = {"int_parsing", "int_parsing_size", "int_from_float", "float_parsing"}


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, the file that was read, and the source of each value by field."""

    settings: Settings
    file: Path | None
    sources: Mapping[str, str]

    def secrets_in_file(self) -> list[str]:
        """Return the secret fields whose values are in the settings file itself."""
        return [name for name in SECRETS if self.sources[name] == str(self.file)]


def read_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigurationError: a value is invalid, or a file cannot be used; names the
            place and the valid form, never the value.
    """
    return load_settings().settings


def load_settings() -> LoadedSettings:
    """Return the settings of this process with their sources.

    An environment variable, or the file that its `…_FILE` variable names, overrides the
    settings file, which overrides the default.

    Raises:
        ConfigurationError: as `read_settings`.
    """
    file = find_settings_file(os.environ)
    given = read_settings_file(file) if file else {}
    given |= read_environment(os.environ)
    values = {
        name: _read_secret(value) if isinstance(value, SecretFile) else value
        for name, value in given.items()
    }
    try:
        settings = Settings.model_validate(
            {name: value.value for name, value in values.items()}
        )
    except ValidationError as error:
        raise ConfigurationError(_explain(error, values)) from None
    sources = {
        name: values[name].source if name in values else "default"
        for name in Settings.model_fields
    }
    places = {
        name: f"{key_path(name)} in {value.file}" if value.file else value.place
        for name, value in values.items()
    }
    return LoadedSettings(settings.with_places(places), file, sources)


def _read_secret(secret: SecretFile) -> Value:
    name = f"{secret.place} names {secret.path}, which"
    text = read_trusted(secret.path, name).rstrip("\r\n")
    if not text:
        raise ConfigurationError(f"{name} is empty; write the value into it.")
    return Value(text, f"file {secret.path}", f"{secret.path} ({secret.place})")


def _explain(error: ValidationError, values: Mapping[str, Value]) -> str:
    """Return the error of the first invalid value, and where it was set."""
    # The input may be a secret: it must not get into a message.
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0])
    text = first["msg"].removeprefix("Value error, ")
    text = text.replace("Input should", "must", 1)
    if first["type"] in {"tuple_type", "string_type"}:
        text = list_of(name)
    elif first["type"] == "bool_parsing":
        text = "must be true or false"
    elif first["type"] in _NOT_A_NUMBER:
        text = describe_number(name)
    value = values.get(name)
    if value is None:
        return f"{variable(name)} {text}."
    if value.file is not None:
        text = _VARIABLE.sub(_to_key, text)
    elif isinstance(Settings.model_fields[name].default, tuple):
        text = text.replace("must be a list", "must be a JSON list", 1)
    return f"{value.place} {text}."


def _to_key(found: re.Match[str]) -> str:
    return key_path(found[0].removeprefix(PREFIX).lower())
