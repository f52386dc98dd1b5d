"""`bridge db`: versions, upgrades, and copies made under writers."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import text

from bridge.errors import ConfigurationError
from bridge.store.database.backup import back_up
from bridge.store.database.jobs_database import find_jobs_database
from bridge.store.instances import add_instance, get_instance

COPIES = 4


def test_an_upgrade_says_from_where_to_where(blank):
    operator = blank
    first = operator.ok("db", "upgrade")
    second = operator.ok("db", "upgrade")
    versions = operator.json("db", "version")

    assert first == f"Upgraded from schema none to {versions['program']}.\n"
    assert second == f"The database has schema {versions['program']} already.\n"
    assert versions["database"] == versions["program"]


def test_an_older_schema_is_refused_with_the_cure_by_the_other_commands(operator):
    operator.ok("db", "upgrade")
    with operator.database() as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    assert "schema 0001" in operator.refused("user", "list")
    assert operator.json("db", "version")["database"] == "0001"


@pytest.mark.campaign
def test_a_newer_schema_is_refused_by_every_command(operator):
    operator.ok("db", "upgrade")
    with operator.database() as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for command in (["db", "upgrade"], ["db", "version"], ["user", "list"]):
        assert "schema 9999" in operator.refused(*command)


def test_a_copy_made_under_writers_is_whole_and_opens(embedded, tmp_path):
    user = embedded.add_user()
    stop, made, errors = threading.Event(), [], []

    def write():
        try:
            with embedded.database() as database:
                while not stop.is_set():
                    instance = add_instance(
                        database,
                        user_id=user["id"],
                        element_key="autotaskcrm",
                        name="x" * 200,
                        tags=["a", "b"],
                        configuration={"crm.autotask.password": "secret"},
                        zone=None,
                    )
                    made.append(instance)
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while len(made) < 20 and not errors:
        time.sleep(0.01)
    before = len(made)
    target = tmp_path / "copy.db"
    printed = embedded.ok("db", "backup", target)
    stop.set()
    thread.join()

    assert errors == []
    assert str(target) in printed
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == [
        "copy.db"
    ]
    copied = {"BRIDGE_DATABASE_URL": f"sqlite:///{target}"}
    listed = embedded.json("instance", "list", env=copied)
    assert before <= len(listed) <= len(made)
    embedded.env |= copied
    with embedded.database() as database:
        for instance in made[:before]:
            assert get_instance(database, instance.id) == instance
    with closing(sqlite3.connect(target)) as connection:
        counted = "SELECT count(*) FROM instance_tags GROUP BY instance_id"
        assert set(connection.execute(counted)) == {(2,)}


def test_a_copy_never_replaces_a_file(embedded, tmp_path):
    embedded.add_user()
    target = tmp_path / "kept.db"
    target.write_text("mine")

    assert "exists" in embedded.refused("db", "backup", target)
    assert target.read_text() == "mine"


def test_a_copy_that_cannot_be_written_is_said(embedded, tmp_path):
    embedded.add_user()

    refusal = embedded.refused("db", "backup", tmp_path / "nowhere" / "copy.db")

    assert "cannot be written" in refusal


@pytest.mark.parametrize("name", ["", "new/.."])
def test_a_copy_needs_a_name(embedded, name):
    refusal = embedded.refused("db", "backup", name, code=2)

    assert f"'{name}' is not the name of a file" in refusal


def test_a_name_that_is_too_long_is_said(embedded, tmp_path):
    target = tmp_path / ("x" * 300)

    refusal = embedded.refused("db", "backup", target)

    assert f"{target} cannot be written: File name too long; name a sh" in refusal
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_of_copies_to_one_name_at_once_one_is_written(embedded, tmp_path):
    embedded.add_user()
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    together = threading.Barrier(COPIES, timeout=120)

    def copy(_number):
        with embedded.database() as database:
            find_jobs_database(database)
            together.wait()
            try:
                return back_up(database, target)
            except ConfigurationError as error:
                return error.message

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(copy, range(COPIES)))

    pair = [target.with_name("copy.jobs.db"), target]
    refused = [answer for answer in answers if "exists; name a new file" in answer]
    assert len(refused) == COPIES - 1
    assert pair in answers
    assert sorted(target.parent.iterdir()) == sorted(pair)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)


def test_the_draft_of_a_killed_backup_is_removed_by_the_next(embedded, tmp_path):
    abandoned = tmp_path / ".bridge-backup.killed.part"
    used = tmp_path / ".bridge-backup.used.part"
    abandoned.touch()
    with used.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        embedded.ok("db", "backup", tmp_path / "copy.db")

    assert not abandoned.exists()
    assert used.exists()


def test_a_file_system_without_hard_links_has_copies_too(
    embedded, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "link", refuse_link)
    embedded.add_user()
    embedded.ok("db", "backup", tmp_path / "copy.db")
    embedded.add_user("second@northwind.example")

    embedded.ok("db", "restore", tmp_path / "copy.db", "--replace")

    assert len(embedded.json("user", "list")) == 1
    [former] = (tmp_path / "data").glob("before-restore-*")
    kept = {"BRIDGE_DATABASE_URL": f"sqlite:///{former / 'bridge.db'}"}
    assert len(embedded.json("user", "list", env=kept)) == 2
    assert "exists" in embedded.refused("db", "backup", tmp_path / "copy.db")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["copy.db", "data"]


def refuse_link(*_arguments, **_named):
    """Answer as file systems do that have no hard links."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("operator", ["postgresql"], indirect=True)
def test_postgresql_is_left_to_its_own_tool(operator, tmp_path):
    operator.ok("db", "upgrade")

    assert "pg_dump" in operator.refused("db", "backup", tmp_path / "copy.dump")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:hunter@x:secretpart@127.0.0.1:5432/d",
        *(
            pytest.param(url, marks=pytest.mark.campaign)
            for url in (
                "postgresql+psycopg://u:hunter@127.0.0.1:secretpart/d",
                "sqlite://:memory:",
            )
        ),
    ],
)
def test_a_url_that_cannot_be_read_is_one_line_without_any_part_of_it(embedded, url):
    refusal = embedded.dies("db", "version", env={"BRIDGE_DATABASE_URL": url})

    assert "BRIDGE_DATABASE_URL" in refusal
    assert "%40" in refusal
    for part in ("hunter", "secretpart", ":memory:"):
        assert part not in refusal


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("operator", ["postgresql"], indirect=True)
def test_a_url_as_hosting_platforms_write_it(operator, scheme):
    url = operator.env["BRIDGE_DATABASE_URL"].partition("://")[2]
    env = {"BRIDGE_DATABASE_URL": f"{scheme}://{url}&sslmode=prefer"}

    assert operator.json("user", "list", env=env) == []


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "mysql"])
def test_a_url_of_another_driver_is_refused_by_name(embedded, scheme):
    env = {"BRIDGE_DATABASE_URL": f"{scheme}://user:hush@127.0.0.1/bridge"}

    refusal = embedded.refused("user", "list", env=env)

    assert f"BRIDGE_DATABASE_URL is {scheme}://" in refusal
    assert "hush" not in refusal


@pytest.mark.campaign
def test_a_driver_that_is_not_installed_is_named_with_its_cure(embedded, tmp_path):
    (tmp_path / "psycopg.py").write_text("raise ImportError('not here')")
    env = {
        "BRIDGE_DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1:1/d",
        "PYTHONPATH": str(tmp_path),
    }

    assert "bridge[postgres]" in embedded.dies("db", "version", env=env)
