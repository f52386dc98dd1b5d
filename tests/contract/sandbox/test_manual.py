"""The commands of docs/simulator.md that call control endpoints."""

import re
import shlex
from pathlib import Path

import pytest
import requests

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"
COMMANDS = re.findall(
    r"^    (curl .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_accepted(soap, steer, command):
    _curl, option, value, address = shlex.split(command)
    url = address.replace("http://127.0.0.1:8081", soap.url)
    headers = {"Content-Type": "application/json"}
    body = value if option == "--json" else ""

    response = requests.post(url, body, headers=headers, timeout=30)

    assert response.ok, response.text
    steer("DELETE", "usage")


def test_the_page_has_commands():
    assert len(COMMANDS) == 5
