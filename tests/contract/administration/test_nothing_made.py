"""Commands that need an installation make none: they say where they looked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import create_engine, make_url, text

LOGIN = ("--username", "api@x.example", "--password", "secret")
PLACE = ("--zone", "webservices3")
COMMANDS = [
    ["user", "list"],
    ["user", "show", "1"],
    ["user", "remove", "1", "--yes"],
    [*("user", "add", "--organization-id", "1"), "--email", "a@b.example", *LOGIN[2:]],
    ["instance", "list"],
    ["instance", "show", "1"],
    ["instance", "test", "--all"],
    ["instance", "trace", "1"],
    ["instance", "remove", "1", "--yes"],
    ["instance", "add", "--user", "1", "--name", "x", *LOGIN, *PLACE],
    ["key", "list"],
    ["key", "add"],
    ["key", "rotate"],
    ["key", "remove", "5e0cb2a1"],
    ["db", "version"],
    ["db", "version", "--json"],
    ["db", "backup", "copy.db"],
    ["wsdl", "refresh", "--instance", "1"],
    ["serve", "--no-worker", "--no-init", "--port", "0"],
    ["worker", "--no-init"],
]
WITHOUT = [["wsdl", "list"], ["doctor"], ["instance", "import", "file.json", "--check"]]
IMPORT = {
    "organizations": [
        {
            "name": "Northwind",
            "secret": "5f2b8c11d3a94e0796c0a1b2c3d4e5f6",
            "users": [],
            "instances": [],
        }
    ]
}


def schemas_and_tables(url):
    """Return how many schemas, and tables of any kind, are those of an installation."""
    engine = create_engine(url)
    with engine.connect() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        named = {"schema": f"{schema}%"}
        tables = (
            "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text "
            "LIKE :schema"
        )
        schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE :schema"
        found = [
            len(connection.execute(text(statement), named).all())
            for statement in (schemas, tables)
        ]
    engine.dispose()
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, the present and the home directory."""
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(place))
    return place


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_an_installation_a_command_says_where_it_looked(
    blank, folder, tmp_path, command
):
    refusal = blank.refused(*command)

    assert "There is no installation of Bridge here" in refusal
    url = blank.env.get("BRIDGE_DATABASE_URL")
    if url:
        parts = make_url(url)
        assert f"@{parts.host}" in refusal
        assert f"/{parts.database} (BRIDGE_DATABASE_URL)" in refusal
        assert "search_path" not in refusal
        assert schemas_and_tables(url) == [1, 0]
    else:
        assert f"{tmp_path / 'data'} (BRIDGE_DATA_DIR) does not exist" in refusal
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize("command", WITHOUT, ids=" ".join)
def test_a_command_that_works_without_an_installation_makes_none(
    blank, folder, tmp_path, command
):
    (folder / "file.json").write_text(json.dumps(IMPORT))

    ended = blank.run(*command)

    assert ended.exit_code == (1 if command == ["doctor"] else 0)
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "file.json"]
    if url := blank.env.get("BRIDGE_DATABASE_URL"):
        assert schemas_and_tables(url) == [1, 0]


def test_the_default_data_directory_is_named_as_such(blank, folder):
    env = {"BRIDGE_DATA_DIR": None, "BRIDGE_DATABASE_URL": None}

    refusal = blank.refused("user", "list", env=env)

    named = f"{folder / 'bridge-data'} (the default of BRIDGE_DATA_DIR) does not exist"
    assert named in refusal
    assert list(folder.iterdir()) == []


def test_a_data_directory_of_a_settings_file_is_named_as_such(blank, folder):
    file = folder / "bridge.toml"
    file.touch(mode=0o600)
    file.write_text('data_dir = "elsewhere"')
    env = {
        "BRIDGE_CONFIG": str(file),
        "BRIDGE_DATA_DIR": None,
        "BRIDGE_DATABASE_URL": None,
    }

    refusal = blank.refused("user", "list", env=env)

    named = f"{folder / 'elsewhere'} (data_dir in {file}) does not exist"
    assert named in refusal


def test_a_file_that_cannot_be_imported_makes_no_installation(blank, folder, tmp_path):
    (folder / "file.json").write_text('{"organizations": [{}]}')

    blank.refused("instance", "import", "file.json")

    assert not (tmp_path / "data").exists()
    if url := blank.env.get("BRIDGE_DATABASE_URL"):
        assert schemas_and_tables(url) == [1, 0]


def test_a_file_that_can_be_imported_makes_one(blank, folder):
    (folder / "file.json").write_text(json.dumps(IMPORT))

    blank.ok("instance", "import", "file.json")

    assert blank.json("user", "list") == []


def test_keys_without_their_database_are_said(embedded):
    file = embedded.settings().data_dir / "bridge.db"
    file.unlink()

    refusal = embedded.refused("db", "backup", "copy.db")

    assert "has keys.json but no bridge.db; restore it from its backup" in refusal
    assert not file.exists()


@pytest.mark.parametrize("content", ["", "of another program"])
def test_a_file_without_our_tables_stays_as_it_is(embedded, content):
    file = embedded.settings().data_dir / "bridge.db"
    file.unlink()
    if content:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE others (id INTEGER)")
    else:
        file.touch()
    before = file.read_bytes()

    assert "bridge.db (BRIDGE_DATA_DIR) has no tables of Bridge" in embedded.refused(
        "user", "list"
    )

    assert file.read_bytes() == before


def test_a_database_file_that_was_configured_is_named(embedded, tmp_path):
    env = {"BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}

    refusal = embedded.refused("user", "list", env=env)

    assert f"{tmp_path / 'other.db'} (BRIDGE_DATABASE_URL) does not exist" in refusal
    assert not (tmp_path / "other.db").exists()
