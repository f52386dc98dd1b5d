"""The systemd units, with a path that exists here, as systemd reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import DROP_INS, UNITS

DOCUMENTED = "/opt/bridge/bin/bridge"


@pytest.fixture(scope="module")
def verify():
    """Return what `systemd-analyze verify` says of unit files."""
    program = shutil.which("systemd-analyze")
    missing = "systemd-analyze is not installed: apt-get install systemd"
    if program is None and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if program is None:
        pytest.skip(missing)

    def run(files):
        command = [program, "verify", "--man=no", *files]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False
        )
        return ended.returncode, ended.stderr

    return run


def rendered(directory, **changes):
    """Write the units with this machine's command; return their files."""
    command = Path(sys.executable).with_name("bridge")
    assert command.exists()
    for unit in UNITS:
        text = unit.read_text("utf-8").replace(DOCUMENTED, str(command))
        for old, new in changes.items():
            text = text.replace(old, new)
        (directory / unit.name).write_text(text)
    for file in DROP_INS:
        folder = directory / file.parent.name
        folder.mkdir()
        (folder / file.name).write_text(file.read_text("utf-8"))
    return [directory / unit.name for unit in UNITS]


def test_systemd_accepts_the_units(verify, tmp_path):
    assert verify(rendered(tmp_path)) == (0, "")


def test_systemd_reads_the_drop_ins(verify, tmp_path):
    files = rendered(tmp_path)
    [drop_in] = tmp_path.glob("*.d/*.conf")
    drop_in.write_text(drop_in.read_text().replace("ExecStartPost=/usr", "Exec=/usr"))

    _, said = verify(files)

    assert drop_in.name in said


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Restart=", "Restrat=", "Unknown key"),
        (" serve\n", "/nothing serve\n", "is not executable"),
    ],
)
def test_systemd_would_name_a_mistake(verify, tmp_path, old, new, complaint):
    _, said = verify(rendered(tmp_path, **{old: new}))

    assert complaint in said.replace("key name", "key")


def test_each_unit_has_the_service_user_and_the_settings_file():
    services = [unit for unit in UNITS if unit.suffix == ".service"]

    assert len(services) == 2
    for unit in services:
        lines = unit.read_text("utf-8").splitlines()
        assert "User=bridge" in lines
        assert "Environment=BRIDGE_CONFIG=/etc/bridge/bridge.toml" in lines
        assert any(
            line.startswith("RequiresMountsFor=/var/lib/bridge") for line in lines
        )
