"""A key ring that is missing or unreadable: one line, the cure, and nothing is made."""

from __future__ import annotations

import json
import shutil

import pytest

COMMANDS = [
    ["db", "version"],
    ["db", "upgrade"],
    ["user", "list"],
    ["key", "list"],
]


def key_ring(operator):
    return operator.settings().data_dir / "keys.json"


def cause(operator):
    """Return the one line of the doctor that failed."""
    lines = json.loads(operator.run("doctor", "--json").stdout)
    [failed] = [line for line in lines if line["level"] == "failed"]
    return failed


@pytest.mark.campaign
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_makes_keys_beside_a_database_that_others_sealed(operator, command):
    key_ring(operator).unlink()

    refusal = operator.refused(*command)

    assert "Restore that keys.json" in refusal
    assert not key_ring(operator).exists()


def test_serving_without_the_keys_leaves_the_diagnosis_as_it_was(operator):
    key_ring(operator).unlink()
    before = cause(operator)

    refusal = operator.dies("serve", "--port", 0)

    assert "Restore that keys.json" in refusal
    assert not key_ring(operator).exists()
    assert cause(operator) == before


@pytest.mark.campaign
@pytest.mark.parametrize("operator", ["postgresql"], indirect=True)
def test_a_second_machine_plants_no_keys_of_its_own(operator, tmp_path):
    operator.env["BRIDGE_DATA_DIR"] = str(tmp_path / "second machine")

    refusal = operator.dies("worker")

    assert "copy it from the machine that has it" in refusal
    assert not key_ring(operator).exists()
    assert cause(operator)["check"] == "key ring"


@pytest.mark.campaign
def test_keys_that_came_back_open_everything_again(operator, tmp_path):
    operator.add_user()
    kept = shutil.move(key_ring(operator), tmp_path / "kept.json")
    operator.refused("user", "list")

    shutil.move(kept, key_ring(operator))

    assert len(operator.json("user", "list")) == 1


def test_the_first_start_makes_keys_once(blank):
    blank.ok("db", "upgrade")
    made = key_ring(blank).read_bytes()

    blank.ok("user", "list")

    assert key_ring(blank).read_bytes() == made


@pytest.mark.parametrize(
    "content",
    [b'{"keys\xff', b"\xff\xfe\x00", b"[" * 100_000, b"", b"[]", b'{"keys": 1}'],
    ids=["no UTF-8", "no text", "nested", "empty", "a list", "no keys"],
)
def test_a_file_that_is_not_a_key_ring(embedded, content):
    key_ring(embedded).write_bytes(content)

    refusal = embedded.refused("db", "version")

    assert str(key_ring(embedded)) in refusal
    assert key_ring(embedded).read_bytes() == content


@pytest.mark.campaign
def test_a_setting_that_is_not_a_key_ring(embedded):
    refusal = embedded.dies("db", "version", env={"BRIDGE_KEYS": "[" * 100_000})

    assert "BRIDGE_KEYS is no key ring" in refusal
