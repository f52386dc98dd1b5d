"""Settings that environment variables give."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bridge.errors import ConfigurationError
from bridge.settings.model import Settings, list_of
from bridge.settings.names import PREFIX, RENAMED, variable
from bridge.settings.values import Value

_OLD_NAMES = {new: variable(old) for old, new in RENAMED.items()}


def read_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    """Return the settings that variables give, by field; a new name before its old.

    Raises:
        ConfigurationError: a list is not JSON.
    """
    given = _upper(environ)
    values = {}
    for field in Settings.model_fields:
        new, old = variable(field), _OLD_NAMES.get(field)
        if new in given:
            value = Value(_parse(field, new, given[new]), f"environment {new}", new)
        elif old in given:
            place = f"{new} (set as {old})"
            source = f"environment {old} (old name)"
            value = Value(_parse(field, place, given[old]), source, place)
        else:
            continue
        values[field] = value
    return values


def find_old_names(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that is set by its old name."""
    given = _upper(environ)
    return [
        f"{old} is ignored because {variable(field)} is set."
        if variable(field) in given
        else f"{old} is now {variable(field)}; the old name is still read."
        for field, old in _OLD_NAMES.items()
        if old in given
    ]


def _upper(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our variables by names in capitals; one written so wins."""
    ours = {name: text for name, text in environ.items() if _is_ours(name)}
    return {name.upper(): text for name, text in ours.items()} | {
        name: text for name, text in ours.items() if name.isupper()
    }


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _parse(field: str, place: str, text: str) -> object:
    """Return a list from its JSON, any other value as text."""
    if not isinstance(Settings.model_fields[field].default, tuple):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    except RecursionError:
        raise ConfigurationError(
            f"{place} {list_of(field)}; this one is nested too deep."
        ) from None
    if not isinstance(value, list):
        raise ConfigurationError(f"{place} {list_of(field)}.")
    return value
