"""Files and directories that this user may not use, or that cannot be made."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys

import pytest

FAILED = "failed"
OTHER = 65_534


class Limited:
    """Runs commands as a user who may not read what belongs to others, root too."""

    def __init__(self, operator):
        self.operator = operator
        self._prefix = []
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("root without setpriv reads everything")
            refused = "-dac_override,-dac_read_search"
            self._prefix = ["setpriv", f"--bounding-set={refused}"]

    def run(self, *arguments):
        return subprocess.run(
            [*self._prefix, sys.executable, "-m", "bridge", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, **self.operator.env},
            check=False,
        )

    def refused(self, *arguments):
        """Run a command that must fail with one line on stderr; return the line."""
        ended = self.run(*arguments)
        assert (ended.returncode, ended.stdout) == (1, "")
        [line] = ended.stderr.splitlines()
        return line

    def cause(self):
        """Return the one line of the doctor that failed."""
        ended = self.run("doctor", "--json")
        assert "Traceback" not in ended.stderr
        [cause] = [one for one in json.loads(ended.stdout) if one["level"] == FAILED]
        return cause


@pytest.fixture
def limited(embedded):
    return Limited(embedded)


def give_away(path):
    """Let a file belong to another user, who alone may use it."""
    if os.geteuid() == 0:
        os.chown(path, OTHER, OTHER)
        return
    # A file that this user can neither make nor read.
    path.unlink()
    path.symlink_to("/etc/shadow")


def test_a_key_ring_of_another_user_is_cured_by_chown(limited):
    path = limited.operator.settings().data_dir / "keys.json"
    give_away(path)

    cause = limited.cause()
    refusal = limited.refused("serve", "--no-worker", "--port", 0)

    cure = f"chown {getpass.getuser()} {path}"
    assert cause["check"] == "key ring"
    assert cure in cause["cure"]
    assert "backup" not in cause["cure"]
    assert f"{path} cannot be used: Permission denied" in refusal
    assert cure in refusal


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.mark.campaign
@only_root
def test_a_database_of_another_user_is_cured_by_chown(limited):
    path = limited.operator.settings().data_dir / "bridge.db"
    give_away(path)

    assert f"chown root {path}" in limited.cause()["cure"]
    assert f"chown root {path}" in limited.refused("user", "list")


@pytest.mark.campaign
@only_root
def test_a_data_directory_of_another_user_is_cured_by_chown(limited):
    directory = limited.operator.settings().data_dir
    give_away(directory)
    directory.chmod(0o700)

    cause = limited.cause()
    refusal = limited.refused("serve", "--no-worker", "--port", 0)

    assert cause["check"] == "data directory"
    assert f"chown -R root {directory}" in cause["cure"]
    assert f"chown -R root {directory}" in refusal


@only_root
def test_commands_that_read_name_a_directory_of_another_user(limited):
    directory = limited.operator.settings().data_dir
    give_away(directory)
    directory.chmod(0o700)

    refusal = limited.refused("user", "list")

    assert f"{directory} cannot be read: Permission denied" in refusal
    assert f"chown -R root {directory}, or run as nobody" in refusal
    assert f"{directory / 'wsdl'} cannot be read" in limited.refused("wsdl", "list")


@only_root
def test_a_directory_above_is_not_to_be_given_away(limited, tmp_path):
    (tmp_path / "home").mkdir()
    give_away(tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    limited.operator.env["BRIDGE_DATA_DIR"] = str(tmp_path / "home" / "data")

    cause = limited.cause()
    refusal = limited.refused("user", "list")

    assert f"{tmp_path / 'home'} is closed to this user" in cause["text"]
    for cure in (cause["cure"], refusal):
        assert f"{tmp_path / 'home'} belongs to nobody" in cure
        assert "or run as nobody" in cure
        assert "chown" not in cure


@only_root
def test_backups_in_a_directory_of_another_user_are_refused(limited, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    give_away(closed)
    closed.chmod(0o700)

    written = limited.refused("db", "backup", closed / "copy.db")
    read = limited.refused("db", "restore", closed / "copy.db", "--replace")

    assert f"{closed / 'copy.db'} cannot be written: Permission denied" in written
    assert f"{closed / 'copy.db'} cannot be read: Permission denied" in read


@only_root
def test_root_is_warned_of_a_file_that_the_service_cannot_read(embedded):
    directory = embedded.settings().data_dir
    for path in (directory, directory / "bridge.db"):
        give_away(path)

    lines = embedded.json("doctor")

    [warning] = [line for line in lines if line["check"] == "data directory"]
    assert warning["level"] == "warning"
    keys = directory / "keys.json"
    assert warning["cure"] == f"chown --reference={directory} {keys}"


def test_a_data_directory_that_cannot_be_made_fails_in_the_doctor_as_in_the_start(
    embedded, tmp_path
):
    (tmp_path / "file").write_text("")
    env = {"BRIDGE_DATA_DIR": str(tmp_path / "file" / "data")}

    ended = embedded.run("doctor", "--json", env=env)
    refusal = embedded.refused("serve", "--no-worker", "--port", 0, env=env)

    [cause] = [one for one in json.loads(ended.stdout) if one["level"] == FAILED]
    assert cause["check"] == "data directory"
    assert f"cannot be made: {tmp_path / 'file'} is no directory" in cause["text"]
    assert f"{tmp_path / 'file' / 'data'} cannot be made: Not a directory" in refusal
    assert "BRIDGE_DATA_DIR" in refusal


def test_a_data_directory_below_one_that_cannot_be_written(limited, tmp_path):
    parent = tmp_path / "closed"
    parent.mkdir()
    parent.chmod(0o500)
    limited.operator.env["BRIDGE_DATA_DIR"] = str(parent / "data")

    cause = limited.cause()
    refusal = limited.refused("serve", "--no-worker", "--port", 0)

    assert f"cannot be made: {parent} cannot be written by this user" in cause["text"]
    assert f"{parent / 'data'} cannot be made: Permission denied" in refusal
