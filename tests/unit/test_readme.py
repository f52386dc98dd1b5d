"""The tables of settings in README.md and docs/settings.md match the settings."""

import re
from pathlib import Path

import pytest

from bridge.settings import Settings
from bridge.settings.names import key_path, variable
from bridge.settings.table import describe_old_names, describe_settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "describe"),
    [("settings", describe_settings), ("old names", describe_old_names)],
)
def test_the_table_of_settings_is_the_generated_one(name, describe):
    """Generate it with `python -m bridge.settings`."""
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")

    [table] = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)

    assert table == describe()


def test_the_five_settings_of_the_readme_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `([a-z_.]+)` \| `(BRIDGE_[A-Z_]+)` \|", text, re.MULTILINE)

    known = {(key_path(name), variable(name)) for name in Settings.model_fields}
    assert len(rows) == 5
    assert set(rows) <= known
