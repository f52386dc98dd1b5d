"""The settings of this process, merged from their sources."""

from __future__ import annotations

import os

from pydantic import ValidationError

from bridge.errors import ConfigurationError
from bridge.settings.environment import read_environment
from bridge.settings.model import Settings, list_of
from bridge.settings.names import variable


def read_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigurationError: a value is invalid; names its place and the form wanted,
            never the value.
    """
    values = read_environment(os.environ)
    try:
        return Settings.model_validate({name: v.value for name, v in values.items()})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        text = first["msg"].removeprefix("Value error, ")
        text = text.replace("Input should", "must", 1)
        if first["type"] in {"tuple_type", "string_type"}:
            text = list_of(name)
        place = values[name].place if name in values else variable(name)
        raise ConfigurationError(f"{place} {text}.") from None
