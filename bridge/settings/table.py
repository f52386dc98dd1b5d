"""Settings as text: the table of `docs/settings.md`, and values as TOML."""

from __future__ import annotations

import json

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bridge.settings.model import Settings
from bridge.settings.names import RENAMED, key_path, variable


def describe_settings() -> str:
    """Return the table of settings as Markdown."""
    rows = ["| key | variable | default | allowed | meaning |", "|---|---|---|---|---|"]
    for name, info in Settings.model_fields.items():
        default = to_toml(info.default)
        shown = "" if default in {'""', "[]"} else f"`{default}`"
        cells = (f"`{key_path(name)}`", f"`{variable(name)}`", shown, bounds(info))
        example = f" Example: `{info.examples[0]}`" if info.examples else ""
        rows.append(f"| {' | '.join(cells)} | {info.description}{example} |")
    return "\n".join(rows)


def describe_old_names() -> str:
    """Return the table of old variables as Markdown."""
    rows = ["| old variable | variable | key |", "|---|---|---|"]
    for old, new in RENAMED.items():
        cells = (variable(old), variable(new), key_path(new))
        rows.append(f"| {' | '.join(f'`{cell}`' for cell in cells)} |")
    return "\n".join(rows)


def bounds(info: FieldInfo) -> str:
    """Return the bounds of a number; empty for other values."""
    found = {type(bound).__name__: bound for bound in info.metadata}
    if "Le" not in found:
        return ""
    lowest = f"from {found['Ge'].ge}" if "Ge" in found else "above 0"
    return f"{lowest} to {found['Le'].le:.0f}"


def describe_number(field: str) -> str:
    """Return the message for an invalid number, with its bounds."""
    info = Settings.model_fields[field]
    kind = "a whole number" if info.annotation is int else "a number"
    allowed = bounds(info).replace("above 0 to", "above 0 and up to")
    return f"must be {kind} {allowed}".rstrip()


def to_toml(value: object) -> str:
    """Return a value as TOML; None as an empty text."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, tuple | bool | int | float):
        return json.dumps(value, ensure_ascii=False)
    # TOML has the same escapes as JSON.
    return json.dumps("" if value is None else str(value), ensure_ascii=False)
