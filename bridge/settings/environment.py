"""Settings from environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bridge.errors import ConfigurationError
from bridge.settings.model import SECRETS, Settings, list_of
from bridge.settings.names import PREFIX, RENAMED, variable
from bridge.settings.paths import make_absolute
from bridge.settings.values import SecretFile, Value

FILE_SUFFIX = "_FILE"

_OLD_NAMES = {new: variable(old) for old, new in RENAMED.items()}


def read_environment(environ: Mapping[str, str]) -> dict[str, Value | SecretFile]:
    """Return the settings that are set by variables, by field.

    A new name overrides the old one; an empty `…_FILE` variable counts as unset.

    Raises:
        ConfigurationError: a list is not JSON, or a secret is given by value and by
            file.
    """
    given = _upper(environ)
    values: dict[str, Value | SecretFile] = {}
    for field in Settings.model_fields:
        new, old = variable(field), _OLD_NAMES.get(field)
        if new in given:
            text, source, place = given[new], f"environment {new}", new
        elif old in given:
            source, place = f"environment {old} (old name)", f"{new} (set as {old})"
            text = given[old]
        else:
            text, source, place = "", "", ""
        file = given.get(f"{new}{FILE_SUFFIX}") if field in SECRETS else None
        if file and text:
            raise ConfigurationError(
                f"{new} and {new}{FILE_SUFFIX} are both set; unset one of them."
            )
        if file:
            path = make_absolute(file)
            values[field] = SecretFile(path, f"{new}{FILE_SUFFIX}")
        elif place:
            values[field] = Value(_parse(field, place, text), source, place)
    return values


def find_old_names(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that is set by its old name."""
    given = _upper(environ)
    return [
        f"{old} is ignored because {variable(field)} is set."
        if variable(field) in given
        else f"{old} is now {variable(field)}; the old name is still read."
        for field, old in _OLD_NAMES.items()
        if old in given
    ]


def _upper(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our variables by upper-case name; of two spellings upper case wins."""
    # Upper case last, so that it wins.
    names = sorted(environ, key=str.isupper)
    ours = {name.upper(): environ[name] for name in names}
    return {name: text for name, text in ours.items() if name.startswith(PREFIX)}


def _parse(field: str, place: str, text: str) -> object:
    """Parse a list from its JSON; return any other value as text."""
    if not isinstance(Settings.model_fields[field].default, tuple):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    except RecursionError:
        raise ConfigurationError(f"{place} is nested too deep.") from None
    if not isinstance(value, list):
        form = list_of(field).replace("a list", "a JSON list", 1)
        raise ConfigurationError(f"{place} {form}.")
    return value
