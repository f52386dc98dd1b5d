"""The lines of the README, entered into a shell, do what the README shows."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from ports import find_free_port
from terminals import command_on_terminal

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^    \$ (curl .*)\n    (.*)$", README, re.MULTILINE)


def without_new_values(value):
    """Blank what differs from run to run: ids and times of new records."""
    if isinstance(value, list):
        return [without_new_values(item) for item in value]
    new = value.get("id", 0) >= 29_700_000
    changing = ("id", "createDate", "lastActivityDate", "lastModifiedDate")
    return {
        name: "…" if new and name in changing else item for name, item in value.items()
    }


def test_there_are_three_calls():
    assert len(CALLS) == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(("command", "shown"), CALLS)
def test_a_request_returns_what_the_readme_shows(unchanged_demo, command, shown):
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
    assert without_new_values(got) == without_new_values(expected)


def connect_commands():
    """Return the commands that connect a real Autotask, each with its output."""
    [block] = re.findall(r"<!-- connect -->(.*?)<!-- /connect -->", README, re.DOTALL)
    commands = []
    for line in block.strip("\n").splitlines():
        text = line.removeprefix("    ")
        if text.startswith("$ "):
            commands.append((text[2:], []))
        else:
            commands[-1][1].append(text)
    return commands


def test_four_commands_connect_an_autotask(demo, tmp_path):
    """Unchanged but for address and API user, which are the simulator's.

    Typed besides: the integration code, in the editor, and passwords.
    """
    port = find_free_port()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    editor = tmp_path / "editor"
    code = f'integration_code = "{demo["integrationCode"]}"'
    editor.write_text(f"#!/bin/sh\nsed -i 's/^#integration_code = .*/{code}/' $1\n")
    editor.chmod(0o755)
    env = {
        "EDITOR": str(editor),
        "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
        "INPUTRC": "/dev/null",
    }
    typed = {
        "Password for logging in:": "a new password",
        "Repeat for confirmation:": "a new password",
        "Password of the API user:": demo["password"],
    }
    values = {}

    with command_on_terminal(["bash", "--norc"], env=env, cwd=tmp_path) as shell:
        # A settings file named by the environment of the tests would take precedence.
        shell.type("unset BRIDGE_CONFIG")
        for command, shown in connect_commands():
            shell.shown = ""
            shell.type(
                command.replace("api@northwind.example", demo["username"])
                .replace("--zone webservices3", f"--server-url {demo['sandboxUrl']}")
                .replace("bridge serve", f"bridge serve --port {port}")
            )
            for line in shown:
                name = line if line in typed else re.match(r"[\w-]+", line)[0]
                shell.wait_for(f"{name}")
                if line in typed:
                    shell.type(typed[line])
                elif re.fullmatch(r"\w+ {2,}\S+", line):
                    values[name] = shell.read_value(name)
        base_url = f"http://127.0.0.1:{port}/elements/api-v2"
        request = urllib.request.Request(
            f"{base_url}/hubs/crm/accounts?pageSize=1",
            headers={
                "Authorization": f"User {values['userSecret']}, "
                f"Organization {values['organizationSecret']}, "
                f"Element {values['token']}"
            },
        )
        shell.wait_for(f"Serving {base_url}")
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert len(json.load(answer)) == 1
        shell.type("\x03exit")
        assert shell.end() == 0

    assert (tmp_path / "bridge.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "bridge-data" / "keys.json").exists()
