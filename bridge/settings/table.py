"""The README's table of settings; `python -m bridge.settings` prints it."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bridge.settings.model import Settings
from bridge.settings.names import variable


def describe_settings() -> str:
    """Return the table of settings as Markdown, for the README."""
    rows = ["| variable | default | allowed | meaning |", "|---|---|---|---|"]
    for name, info in Settings.model_fields.items():
        default = info.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default in (None, "", ()) else f"`{default}`"
        cells = (f"`{variable(name)}`", shown, _bounds(info), info.description)
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)


def _bounds(info: FieldInfo) -> str:
    """Return what a number may be; nothing for what is none."""
    found = {type(bound).__name__: bound for bound in info.metadata}
    if "Le" not in found:
        return ""
    lowest = f"from {found['Ge'].ge}" if "Ge" in found else "above 0"
    return f"{lowest} to {found['Le'].le:.0f}"
