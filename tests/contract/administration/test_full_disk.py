"""A full disk is named by commands, by the doctor and while serving."""

from __future__ import annotations

import json
import logging
import os
import shutil
from contextlib import closing, suppress
from itertools import count

import pytest

from bridge.app import create_app
from bridge.composition import open_database
from bridge.store.database import availability
from bridge.store.organizations import add_tenant

CURE = "its disk is full"
TRIES = 500


@pytest.fixture
def crowded(embedded, disk):
    """An installation on a disk of its own, and what fills the disk."""
    data = disk / "data"
    shutil.move(embedded.env["BRIDGE_DATA_DIR"], data)
    embedded.env["BRIDGE_DATA_DIR"] = str(data)

    def fill():
        with (disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)

    return embedded, fill


def test_commands_and_doctor_name_a_full_disk(crowded, tmp_path):
    operator, fill = crowded
    fill()

    refusals = [
        operator.refused("user", "list"),
        operator.refused("db", "backup", tmp_path / "copy.db"),
        operator.refused("serve", "--no-worker", "--port", 0),
    ]
    ended = operator.run("doctor", "--json")

    for refusal in refusals:
        assert str(operator.settings().data_dir / "bridge.db") in refusal
        assert CURE in refusal
        assert "make room" in refusal
        assert "backup:" not in refusal
    lines = {line["check"]: line for line in json.loads(ended.stdout)}
    assert "make room" in lines["disk"]["cure"]
    assert CURE in lines["database"]["text"]
    assert "make room" in lines["database"]["cure"]


def test_a_copy_onto_a_full_disk_names_it(crowded, tmp_path, disk):
    operator, fill = crowded
    shutil.move(operator.env["BRIDGE_DATA_DIR"], tmp_path / "kept")
    fill()

    env = {"BRIDGE_DATA_DIR": str(tmp_path / "kept")}
    refusal = operator.refused("db", "backup", disk / "copy.db", env=env)

    assert str(disk / "copy.db") in refusal
    assert CURE in refusal
    assert [path.name for path in disk.iterdir()] == ["fill"]


def test_a_restore_on_a_full_disk_changes_nothing(crowded, tmp_path, disk):
    operator, fill = crowded
    operator.ok("db", "backup", tmp_path / "copy.db")
    fill()
    # Space for the copy, but not for the write-ahead log of its reader.
    size = (tmp_path / "copy.db").stat().st_size
    os.truncate(disk / "fill", (disk / "fill").stat().st_size - size - 8192)
    before = sorted(path.name for path in (disk / "data").iterdir())

    refusal = operator.refused("db", "restore", tmp_path / "copy.db", "--replace")

    assert f"There is no room in {disk / 'data'}" in refusal
    assert "nothing was changed; make room on its disk" in refusal
    assert "partial" not in refusal
    assert sorted(path.name for path in (disk / "data").iterdir()) == before


def test_a_key_ring_on_a_full_disk_leaves_no_draft(crowded, disk):
    operator, fill = crowded
    shutil.rmtree(disk / "data")
    (disk / "data").mkdir()
    fill()

    refusal = operator.refused("serve", "--no-worker", "--port", 0)

    assert "keys.json cannot be used: No space left on device" in refusal
    assert list((disk / "data").iterdir()) == []


def test_callers_and_log_name_a_full_disk_until_it_has_space(crowded, disk, caplog):
    operator, fill = crowded
    caplog.set_level(logging.INFO)
    settings = operator.settings()
    with closing(open_database(settings)) as database:
        tenant = add_tenant(
            database, organization="N", email="a@b.example", password="p"
        )
    application = create_app(settings)
    client = application.test_client()
    headers = {
        "Authorization": f"User {tenant.user_secret}, "
        f"Organization {tenant.organization_secret}"
    }

    names = map(str, count())

    def rename():
        path = f"/elements/api-v2/users/{tenant.user.id}"
        return client.patch(path, headers=headers, json={"firstName": next(names)})

    assert rename().status_code == 200
    fill()
    # The last block of the journal has space for a few.
    answers = (rename() for _ in range(TRIES))
    refused = next(answer for answer in answers if answer.status_code != 200)
    listed = client.get("/elements/api-v2/elements", headers=headers)
    (disk / "fill").unlink()
    accepted = rename()
    context = application.extensions["bridge"]
    context.request_log.flush()
    context.database.close()

    assert refused.status_code == 502
    assert refused.json["message"].startswith("The disk of Bridge's database is full")
    assert listed.status_code == 200
    assert accepted.status_code == 200
    said = [r.getMessage() for r in caplog.records if r.name == availability.__name__]
    assert len(said) == 2
    assert CURE in said[0]
    assert "can be used again" in said[1]
