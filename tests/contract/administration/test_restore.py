"""`bridge db restore`: what it refuses, what it replaces, and what a kill leaves."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.store.jobhome import find_home

KILLED = """
import os, pathlib, signal, sys
from bridge.store import restore
from bridge.store.crypto import KeyRing

backup, *directories = map(pathlib.Path, sys.argv[1:])
left = 0
flush, replace = os.fsync, pathlib.Path.replace

def counted(act):
    def step(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*arguments)
    return step

os.fsync, pathlib.Path.replace = counted(flush), counted(replace)
for number, directory in enumerate(directories, 1):
    child = os.fork()
    if not child:
        left = number
        keys = KeyRing.find(directory, None)
        restore.restore(backup, directory / "bridge.db", keys, replace=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
"""
MOST_STEPS = 14


def emails(operator, **options):
    return [user["email"] for user in operator.json("user", "list", **options)]


def data(operator) -> Path:
    return Path(operator.env["BRIDGE_DATA_DIR"])


@pytest.fixture
def backup(embedded, tmp_path) -> Path:
    """A backup with a first user and durable work; the database has a second one."""
    embedded.add_user("first@northwind.example")
    with embedded.database() as database:
        find_home(database)
    mark_jobs(embedded, "backed up")
    embedded.ok("db", "backup", tmp_path / "copy.db")
    embedded.add_user("second@northwind.example")
    mark_jobs(embedded, "newer")
    return tmp_path / "copy.db"


def mark_jobs(operator, text):
    with closing(sqlite3.connect(data(operator) / "jobs.db")) as jobs:
        jobs.execute("CREATE TABLE IF NOT EXISTS mark (text)")
        jobs.execute("DELETE FROM mark")
        jobs.execute("INSERT INTO mark VALUES (?)", (text,))
        jobs.commit()


def read_mark(directory):
    with closing(sqlite3.connect(directory / "jobs.db")) as jobs:
        return jobs.execute("SELECT text FROM mark").fetchone()[0]


def test_a_backup_replaces_the_database_which_is_kept(embedded, backup):
    result = embedded.run("db", "restore", backup, "--replace")

    assert result.exit_code == 0, result.output
    assert emails(embedded) == ["first@northwind.example"]
    assert read_mark(data(embedded)) == "backed up"
    [former] = data(embedded).glob("before-restore-*")
    assert str(former) in result.stderr
    kept = {"BRIDGE_DATABASE_URL": f"sqlite:///{former / 'bridge.db'}"}
    assert len(emails(embedded, env=kept)) == 2
    assert read_mark(former) == "newer"
    for file in ("bridge.db", "jobs.db"):
        assert (data(embedded) / file).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in data(embedded).glob("restore*")] == []


def test_a_lost_database_is_restored_without_being_asked_twice(embedded, backup):
    for file in (*data(embedded).glob("bridge.db*"), *data(embedded).glob("jobs.db*")):
        file.unlink()

    printed = embedded.ok("db", "restore", backup)

    assert printed.startswith("Restored ")
    assert emails(embedded) == ["first@northwind.example"]


def test_what_only_the_write_ahead_log_holds_is_kept_with_the_former(embedded, backup):
    with closing(sqlite3.connect(data(embedded) / "jobs.db")) as jobs:
        jobs.execute("PRAGMA wal_autocheckpoint = 0")
        jobs.execute("UPDATE mark SET text = 'in the log'")
        jobs.commit()
        crashed = data(embedded).parent / "crashed"
        shutil.copytree(data(embedded), crashed)
    embedded.env["BRIDGE_DATA_DIR"] = str(crashed)

    embedded.ok("db", "restore", backup, "--replace")

    [former] = crashed.glob("before-restore-*")
    assert read_mark(former) == "in the log"
    assert read_mark(crashed) == "backed up"


def test_an_existing_database_is_not_replaced_unless_that_is_wanted(embedded, backup):
    assert "--replace" in embedded.refused("db", "restore", backup)
    assert len(emails(embedded)) == 2


@pytest.mark.parametrize("used", ["bridge.db", "jobs.db"])
def test_a_database_in_use_is_refused(embedded, backup, used):
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    program += "c.execute('SELECT * FROM sqlite_master').fetchall(); print(1); "
    program += "sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, data(embedded) / used],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        refusal = embedded.refused("db", "restore", backup, "--replace")
        process.stdin.close()

    assert "is in use; nothing was changed; stop `bridge serve`" in refusal
    assert len(emails(embedded)) == 2
    assert list(data(embedded).glob("*restore*")) == []


def damage(backup, _operator):
    content = bytearray(backup.read_bytes())
    content[8192:60_000] = b"x" * (60_000 - 8192)
    backup.write_bytes(content)


def truncate(backup, _operator):
    backup.write_bytes(backup.read_bytes()[:10_000])


def garble(backup, _operator):
    backup.write_bytes(b"certainly no database" * 1000)


def damage_jobs(backup, operator):
    garble(backup.with_name("copy.jobs.db"), operator)


def empty(backup, _operator):
    backup.write_bytes(b"")


def make_newer(backup, _operator):
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def seal_otherwise(backup, _operator):
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE key_checks SET text_digest = x'00'")
        connection.commit()


def lose_keys(_backup, operator):
    (data(operator) / "keys.json").rename(data(operator) / "elsewhere")


def remove(backup, _operator):
    backup.unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damage, "cannot be restored"),
        (truncate, "cannot be restored"),
        (garble, "file is not a database"),
        (damage_jobs, "copy.jobs.db cannot be restored"),
        (empty, "not one of Bridge"),
        (make_newer, "schema 9999"),
        (seal_otherwise, "key ring is not the one"),
        (lose_keys, "keys.json does not exist"),
        (remove, "There is no file"),
    ],
)
def test_an_unusable_backup_is_refused_and_nothing_changes(
    embedded, backup, spoil, reason
):
    spoil(backup, embedded)
    before = {
        path.name: path.read_bytes()
        for path in data(embedded).iterdir()
        if path.name.endswith(".db")
    }

    assert reason in embedded.refused("db", "restore", backup, "--replace")

    for name, content in before.items():
        assert (data(embedded) / name).read_bytes() == content
    assert list(data(embedded).glob("*restore*")) == []


def test_without_an_installation_nothing_is_made(embedded, backup, tmp_path):
    embedded.env["BRIDGE_DATA_DIR"] = str(tmp_path / "new")

    assert "keys.json does not exist" in embedded.refused("db", "restore", backup)
    assert not (tmp_path / "new").exists()


def test_a_new_machine_needs_the_key_ring_and_the_backup_only(
    embedded, backup, tmp_path
):
    (tmp_path / "new").mkdir()
    shutil.copy(data(embedded) / "keys.json", tmp_path / "new")
    embedded.env["BRIDGE_DATA_DIR"] = str(tmp_path / "new")

    embedded.ok("db", "restore", backup)

    assert emails(embedded) == ["first@northwind.example"]


def test_the_database_itself_is_no_backup(embedded, backup):
    file = data(embedded) / "bridge.db"

    assert "itself" in embedded.refused("db", "restore", file, "--replace")
    assert backup.exists()


@pytest.mark.parametrize("operator", ["postgresql"], indirect=True)
def test_postgresql_is_restored_by_its_own_tool(operator, tmp_path):
    assert "pg_restore" in operator.refused("db", "restore", tmp_path / "copy.dump")


def test_a_killed_restore_loses_nothing_and_is_finished_by_the_next(
    embedded, backup, tmp_path
):
    copies = [tmp_path / f"killed-{number}" for number in range(MOST_STEPS)]
    for copy in copies:
        shutil.copytree(data(embedded), copy)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, backup, *copies],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    signals = [int(line) for line in ended.stdout.split()]
    # Enough steps: the last of the directories was restored to the end.
    assert signals.count(9) >= 8
    assert signals[-1] == 0

    interrupted = 0
    for copy, signal in zip(copies, signals, strict=True):
        embedded.env["BRIDGE_DATA_DIR"] = str(copy)
        listed = embedded.run("user", "list")
        if listed.exit_code:
            assert "run the same `bridge db restore` again" in listed.stderr
            interrupted += 1
        if signal:
            embedded.ok("db", "restore", backup, "--replace")
        assert emails(embedded) == ["first@northwind.example"]
        assert read_mark(copy) == "backed up"
        assert is_kept(copy)
    assert 0 < interrupted < len(copies)


def is_kept(directory):
    """Tell whether the former files are in one of the directories beside."""
    found = set()
    for former in directory.glob("before-restore-*"):
        if (former / "bridge.db").exists():
            with closing(sqlite3.connect(former / "bridge.db")) as connection:
                found.add(connection.execute("SELECT count(*) FROM users").fetchone())
        if (former / "jobs.db").exists():
            found.add(read_mark(former))
    return {(2,), "newer"} <= found
