"""What keeps a server from starting is said once, soon, and with the cure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from sqlalchemy import text

from bridge.composition import open_database
from bridge.settings import Settings


@pytest.fixture
def ends(tmp_path):
    """Run a command that is to end by itself; returns exit code, stderr and time."""

    def ends(*arguments, env=None):
        begun = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={
                **os.environ,
                "BRIDGE_DATA_DIR": str(tmp_path / "data"),
                **(env or {}),
            },
            check=False,
        )
        assert ended.stdout == ""
        return ended.returncode, ended.stderr, time.monotonic() - begun

    return ends


@pytest.fixture
def taken():
    """A port that is in use."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["serve", "--port"], "--port"),
        (["sandbox", "--port"], "--port"),
        *(
            pytest.param(*command, marks=pytest.mark.campaign)
            for command in (
                (["serve", "--no-worker", "--port"], "--port"),
                (["demo", "--sandbox-port", 0, "--port"], "--port"),
                (["demo", "--port", 0, "--sandbox-port"], "--sandbox-port"),
            )
        ),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_a_port_in_use_is_one_line_with_the_cure(ends, taken, command, option):
    code, said, took_s = ends(*command, taken)

    assert code == 1
    [line] = said.splitlines()
    assert line.startswith(f"Error: 127.0.0.1:{taken} is in use")
    assert f"another {option}" in line
    assert took_s < 50


@pytest.mark.campaign
@pytest.mark.parametrize(
    "host", ["192.0.2.1", "nowhere.invalid", "a..b", "2001:db8::1"]
)
def test_a_host_of_another_machine_is_one_line_with_the_cure(ends, host):
    code, said, _ = ends("serve", "--port", 0, "--host", host)

    assert code == 1
    [line] = said.splitlines()
    assert f"{host} is not an address of this machine" in line
    assert "--host" in line


@pytest.mark.campaign
def test_an_empty_host_does_not_mean_all(ends):
    code, said, _ = ends("serve", "--port", 0, "--host", "")

    assert (code, len(said.splitlines())) == (1, 1)
    assert "--host is empty" in said


@pytest.mark.campaign
@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", 99999],
        ["serve", "--port", -5],
        ["serve", "--threads", 0],
        ["serve", "--workers", 0],
        ["serve", "--tls-cert", "x.pem"],
        ["sandbox", "--port", 99999],
        ["demo", "--port", -1],
        ["demo", "--port", 4711, "--sandbox-port", 4711],
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_wrong_usage_is_one_line_and_exit_code_2(ends, arguments):
    code, said, _ = ends(*arguments)

    assert code == 2
    assert len(said.splitlines()) == 1


@pytest.mark.campaign
@pytest.mark.parametrize(
    "command",
    [["serve", "--port", 0], ["worker"]],
    ids=lambda command: " ".join(map(str, command)),
)
def test_a_newer_schema_is_reported_once(ends, tmp_path, command):
    settings = Settings(data_dir=tmp_path / "data")
    with closing(open_database(settings)) as database:
        database.upgrade()
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    code, said, _ = ends(*command)

    assert code == 1
    [line] = said.splitlines()
    assert "schema 9999" in line


@pytest.mark.campaign
def test_a_demo_repeats_no_error_of_its_facade(ends, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "keys.json").write_text("no ring")

    code, said, _ = ends(
        *("demo", "--port", 0, "--sandbox-port", 0, "--data-dir", tmp_path / "data")
    )

    assert code == 1
    [line] = said.splitlines()
    assert "keys.json is no key ring" in line


@pytest.mark.campaign
def test_a_folder_that_cannot_be_made_is_one_line(ends, tmp_path):
    (tmp_path / "file").write_text("")

    code, said, _ = ends(
        *("demo", "--port", 0, "--sandbox-port", 0),
        *("--data-dir", tmp_path / "file" / "below"),
    )

    assert (code, len(said.splitlines())) == (1, 1)
    assert "cannot be made" in said


@pytest.mark.campaign
def test_a_file_in_the_place_of_a_folder_of_ours_is_one_line(ends, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metrics").write_text("")

    code, said, _ = ends("serve", "--port", 0)

    assert (code, len(said.splitlines())) == (1, 1)
    assert "metrics cannot be used" in said


@pytest.mark.campaign
def test_a_demo_with_a_damaged_state_file_is_one_line(ends, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo.json").write_text("{")

    code, said, _ = ends(
        *("demo", "--port", 0, "--sandbox-port", 0, "--data-dir", tmp_path / "data")
    )

    assert (code, len(said.splitlines())) == (1, 1)
    assert "demo.json cannot be read" in said


@pytest.mark.campaign
def test_a_stop_before_it_serves_ends_all_of_it(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--port", "0"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "BRIDGE_DATA_DIR": str(tmp_path / "data")},
    )
    try:
        time.sleep(0.6)
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    finally:
        process.kill()
        process.wait()
