"""A read-only file system is named as the cause, rather than mode or owner."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest


@pytest.fixture
def mounted(embedded, disk, tmp_path):
    """An installation on a disk that is mounted read-only, and a backup elsewhere."""
    embedded.ok("db", "backup", tmp_path / "copy.db")
    shutil.move(embedded.env["BRIDGE_DATA_DIR"], disk / "data")
    embedded.env["BRIDGE_DATA_DIR"] = str(disk / "data")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    return embedded


def test_commands_and_doctor_name_a_read_only_disk(mounted, disk, tmp_path):
    refusals = [
        mounted.refused("user", "list"),
        mounted.refused("db", "restore", tmp_path / "copy.db", "--replace"),
        mounted.refused("serve", "--no-worker", "--port", 0),
    ]
    ended = mounted.run("doctor", "--json")

    cure = f"its file system is read-only: mount {disk} writable"
    for refusal in refusals:
        assert cure in refusal
        assert "chmod" not in refusal
    [line] = [one for one in json.loads(ended.stdout) if one["level"] == "failed"]
    assert line["cure"] == cure


def test_a_place_that_cannot_be_made_there_is_named(mounted, disk):
    mounted.env["BRIDGE_DATA_DIR"] = str(disk / "new")

    refusal = mounted.refused("serve", "--no-worker", "--port", 0)
    ended = mounted.run("doctor", "--json")

    cure = f"mount {disk} writable, or set BRIDGE_DATA_DIR to another"
    assert cure in refusal
    [line] = [one for one in json.loads(ended.stdout) if one["level"] == "failed"]
    assert cure in line["cure"]


def test_a_backup_there_is_refused(embedded, disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    refusal = embedded.refused("db", "backup", disk / "copy.db")

    assert f"{disk / 'copy.db'} cannot be written: Read-only file system" in refusal
    assert f"mount {disk} writable" in refusal
