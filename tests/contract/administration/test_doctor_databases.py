"""`bridge doctor` names problems of databases: damage, rights, no living worker."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text


def examine(operator, **options):
    """Return the doctor's lines by what they looked at."""
    ended = operator.run("doctor", "--json", **options)
    assert "Traceback" not in ended.output
    lines = json.loads(ended.stdout)
    failed = [line for line in lines if line["level"] == "failed"]
    assert ended.exit_code == (1 if failed else 0)
    assert all(line["cure"] for line in lines if line["level"] != "ok")
    return {line["check"]: line for line in lines}


def cause(operator, **options):
    """Return the one line that failed."""
    lines = examine(operator, **options).values()
    [failed] = [line for line in lines if line["level"] == "failed"]
    return failed


def spoil_page(path):
    """Overwrite the middle of a SQLite file; its head stays as it was."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 4] = b"\xff" * (4096 * 3)
    path.write_bytes(content)


def spoil_head(path):
    path.write_bytes(b"this is no database\n" * 500)


@pytest.fixture
def worked(embedded):
    """An installation on SQLite in which a worker has run."""
    with working(embedded):
        pass
    return embedded


@contextmanager
def working(operator):
    """Run a worker; yields its id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "worker", "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, **operator.env},
    )
    try:
        yield json.loads(process.stdout.readline())["worker"]
    finally:
        process.terminate()
        process.wait(120)
        process.stdout.close()


@pytest.mark.parametrize("spoil", [spoil_head, spoil_page])
def test_a_damaged_database(embedded, spoil):
    spoil(embedded.settings().data_dir / "bridge.db")

    found = cause(embedded)
    refusals = [
        embedded.refused("serve", "--no-worker", "--port", 0),
        embedded.refused("user", "list"),
    ]

    file = embedded.settings().data_dir / "bridge.db"
    assert found["check"] == "database"
    assert "restore the backup" in found["cure"]
    for refusal in refusals:
        assert f"{file} cannot be used: it is damaged" in refusal
        assert "restore the backup" in refusal


def test_a_database_without_one_of_its_tables(embedded):
    file = embedded.settings().data_dir / "bridge.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE vendor_call_log")

    found = cause(embedded)

    assert found["check"] == "schema"
    assert found["text"].endswith("but without vendor_call_log")
    assert "restore the backup" in found["cure"]


@pytest.mark.campaign
@pytest.mark.parametrize("spoil", [spoil_head, spoil_page])
def test_a_damaged_database_without_keys(embedded, spoil):
    (embedded.settings().data_dir / "keys.json").unlink()
    spoil(embedded.settings().data_dir / "bridge.db")

    lines = examine(embedded)

    assert "restore the backup" in lines["database"]["cure"]
    assert not (embedded.settings().data_dir / "keys.json").exists()


@pytest.mark.campaign
@pytest.mark.parametrize("spoil", [spoil_head, spoil_page])
def test_damaged_tables_of_the_engine(worked, spoil):
    assert examine(worked)["background work"]["level"] == "ok"
    spoil(worked.settings().data_dir / "jobs.db")

    found = cause(worked)

    assert found["check"] == "background work"
    assert "jobs.db" in found["text"]
    assert "move" in found["cure"]


@pytest.mark.campaign
def test_a_database_locked_by_another_process(embedded):
    file = embedded.settings().data_dir / "bridge.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE key_checks SET id = id")

        found = cause(embedded)

        holder.execute("ROLLBACK")
    assert "end the program that holds" in found["cure"]


@pytest.mark.campaign
def test_a_missing_and_a_living_worker(operator):
    before = examine(operator)["worker"]
    with working(operator) as worker_id:
        during = examine(operator)["worker"]
    after = examine(operator)["worker"]

    assert [line["level"] for line in (before, during, after)] == [
        "warning",
        "ok",
        "warning",
    ]
    assert "bridge worker" in before["cure"]
    assert worker_id in during["text"]


