"""Opening, upgrading and refusing a database."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, select, text
from sqlalchemy.schema import CreateTable

from bridge.errors import ConfigurationError, StoreError
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.models import metadata
from bridge.store.organizations import add_tenant
from bridge.store.secrets.key_ring import KeyRing

STARTER = """
import sys
from pathlib import Path
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.database.engine import Database
from bridge.store.organizations import add_tenant

db = Database.open(sys.argv[1], keys=KeyRing.load(Path(sys.argv[2]), None))
db.upgrade()
for number in range(3):
    tenant = add_tenant(
        db, organization="x", email=f"{sys.argv[3]}-{number}", password="y"
    )
    print(tenant.user.organization_id, tenant.user.account_id, tenant.user.id)
db.close()
"""


def test_first_start_makes_private_directory_and_files(data_dir):
    keys = KeyRing.load(data_dir, None)
    Database.open(database_url(data_dir, None), keys=keys).close()

    modes = {path.name: path.stat().st_mode & 0o777 for path in data_dir.iterdir()}
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert modes == {"keys.json": 0o600, "bridge.db": 0o600}


def test_journal_files_of_sqlite_are_private_too(data_dir, keys):
    db = Database.open(database_url(data_dir, None), keys=keys)
    db.upgrade()

    assert {path.stat().st_mode & 0o777 for path in data_dir.iterdir()} == {0o600}
    assert (data_dir / "bridge.db-wal").exists()
    db.close()


def test_a_second_opening_leaves_the_first_its_locks(data_dir, keys):
    """Without them another process that closes last removes the journal in use."""
    url = database_url(data_dir, None)
    first = Database.open(url, keys=keys)
    first.upgrade()
    with first.read() as connection:
        connection.execute(text("SELECT 1 FROM users")).all()

        second = Database.open(url, keys=keys)
        subprocess.run(
            [sys.executable, "-c", STARTER, url, str(data_dir), "other"], check=True
        )

        assert (data_dir / "bridge.db-wal").exists()
    second.close()
    first.close()


def test_directory_with_odd_characters_holds_its_database(tmp_path):
    data_dir = tmp_path / "Büro @ 50%20?#"

    keys = KeyRing.load(data_dir, None)
    Database.open(database_url(data_dir, None), keys=keys).close()

    assert (data_dir / "bridge.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "sqlite:///x.db?hush=1",
        "mysql://u:hush@h/d",
        "hush",
        "postgresql+psycopg://u:x@y:hush@127.0.0.1:1/d",
        "postgresql+psycopg://u:x@hush@127.0.0.1:1/d",
        "postgresql+psycopg://u:x@y/hush@127.0.0.1:1/d",
        "postgresql+psycopg://u:p@h:hush/d",
        "postgresql+psycopg://u:hush",
        "postgresql+psycopg://u:hush@[::1/d",
    ],
)
def test_url_of_another_kind_is_refused_without_repeating_it(url, keys):
    with pytest.raises(ConfigurationError) as caught:
        Database.open(url, keys=keys)

    assert "hush" not in str(caught.value)
    assert "write @ as %40" in str(caught.value)


def test_password_of_the_url_is_not_in_the_repr(keys):
    url = "postgresql+psycopg://user:hush@127.0.0.1:1/none"

    with pytest.raises(StoreError) as caught:
        Database.open(url, keys=keys)

    assert "hush" not in str(caught.value)


def test_configured_url_wins_and_makes_no_directory(tmp_path):
    assert database_url(tmp_path / "data", "sqlite:///x.db") == "sqlite:///x.db"
    assert not (tmp_path / "data").exists()


def test_sqlite_runs_with_the_pragmas_that_keep_it_safe(data_dir, keys):
    db = Database.open(database_url(data_dir, None), keys=keys)
    names = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]

    with db.read() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]

    assert found == ["wal", 1, 1, 30_000]
    db.close()


def test_migrations_make_exactly_the_declared_tables(db):
    with db.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def everything(database):
    """Return the schema, and all rows of all tables, as the database has them."""
    with database.read() as connection:
        found = MetaData()
        found.reflect(connection)
        return (
            [str(CreateTable(table)) for table in found.sorted_tables],
            sorted(
                (table.name, index.name, [column.name for column in index.columns])
                for table in found.sorted_tables
                for index in table.indexes
            ),
            {
                table.name: sorted(map(repr, connection.execute(select(table))))
                for table in found.sorted_tables
            },
        )


def test_upgrade_twice_changes_nothing(fresh_db):
    add_tenant(
        fresh_db, organization="Twice", email="ann@twice.example", password="correct"
    )
    before = everything(fresh_db)
    assert len(before[2]["users"]) == 1

    fresh_db.upgrade()

    assert everything(fresh_db) == before


def test_schema_older_than_the_program_is_named_with_both_versions(url, keys):
    db = Database.open(url, keys=keys)

    with pytest.raises(StoreError, match=r"schema none, this program needs \d{4}"):
        db.check_schema()
    db.close()


def test_schema_newer_than_the_program_is_refused_with_both_versions(
    url, fresh_db, keys
):
    with fresh_db.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for start in (
        lambda: Database.open(url, keys=keys),
        fresh_db.upgrade,
        fresh_db.check_schema,
    ):
        with pytest.raises(StoreError, match=r"schema 9999, .* up to \d{4}"):
            start()


def test_other_keys_stop_the_start_and_change_nothing(url, fresh_db, tmp_path):
    before = _dump(fresh_db)
    others = KeyRing.load(tmp_path / "elsewhere", None)

    with pytest.raises(ConfigurationError, match="key ring is not the one"):
        Database.open(url, keys=others)

    fresh_db.keys = others
    with pytest.raises(ConfigurationError, match="key ring is not the one"):
        fresh_db.upgrade()
    assert _dump(fresh_db) == before


def test_ring_that_lost_its_newest_key_is_refused(url, tmp_path):
    old = {"id": "old", "key": base64.b64encode(b"o" * 32).decode()}
    new = {"id": "new", "key": base64.b64encode(b"n" * 32).decode()}
    whole, rest = (
        KeyRing.load(tmp_path, json.dumps({"keys": keys, "digest": "old"}))
        for keys in ([new, old], [old])
    )
    db = Database.open(url, keys=whole)
    db.upgrade()
    db.close()

    with pytest.raises(ConfigurationError, match="key ring is not the one"):
        Database.open(url, keys=rest)


def test_starter_with_other_keys_loses_the_race_for_an_empty_database(
    url, keys, tmp_path
):
    first = Database.open(url, keys=keys)
    second = Database.open(url, keys=KeyRing.load(tmp_path / "elsewhere", None))
    first.upgrade()

    with pytest.raises(ConfigurationError):
        second.upgrade()
    first.close()
    second.close()


def test_starters_at_once_share_keys_and_schema_and_get_ids_of_their_own(url, tmp_path):
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, url, str(tmp_path / "new"), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    results = [starter.communicate(timeout=120) for starter in starters]

    assert [starter.returncode for starter in starters] == [0, 0, 0], results
    rows = [line.split() for out, _ in results for line in out.splitlines()]
    first_ids = [5501, 41201, 60301]
    for column, first_id in zip(zip(*rows, strict=True), first_ids, strict=True):
        assert sorted(map(int, column)) == list(range(first_id, first_id + 9))
    assert [path.name for path in Path(tmp_path / "new").glob("*keys*")] == [
        "keys.json"
    ]


def test_failed_transaction_leaves_no_trace(db):
    def delete_and_fail():
        with db.begin() as connection:
            connection.execute(text("DELETE FROM key_checks"))
            connection.execute(text("INSERT INTO leases (key) VALUES ('half')"))

    with pytest.raises(StoreError, match="refused"):
        delete_and_fail()

    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM key_checks")).scalar() == 1


def test_error_of_the_database_quotes_no_value(db):
    insert = text("INSERT INTO leases VALUES (:key, 'me', '2020-01-01 00:00:00+00')")

    def insert_once():
        with db.begin() as connection:
            connection.execute(insert, {"key": "hush"})

    insert_once()
    with pytest.raises(StoreError) as caught:
        insert_once()

    assert "hush" not in str(caught.value)


def _dump(db):
    with db.read() as connection:
        return {
            table.name: connection.execute(select(table)).all()
            for table in metadata.tables.values()
        }
