"""The README says what is so: its tables are generated, its commands exist."""

import re
from pathlib import Path

from bridge.settings.table import describe_settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def section(name):
    pattern = rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->"
    return re.search(pattern, README, re.DOTALL)[1]


def test_the_table_of_settings_is_the_generated_one():
    """Renew it with `python -m bridge.settings`."""
    assert section("settings") == describe_settings()
