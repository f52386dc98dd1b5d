"""The demo installed and called with newer versions of Python, where there is one.

Two minutes for each interpreter that is found, most of them the installation.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_demo_runs_with(version, tmp_path):
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    home = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", home], check=True)
    # pip builds beside the sources: the tests of others read them at the same time.
    sources = tmp_path / "bridge"
    shutil.copytree(
        ROOT, sources, ignore=shutil.ignore_patterns(".venv", ".git", "build", "*.egg*")
    )
    subprocess.run([home / "bin/pip", "install", "--quiet", sources], check=True)

    with subprocess.Popen(
        [home / "bin/bridge", "demo", "--json", "--port", "0", "--sandbox-port", "0"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as demo:
        try:
            line = json.loads(demo.stdout.readline())
            records = list_accounts(line)
        finally:
            demo.send_signal(signal.SIGTERM)

    assert demo.returncode == 0
    assert [record["id"] for record in records] == [0, 29683561]


def find_python(version):
    """Return an interpreter: from the path, or from pyenv."""
    found = Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python3")
    for candidate in (shutil.which(f"python{version}"), *sorted(found)):
        # pyenv puts a command on the path for versions that are not chosen, too.
        probe = [candidate, "-c", "import ssl, sqlite3, venv"]
        if (
            candidate
            and subprocess.run(probe, check=False, capture_output=True).returncode == 0
        ):
            return candidate
    return None


def list_accounts(line):
    request = urllib.request.Request(
        f"{line['baseUrl']}/hubs/crm/accounts?pageSize=2&fields=id",
        headers={
            "Authorization": f"User {line['userSecret']}, "
            f"Organization {line['organizationSecret']}, Element {line['elementToken']}"
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
