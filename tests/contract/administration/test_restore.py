"""`bridge db restore`: what it refuses, what it replaces, and what a kill leaves."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.store.database.jobs_database import find_jobs_database

STOPPED = """
import os, pathlib, signal, sys
from bridge.store.database import restore
from bridge.store.secrets.key_ring import KeyRing

how, *paths = sys.argv[1:]
backup, *directories = map(pathlib.Path, paths)
left = 0

def counted(act):
    def step(*arguments, **named):
        global left
        left -= 1
        if left == 0 and how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if left == 0:
            raise OSError(5, "Input/output error")
        return act(*arguments, **named)
    return step

for name in ("fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
for number, directory in enumerate(directories, 1):
    child = os.fork()
    if not child:
        left = number
        keys = KeyRing.find(directory, None)
        try:
            restore.restore(backup, directory / "bridge.db", keys, replace=True)
        finally:
            os._exit(3 if left > 0 else 0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status))
"""
UNREACHED = 3
MOST_STEPS = 42


def emails(operator, **options):
    return [user["email"] for user in operator.json("user", "list", **options)]


def data(operator) -> Path:
    return Path(operator.env["BRIDGE_DATA_DIR"])


@pytest.fixture
def backup(embedded, tmp_path) -> Path:
    """A backup with a first user and durable work; the database has a second one."""
    embedded.add_user("first@northwind.example")
    with embedded.database() as database:
        find_jobs_database(database)
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


def test_a_restore_stores_the_former_database_beside_the_new_one(embedded, backup):
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


def test_a_missing_database_is_restored_without_confirmation(embedded, backup):
    for file in (*data(embedded).glob("bridge.db*"), *data(embedded).glob("jobs.db*")):
        file.unlink()

    printed = embedded.ok("db", "restore", backup)

    assert printed.startswith("Restored ")
    assert emails(embedded) == ["first@northwind.example"]


def test_the_write_ahead_log_is_stored_with_the_former_database(embedded, backup):
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


def test_the_database_itself_is_not_accepted_as_its_backup(embedded, backup):
    file = data(embedded) / "bridge.db"

    assert "itself" in embedded.refused("db", "restore", file, "--replace")
    assert backup.exists()


@pytest.mark.parametrize("name", ["bridge.db", "jobs.db"])
def test_a_symbolic_link_is_refused_and_stays(embedded, backup, tmp_path, name):
    link = data(embedded) / name
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")

    refusal = embedded.refused("db", "restore", backup, "--replace")

    assert f"{link} is a symbolic link to {tmp_path / 'elsewhere'}" in refusal
    assert "nothing was changed" in refusal
    assert link.is_symlink()
    assert len(emails(embedded)) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_that_root_restores_belong_to_the_service_user(embedded, backup):
    for path in (data(embedded), *data(embedded).rglob("*")):
        os.chown(path, 65_534, 65_534)

    embedded.ok("db", "restore", backup, "--replace")

    found = {path: path.stat() for path in data(embedded).rglob("*")}
    assert len(found) >= 6
    assert {(one.st_uid, one.st_gid) for one in found.values()} == {(65_534, 65_534)}


def test_a_marker_that_names_nothing_makes_nothing_lost(embedded, backup):
    (data(embedded) / "restore.unfinished").write_bytes(b"\xff../../etc\0")

    embedded.ok("db", "restore", backup, "--replace")

    [former] = data(embedded).glob("before-restore-*")
    assert read_mark(former) == "newer"
    assert emails(embedded) == ["first@northwind.example"]


def test_a_backup_without_work_removes_that_of_the_former(embedded, backup):
    backup.with_name("copy.jobs.db").unlink()

    embedded.ok("db", "restore", backup, "--replace")

    [former] = data(embedded).glob("before-restore-*")
    assert read_mark(former) == "newer"
    assert not (data(embedded) / "jobs.db").exists()


@pytest.mark.parametrize("operator", ["postgresql"], indirect=True)
def test_postgresql_is_restored_by_its_own_tool(operator, tmp_path):
    assert "pg_restore" in operator.refused("db", "restore", tmp_path / "copy.dump")


def stop_restores(how, backup, directories):
    """Restore in each directory, stopped at the first, second … file operation.

    Returns in how many of them that operation came.
    """
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED, how, backup, *directories],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return len(directories) - ended.stdout.split().count(str(UNREACHED))


@pytest.fixture
def crashed(embedded, backup, tmp_path):
    """A data directory whose last changes are in the write-ahead logs alone."""
    with (
        closing(sqlite3.connect(data(embedded) / "bridge.db")) as database,
        closing(sqlite3.connect(data(embedded) / "jobs.db")) as jobs,
    ):
        for connection in (database, jobs):
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute(
            "UPDATE users SET email = 'log@northwind.example' WHERE email LIKE 'sec%'"
        )
        database.commit()
        jobs.execute("UPDATE mark SET text = 'in the log'")
        jobs.commit()
        shutil.copytree(data(embedded), tmp_path / "crashed")
    for name in ("bridge.db-wal", "jobs.db-wal"):
        assert (tmp_path / "crashed" / name).stat().st_size
    assert backup.exists()
    return tmp_path / "crashed"


@pytest.mark.parametrize("how", ["kill", "fail"])
def test_a_restore_that_is_stopped_keeps_the_former_files_together(
    embedded, backup, crashed, tmp_path, how
):
    copies = [tmp_path / f"stopped-{number}" for number in range(MOST_STEPS)]
    for copy in copies:
        shutil.copytree(crashed, copy)
    stopped = copies[: stop_restores(how, backup, copies)]
    decided = [copy for copy in stopped if (copy / "restore.unfinished").exists()]
    assert 0 < len(decided) < len(stopped) < len(copies)
    # What finishes one is stopped too.
    stop_restores(how, backup, decided)

    for copy in stopped:
        embedded.env["BRIDGE_DATA_DIR"] = str(copy)
        is_decided = (copy / "restore.unfinished").exists()
        if is_decided:
            refusal = embedded.refused("user", "list")
            assert "run the same `bridge db restore` again" in refusal
        if is_decided or not list(copy.glob("before-restore-*")):
            ended = embedded.run("db", "restore", backup, "--replace")
            assert ended.exit_code == 0, ended.output
            [former] = copy.glob("before-restore-*")
            assert f"The former database is in {former}." in ended.stderr
            assert list(copy.glob("restore*")) == []
        [former] = copy.glob("before-restore-*")
        assert_former(former)
        assert emails(embedded) == ["first@northwind.example"]
        assert read_mark(copy) == "backed up"


def assert_former(directory):
    """Require that a directory has the former database with its last changes."""
    with closing(sqlite3.connect(directory / "bridge.db")) as connection:
        found = {email for (email,) in connection.execute("SELECT email FROM users")}
    assert found == {"first@northwind.example", "log@northwind.example"}
    assert read_mark(directory) == "in the log"