@pytest.fixture
def role(operator):
    """A PostgreSQL role that owns nothing: its operator, its name, and the owner."""
    owner = make_url(operator.env["BRIDGE_DATABASE_URL"])
    name, password = f"role_{secrets.token_hex(6)}", secrets.token_hex(8)
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:

        def run(statement):
            connection.execute(text(statement))

        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        run(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        run(f'GRANT USAGE, CREATE ON SCHEMA "{schema}" TO {name}')
        lesser = owner.set(username=name, password=password)
        url = lesser.render_as_string(hide_password=False)
        operator.env["BRIDGE_DATABASE_URL"] = url
        try:
            yield operator, name, schema, run
        finally:
            run(f"DROP OWNED BY {name} CASCADE")
            run(f"DROP ROLE {name}")
    engine.dispose()


on_postgresql = pytest.mark.parametrize("operator", ["postgresql"], indirect=True)


@on_postgresql
def test_a_role_that_may_only_read(role):
    operator, name, schema, run = role
    run(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {name}')

    found = cause(operator)

    refusal = operator.refused("serve", "--no-worker", "--port", 0)

    assert found["check"] == "writing"
    assert name in found["text"]
    assert "GRANT" in found["cure"]
    assert "disk" not in found["cure"]
    assert "GRANT" in refusal


@pytest.mark.campaign
@on_postgresql
def test_a_role_that_may_not_even_read(role):
    operator, *_ = role

    found = cause(operator)

    assert found["check"] == "database"
    assert "GRANT" in found["cure"]


@pytest.mark.campaign
@on_postgresql
def test_a_role_that_may_use_no_schema(role):
    operator, name, schema, run = role
    run(f'REVOKE ALL ON SCHEMA "{schema}" FROM {name}')

    found = cause(operator)

    assert "no schema" in found["text"]
    assert "USAGE" in found["cure"]


@pytest.mark.campaign
@on_postgresql
def test_a_role_that_may_not_make_the_schema_of_the_engine(role):
    operator, name, schema, run = role
    every = f'ALL TABLES IN SCHEMA "{schema}"'
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {every} TO {name}")

    found = cause(operator)

    assert found["check"] == "background work"
    assert f"{schema}_jobs" in found["text"]
    assert "GRANT CREATE ON DATABASE" in found["cure"]


@on_postgresql
def test_a_database_that_is_not_there(operator):
    url = make_url(operator.env["BRIDGE_DATABASE_URL"]).set(database="not_there")
    env = {"BRIDGE_DATABASE_URL": url.render_as_string(hide_password=False)}

    found = cause(operator, env=env)

    assert found["check"] == "database"
    assert "createdb" in found["cure"]
    assert "createdb" in operator.refused("serve", "--no-worker", "--port", 0, env=env)


@on_postgresql
def test_a_role_that_is_not_there(operator):
    url = make_url(operator.env["BRIDGE_DATABASE_URL"]).set(username="nobody_here")
    env = {"BRIDGE_DATABASE_URL": url.render_as_string(hide_password=False)}

    found = cause(operator, env=env)

    assert "correct name and password" in found["cure"]
    assert "correct name and password" in operator.refused("user", "list", env=env)


@pytest.mark.campaign
@on_postgresql
def test_a_role_that_may_not_connect(role):
    operator, _, _, run = role
    database = make_url(operator.env["BRIDGE_DATABASE_URL"]).database
    run(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC')
    try:
        found = cause(operator)
    finally:
        run(f'GRANT CONNECT ON DATABASE "{database}" TO PUBLIC')

    assert found["check"] == "database"
    assert "GRANT CONNECT" in found["cure"]


@on_postgresql
def test_tls_that_the_server_does_not_speak(operator):
    url = make_url(operator.env["BRIDGE_DATABASE_URL"])
    url = url.update_query_dict({"sslmode": "require"})
    env = {"BRIDGE_DATABASE_URL": url.render_as_string(hide_password=False)}

    assert "sslmode" in cause(operator, env=env)["cure"]


def test_an_installation_without_keys_that_never_started(blank):
    lines = examine(blank)

    assert lines["key ring"]["level"] == "warning"
    assert "the first start makes it" in lines["key ring"]["cure"]
