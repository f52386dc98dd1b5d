"""`bridge config`: what is in effect and why, and a file to begin with."""

from __future__ import annotations

import json
import re
import stat

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.settings import Settings, load_settings

RING = json.dumps({"keys": [{"id": "a", "key": "aHVz" * 10 + "aHU="}], "digest": "a"})
URL = "postgresql+psycopg://ann:hush@db.example:5432/bridge"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs `bridge config` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run_config(*arguments, code=0, **env):
        result = CliRunner().invoke(
            main,
            ["config", *map(str, arguments)],
            env={"BRIDGE_CONFIG": "", **env},
        )
        assert result.exit_code == code, result.output
        return result

    return run_config


def values(text):
    """Return value and source by setting."""
    rows = (re.split(r"  +", line) for line in text.splitlines()[2:])
    return {row[0]: tuple(row[1:]) for row in rows}


def write(path, text):
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_every_setting_is_shown_with_its_value_and_its_source(run, tmp_path):
    write(tmp_path / "code", "hush")
    file = write(
        tmp_path / "bridge.toml",
        "integration_code_file = 'code'\n[rate_limit]\nslots = 5\nlease_s = 8",
    )

    output = run(
        BRIDGE_CONFIG="bridge.toml",
        BRIDGE_RATE_LIMIT_SLOTS="6",
        BRIDGE_TIMEZONE="UTC",
        BRIDGE_DATABASE_URL=URL,
        BRIDGE_KEYS=RING,
    ).stdout

    assert output.splitlines()[0] == f"Settings file: {file}"
    shown = values(output)
    assert len(shown) == len(Settings.model_fields)
    assert shown["rate_limit.slots"] == ("6", "environment BRIDGE_RATE_LIMIT_SLOTS")
    assert shown["rate_limit.lease_s"] == ("8", "settings file")
    assert shown["log.level"] == ('"info"', "default")
    assert shown["autotask.timezone"] == (
        '"UTC"',
        "environment BRIDGE_TIMEZONE (old name)",
    )
    assert shown["integration_code"] == ('"********"', f"file {tmp_path}/code")
    assert shown["keys"] == ('"********"', "environment BRIDGE_KEYS")
    assert shown["database.url"][0] == f'"{URL.replace("hush", "********")}"'
    assert "hush" not in output


def test_json_has_the_same_with_types(run, tmp_path):
    by_group = json.loads(run("--json").stdout)
    by_show = json.loads(run("show", "--json").stdout)

    assert by_group == by_show
    assert by_show["file"] is None
    rows = {row.pop("key"): row for row in by_show["settings"]}
    assert rows["http.max_headers"] == {
        "variable": "BRIDGE_HTTP_MAX_HEADERS",
        "value": 100,
        "source": "default",
    }
    assert rows["trusted_proxies"]["value"] == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db/bridge", "postgresql://db/bridge"),
        ("postgresql://ann@db/bridge", "postgresql://ann@db/bridge"),
        ("sqlite:////var/lib/bridge.db", "sqlite:////var/lib/bridge.db"),
        ("postgresql:///b?password=hush", "postgresql:///b?password=********"),
        (
            "postgresql://ann:hush@/b?host=/run/pg&pass%77ord=hush&sslmode=require",
            "postgresql://ann:********@/b?host=/run/pg&********&sslmode=require",
        ),
        (
            "postgresql:///b?host=db&sslpassword=hush&port=5433&new=hush",
            "postgresql:///b?host=db&sslpassword=********&port=5433&new=********",
        ),
        ("postgresql:///b?host=db;hush", "postgresql:///b?host=********"),
        ("postgresql:///b?hush", "postgresql:///b?********"),
        ("postgresql://ann:hu/hush@db/b", "********"),
        ("postgresql://ann:hu#hush@db/b", "********"),
    ],
)
def test_nothing_secret_of_a_database_url_is_shown(run, url, shown):
    output = values(run(BRIDGE_DATABASE_URL=url).stdout)

    assert output["database.url"][0] == f'"{shown}"'


