"""All processes of a command read the settings file that it was given."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner
from waiting import wait_until

from bridge.cli import main
from bridge.settings.names import RENAMED

SETTINGS = """
data_dir = "state"
integration_code = "hush"

[log]
level = "debug"
format = "json"

[shutdown]
timeout_s = 5
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "etc" / "bridge.toml"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text(SETTINGS)
    return path


def doctor(file, **env):
    """Return the doctor's lines by what they are about."""
    arguments = ["--config", str(file), "doctor", "--json"]
    ended = CliRunner().invoke(main, arguments, env={"BRIDGE_CONFIG": "", **env})
    return {line["check"]: line for line in json.loads(ended.stdout)}


def test_facade_and_worker_read_the_named_file(file, tmp_path, running):
    log = tmp_path / "log"
    with running(
        "--config",
        os.path.relpath(file, tmp_path),
        *("serve", "--port", "0", "--workers", "1"),
        cwd=tmp_path,
        stderr=log,
        BRIDGE_GOVERNOR_LANES="2",
        BRIDGE_DRAIN_S="4",
    ):
        wait_until(lambda: doctor(file)["worker"]["level"] == "ok")

    assert (file.parent / "state" / "bridge.db").exists()
    assert not (tmp_path / "bridge-data").exists()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    [warning] = [line["event"] for line in lines if "old name" in line["event"]]
    assert "BRIDGE_GOVERNOR_LANES is now BRIDGE_RATE_LIMIT_SLOTS" in warning
    assert "BRIDGE_DRAIN_S is now BRIDGE_SHUTDOWN_TIMEOUT_S" in warning


@pytest.fixture
def running():
    """Return a context manager that runs a command until the block ends."""
    return Running


class Running:
    """A `bridge` command that has printed its first line."""

    def __init__(self, *arguments, cwd, stderr, **env):
        with stderr.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bridge", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=cwd,
                env={**os.environ, **env},
            )

    def __enter__(self):
        assert self._process.stdout.readline()

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate(timeout=120)


def test_the_doctor_names_the_file_and_who_may_read_its_secrets(file):
    lines = doctor(file)
    assert f"read from {file}" in lines["settings"]["text"]
    assert "settings file" not in lines

    file.chmod(0o640)
    assert "settings file" not in doctor(file)

    (file.parent / "state").mkdir(exist_ok=True)
    file.chmod(0o644)
    line = doctor(file)["settings file"]
    assert (line["level"], line["cure"].split(";")[0]) == (
        "warning",
        f"chmod go= {file}",
    )
    assert "integration_code" in line["text"]

    file.chmod(0o660)
    line = doctor(file)["settings"]
    assert line["level"] == "failed"
    assert "may be written by other users" in line["text"]
    assert line["cure"] == f"run `chmod go-w {file}`"


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("postgresql://bridge@/bridge?host=/run/none", False),
        ("postgresql://bridge:hush@127.0.0.1:1/bridge", True),
        ("postgresql://bridge@127.0.0.1:1/bridge?password=hush", True),
    ],
)
def test_a_database_url_may_be_read_by_all_unless_it_has_a_password(file, url, warned):
    file.write_text(
        f'data_dir = "state"\nintegration_code = ""\ndatabase.url = "{url}"'
    )
    file.chmod(0o644)

    assert ("settings file" in doctor(file)) is warned


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_settings_file_of_root_stays_readable_for_who_runs_bridge(file):
    nobody = pwd.getpwnam("nobody")
    file.chmod(0o644)
    unknown = doctor(file)["settings file"]["cure"]

    (file.parent / "state").mkdir(mode=0o700)
    os.chown(file.parent / "state", nobody.pw_uid, nobody.pw_gid)
    cure = doctor(file)["settings file"]["cure"].split(";")[0]

    assert unknown.startswith(f"chgrp GROUP {file} && chmod 0640 {file}, where GROUP")
    subprocess.run(["sh", "-c", cure], check=True)
    status = file.stat()
    assert (status.st_uid, status.st_gid) == (0, nobody.pw_gid)
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert "settings file" not in doctor(file)


def test_the_doctor_knows_old_names_and_names_of_files(file):
    known = {f"BRIDGE_{old.upper()}": "1" for old in RENAMED}
    files = {f"BRIDGE_{name}_FILE": "" for name in ("KEYS", "DATABASE_URL")}

    lines = doctor(file, BRIDGE_DRAINS="1", **known, **files)

    assert lines["environment"]["text"] == "nothing reads BRIDGE_DRAINS"


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_commands_refuse_a_bad_file_in_one_line(file, command):
    file.write_text("rate_limit.slotz = 3")

    ended = subprocess.run(
        [sys.executable, "-m", "bridge", "--config", str(file), command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"Error: {file}: there is no key rate_limit.slotz; did you mean "
        "rate_limit.slots?\n"
    )
