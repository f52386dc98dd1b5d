"""The settings file that `bridge config init` writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bridge.settings.model import SECRETS, Settings
from bridge.settings.names import TABLES, key_path, table_of, variable
from bridge.settings.table import bounds, to_toml

_HEAD = """\
Settings of Bridge. Remove the # before a key to set it; the values are the defaults.
Environment variables win over this file; the name is above each key. docs/settings.md
explains more, and `bridge config` shows what is in effect.

Most installations need these five only: data_dir, integration_code, public_url, url in
[database] and level in [log]. A secret can be in a file of its own, named by the key
that ends in _file. Relative paths are relative to the directory of this file.
"""


def render_settings_file() -> str:
    """Return the text of the file, every setting commented out at its default."""
    lines = [f"# {line}".rstrip() for line in _HEAD.splitlines()]
    for table in ("", *TABLES):
        if table:
            lines += ["", f"[{table}]"]
        for field in Settings.model_fields:
            if table_of(field) == table:
                lines += ["", *_render(field)]
    return "\n".join(lines) + "\n"


def _render(field: str) -> Iterator[str]:
    info = Settings.model_fields[field]
    notes = [str(info.description).replace("`", "")]
    if bounds(info):
        notes.append(f"{bounds(info).capitalize()}.")
    if info.examples:
        example = info.examples[0]
        is_list = isinstance(info.default, tuple)
        notes.append(f"Example: {example if is_list else to_toml(example)}")
    for line in textwrap.wrap(" ".join(notes), 86):
        yield f"# {line}"
    yield f"# {variable(field)}"
    key = key_path(field).rpartition(".")[2]
    yield f"#{key} = {to_toml(info.default)}"
    if field in SECRETS:
        yield f'#{key}_file = ""'
