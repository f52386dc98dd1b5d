"""The calls of the README, pasted into a shell, answer what the README shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^    \$ (curl .*)\n    (.*)$", README, re.MULTILINE)


def settled(value):
    """Blank what differs from run to run: new ids, and the times of new records."""
    if isinstance(value, list):
        return [settled(item) for item in value]
    new = value.get("id", 0) >= 29_700_000
    moving = ("id", "createDate", "lastActivityDate", "lastModifiedDate")
    return {
        name: "…" if new and name in moving else item for name, item in value.items()
    }


def test_there_are_three_calls():
    assert len(CALLS) == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(("command", "shown"), CALLS)
def test_a_call_answers_what_is_shown(unchanged_demo, command, shown):
    line = unchanged_demo
    secrets = (
        f"User {line['userSecret']}, Organization {line['organizationSecret']}, "
        f"Element {line['elementToken']}"
    )
    preset = f"AUTH='Authorization: {secrets}'; CRM={line['baseUrl']}/hubs/crm; "

    ended = subprocess.run(
        ["sh", "-c", preset + command],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    got, expected = json.loads(ended.stdout), json.loads(shown)
    if isinstance(got, list):
        got = [record for record in got if record["id"] < 29_700_000]
    assert settled(got) == settled(expected)