@pytest.mark.parametrize(
    "url", ["hush", "mysql://ann:hush@db/b", "postgresql://ann:hu@hush@db/b"]
)
def test_a_database_url_of_another_form_is_refused_and_its_place_named(
    run, tmp_path, url
):
    write(tmp_path / "b.toml", f"[database]\nurl = '{url}'")

    for output, place in (
        (run(code=1, BRIDGE_DATABASE_URL=url).stderr, "BRIDGE_DATABASE_URL"),
        (
            run(code=1, BRIDGE_CONFIG="b.toml").stderr,
            f"database.url in {tmp_path}/b.toml",
        ),
    ):
        assert output.startswith(f"Error: {place} ")
        assert "must be postgresql://" in output
        assert "hush" not in output
        assert len(output.splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["hush", '{"keys": []}', '{"keys":[],"digest":"hush"}']
)
def test_a_key_ring_of_another_form_is_refused_and_its_place_named(run, tmp_path, text):
    file = write(tmp_path / "ring", text)
    settings = write(tmp_path / "b.toml", "keys_file = 'ring'")

    for output, place in (
        (run(code=1, BRIDGE_KEYS=text).stderr, "BRIDGE_KEYS"),
        (run(code=1, BRIDGE_KEYS_FILE="ring").stderr, f"{file} (BRIDGE_KEYS_FILE)"),
        (
            run(code=1, BRIDGE_CONFIG="b.toml").stderr,
            f"{file} ({settings}: keys_file)",
        ),
    ):
        assert output.startswith(f"Error: {place} ")
        assert "hush" not in output
        assert len(output.splitlines()) == 1


def test_the_first_line_says_where_a_file_was_looked_for(run, tmp_path):
    looked = run(BRIDGE_CONFIG=None).stdout.splitlines()[0]

    if "none" in looked:
        assert looked.startswith("Settings file: none, looked for ")
        assert f"{tmp_path}/bridge.toml and /etc/bridge/bridge.toml" in looked
    assert run().stdout.startswith("Settings file: none, because BRIDGE_CONFIG is")


def test_showing_makes_nothing(run, tmp_path):
    run(BRIDGE_DATA_DIR=str(tmp_path / "data"))

    assert list(tmp_path.iterdir()) == []


def test_an_invalid_setting_is_one_line_and_exit_code_1(run):
    output = run("show", code=1, BRIDGE_RATE_LIMIT_SLOTS="0").stderr

    assert output.startswith("Error: BRIDGE_RATE_LIMIT_SLOTS must be greater than")
    assert len(output.splitlines()) == 1


def test_the_file_of_init_sets_nothing_until_it_is_edited(run, tmp_path, monkeypatch):
    run("init")

    [file] = tmp_path.iterdir()
    assert file.name == "bridge.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("BRIDGE_CONFIG", "bridge.toml")
    loaded = load_settings()
    assert loaded.file == file
    assert set(loaded.sources.values()) == {"default"}


def test_each_line_of_the_file_of_init_is_a_setting_at_its_default(
    run, tmp_path, monkeypatch
):
    run("init", "mine.toml")
    file = tmp_path / "mine.toml"

    file.write_text(re.sub(r"(?m)^#(?=\w)", "", file.read_text()))

    monkeypatch.setenv("BRIDGE_CONFIG", str(file))
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {str(file)}


def test_init_never_overwrites(run, tmp_path):
    file = write(tmp_path / "bridge.toml", "log.level = 'debug'")

    output = run("init", code=1).stderr

    assert output == f"Error: {file} exists; remove it, or name another file.\n"
    assert file.read_text() == "log.level = 'debug'"
    assert list(tmp_path.iterdir()) == [file]


def test_init_writes_the_file_that_is_named_otherwise(run, tmp_path):
    run("init", BRIDGE_CONFIG="other.toml")

    assert [path.name for path in tmp_path.iterdir()] == ["other.toml"]


def test_init_needs_a_directory(run, tmp_path):
    output = run("init", "etc/bridge.toml", code=1).stderr

    assert f"run `mkdir -p {tmp_path}/etc`." in output


def test_init_into_a_directory_that_takes_no_files(run):
    output = run("init", "/proc/bridge.toml", code=1).stderr

    assert "name another file" in output
    assert len(output.splitlines()) == 1
