"""The command: its first line, its exit, what it keeps in a file."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import requests
from terminals import on_terminal
from waiting import wait_until

COMMAND = [sys.executable, "-m", "bridge", "sandbox", "--port", "0", "--json"]


def start(folder, *options):
    process = subprocess.Popen(
        [*COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        text=True,
        env=os.environ | {"TMPDIR": str(folder), "HOME": str(folder)},
        start_new_session=True,
    )
    return process, json.loads(process.stdout.readline())


def stop(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait(60)
    return process.communicate()


@pytest.mark.campaign
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_trace(tmp_path, how):
    process, info = start(tmp_path)
    with requests.Session() as session:
        session.get(info["sandboxWsdl"], timeout=120).raise_for_status()

        out, err = stop(process, how)

    assert (process.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_first_line_describes_it(soap, sandbox_info):
    assert list(sandbox_info) == [
        "sandboxUrl",
        "sandboxWsdl",
        "username",
        "password",
        "integrationCode",
    ]
    assert len(sandbox_info["integrationCode"]) == 27
    assert soap.call("getThresholdAndUsageInfo").code == 1


def test_a_file_keeps_records_even_when_the_processes_are_killed(tmp_path, soap):
    one = (
        "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
        "<FirstName>Kept</FirstName><LastName>Here</LastName>"
    )
    process, info = start(tmp_path, "--data", "kept.sqlite")
    client = type(soap)(info["sandboxUrl"], soap.username, soap.password, soap.code)
    with client.session:
        (created,) = client.write("create", "Contact", one).ids
        stored = client.fields("Contact", created)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    process, info = start(tmp_path, "--data", "kept.sqlite")
    client = type(soap)(info["sandboxUrl"], soap.username, soap.password, soap.code)
    with client.session:
        assert client.fields("Contact", created) == stored
        assert client.write("create", "Contact", one).ids == [created + 1]
    stop(process)


def test_a_file_that_is_not_a_database_is_refused_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("these are no records at all\n" * 50)

    done = subprocess.run(
        [*COMMAND, "--data", "notes.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: notes.txt cannot be used")
    assert done.stderr.count("\n") == 1


def test_an_unknown_seed_is_a_usage_error(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--seed", "huge"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert "'huge' is not one of 'hostile', 'million', 'small'" in done.stderr


def run_to_its_end(folder, *options):
    return subprocess.run(
        [*COMMAND, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("path", ["nowhere/record.jsonl", "occupied/record.jsonl"])
def test_a_file_that_cannot_be_recorded_in_is_a_usage_error(tmp_path, path):
    (tmp_path / "occupied").write_text("a file, no folder")

    done = run_to_its_end(tmp_path, "--record", path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Invalid value for --record: ")
    assert path in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.campaign
def test_a_recording_that_fails_later_loses_no_reply(tmp_path, soap):
    (tmp_path / "records").mkdir()
    process, info = start(tmp_path, "--record", "records/all.jsonl")
    client = type(soap)(info["sandboxUrl"], soap.username, soap.password, soap.code)
    with client.session:
        assert client.call("GetWsdlVersion").http.status_code == 200
        (tmp_path / "records").rename(tmp_path / "away")
        for _ in range(2):
            assert client.call("GetWsdlVersion").http.status_code == 200
        (tmp_path / "away").rename(tmp_path / "records")
        assert client.call("GetWsdlVersion").http.status_code == 200

    _, err = stop(process)

    assert err.count("\n") == 1
    assert err.startswith("An exchange is not recorded: ")
    lines = (tmp_path / "records" / "all.jsonl").read_text().splitlines()
    assert [json.loads(line)["operation"] for line in lines] == ["GetWsdlVersion"] * 2


@pytest.mark.campaign
def test_service_time_can_be_utc(tmp_path, own_sandbox):
    gap = "2021-03-14T02:30:00"  # which Eastern time skips
    todo = (
        "<id>0</id><AccountID>0</AccountID><ActionType>1</ActionType>"
        "<AssignedToResourceID>2</AssignedToResourceID>"
        f"<StartDateTime>{gap}</StartDateTime>"
        "<EndDateTime>2021-03-14T10:00:00+02:00</EndDateTime>"
        "<ActivityDescription>Call</ActivityDescription>"
    )
    with own_sandbox("--service-time", "utc", "--data", "utc.sqlite") as soap:
        clock = {"at": "2021-07-01T12:00:00Z", "frozen": True}
        soap.session.post(f"{soap.url}/sandbox/clock", json=clock).raise_for_status()

        made = soap.write("create", "AccountToDo", todo)

        assert made.code == 1, made.errors
        (entity,) = made.entities
        assert entity["StartDateTime"] == gap
        assert entity["EndDateTime"] == "2021-03-14T08:00:00"
        assert entity["CreateDateTime"] == "2021-07-01T12:00:00"

    done = run_to_its_end(tmp_path, "--data", "utc.sqlite")

    assert done.returncode == 1
    assert "made from another data set" in done.stderr


def test_the_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "books.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE books (title TEXT)")
        connection.execute("INSERT INTO books VALUES ('Emma')")
        connection.commit()
    before = path.read_bytes()

    done = run_to_its_end(tmp_path, "--data", path.name)

    assert done.returncode == 1
    assert done.stderr == (
        "Error: books.sqlite is the database of another program; name another file.\n"
    )
    assert path.read_bytes() == before
    assert [kept.name for kept in tmp_path.iterdir()] == [path.name]


def test_what_a_killed_start_left_half_written_is_removed(tmp_path, own_sandbox):
    left, written = (
        tmp_path / f"[kept].sqlite.start.{part}.new" for part in ("left", "written")
    )
    left.write_bytes(b"half")

    with written.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as whoever writes it does
        with own_sandbox("--data", "[kept].sqlite"):
            assert (left.exists(), written.exists()) == (False, True)


def test_stopping_it_while_a_large_data_set_is_made_leaves_no_file(tmp_path):
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [*COMMAND, "--seed", "million", "--cache", str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: any(cache.glob("*.new")))

    out, err = stop(process)

    assert (process.returncode, out) == (1, "")
    assert err == (
        "Making the data set million …\nError: Stopped before the data set million was "
        "ready; nothing half made is left.\n"
    )
    assert list(cache.iterdir()) == []


def test_a_terminal_shows_how_much_of_a_large_data_set_is_made(tmp_path):
    arguments = ("sandbox", "--port", "0", "--seed", "million", "--cache", tmp_path)
    with on_terminal(arguments, env={"COLUMNS": "100"}) as terminal:
        terminal.wait_for("records")
        terminal.wait_for("of 1,050,392")
        terminal.process.send_signal(signal.SIGINT)

        assert terminal.end() == 1

    assert terminal.shown.endswith("nothing half made is left.\r\n")
    assert list(tmp_path.iterdir()) == []
