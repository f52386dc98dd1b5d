"""The settings of this process, out of its environment."""

from __future__ import annotations

import re

from pydantic import ValidationError
from pydantic_settings import SettingsError

from bridge.errors import ConfigurationError
from bridge.settings.model import Settings, list_of, variable

_FIELD = re.compile(r'field "(\w+)"')


def read_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises:
        ConfigurationError: a value cannot be used; names the variable and the form
            that is wanted, never the value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1])
        text = first["msg"].removeprefix("Value error, ")
        text = text.replace("Input should", "must", 1)
        if first["type"] == "tuple_type":
            text = list_of(name)
        raise ConfigurationError(f"{variable(name)} {text}.") from None
    except SettingsError as error:
        # The library names the field in its sentence only.
        found = _FIELD.search(str(error))
        if found is None:
            text = f"The environment cannot be read: {error}."
        else:
            text = f"{variable(found[1])} {list_of(found[1])}."
        raise ConfigurationError(text) from None
    except RecursionError:
        text = "The environment cannot be read: a JSON list in it is nested too deep."
        raise ConfigurationError(text) from None
