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
def test_a_call_returns_what_is_shown(unchanged_demo, command, shown):
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


def connecting():
    """Return the commands that connect a real Autotask, each with what it shows."""
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
    """As they stand, but for the Autotask: its place and API user are the simulator's.

    What is typed besides is the integration code, in the editor, and passwords.
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
        # A file named by the tests' own environment would come first.
        shell.type("unset BRIDGE_CONFIG")
        for command, shown in connecting():
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
