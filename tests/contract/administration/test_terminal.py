"""What commands show on a terminal, and that no program in a pipe ever sees it."""

from __future__ import annotations

import re

import pytest
from terminals import on_terminal, output_terminal

from bridge.cli import main
from bridge.store.organizations import log_in

ESCAPE = "\x1b"
NAME = "[bold]Nörth[/bold] \x1b[31mred \nthe second line of it"
SHOWN = r"[bold]Nörth[/bold] \x1b[31mred \nthe second line of it"


@pytest.fixture
def named(embedded):
    """An operator whose only user has an organization of a hostile name."""
    embedded.user = embedded.json(
        *("user", "add", "--organization", NAME, "--password", "correct horse"),
        *("--email", "an-address-too-long-for-its-column@northwind.example"),
    )
    return embedded


@pytest.fixture
def show(named, monkeypatch):
    """Run a command whose stdout is a terminal; return the lines that it shows."""

    def run(*arguments, **env):
        terminal = {"TERM": "xterm-256color", "COLUMNS": "80", "NO_COLOR": ""}
        for name, value in {**named.env, **terminal, **env}.items():
            monkeypatch.setenv(name, value)
        with output_terminal() as (stream, read):
            monkeypatch.setattr("sys.stdout", stream)
            main.main(list(map(str, arguments)), "bridge", standalone_mode=False)
            return read().splitlines()

    return run


def test_a_terminal_gets_a_table_that_fits_and_cuts_nothing(named, show):
    lines = show("user", "list", COLUMNS="60", NO_COLOR="1")

    text = "".join(lines)
    assert ESCAPE not in text
    assert max(map(len, lines)) <= 60
    assert "…" not in text
    start, end = lines[0].index("e-mail"), lines[0].index("organization")
    assert "".join(line[start:end].strip() for line in lines[2:]) == named.user["email"]
    assert str(named.user["id"]) in text


def test_colours_are_for_terminals_that_want_them(named, show):
    coloured = show("doctor")
    plain = show("doctor", NO_COLOR="1")
    dumb = show("doctor", TERM="dumb")

    assert any(line.startswith(f"{ESCAPE}[32mok") for line in coloured)
    assert any(line.startswith(f"{ESCAPE}[33mwarning") for line in coloured)
    assert ESCAPE not in "".join((*plain, *dumb))
    assert plain == dumb == named.ok("doctor").splitlines()


def test_a_pipe_gets_a_record_a_line_in_padded_columns(named):
    header, line = named.ok("user", "list").splitlines()

    assert header.split() == ["id", "e-mail", "organization", "name", "active"]
    assert line.index(SHOWN) > header.index("organization")
    assert line.split()[0] == str(named.user["id"])
    assert line.split()[-1] == "yes"


def test_an_error_cannot_steer_a_terminal_either(named):
    line = named.refused("user", "show", "\x1b[31mred")

    assert line == r"Error: There is no user \x1b[31mred."


def test_what_a_terminal_cannot_encode_is_printed_as_an_escape(named):
    ended = named.process("user", "list", env={"PYTHONIOENCODING": "cp1251"})

    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"N\xf6rth" in ended.stdout


def test_a_secret_is_copied_from_a_narrow_terminal_as_one_text(named, show):
    lines = show("user", "show", named.user["id"], "--secrets", COLUMNS="40")

    shown = "\n".join(lines)
    assert named.user["userSecret"] in shown
    assert named.user["organizationSecret"] in shown
    assert SHOWN in shown


def test_settings_are_copied_from_a_narrow_terminal_as_one_text(named, show, tmp_path):
    file = tmp_path / "a-directory-with-quite-a-long-name" / "bridge.toml"
    file.parent.mkdir()
    file.touch(mode=0o600)
    url = f"https://{'crm.' * 20}example.com"
    file.write_text(f'public_url = "{url}"\nlog.level = "debug"')

    lines = show("config", NO_COLOR="1", BRIDGE_CONFIG=str(file))

    assert lines[0] == f"Settings file: {file}"
    row = next(i for i, line in enumerate(lines) if line.startswith("public_url"))
    assert lines[row : row + 3] == ["public_url", f'    "{url}"', "    settings file"]
    [level] = [line.split() for line in lines if line.startswith("log.level")]
    assert level == ["log.level", '"debug"', "settings", "file"]
    # Only what is too long by itself, such as the path of a test's folder, is wider.
    wide = [line.strip() for line in lines[1:] if len(line) > 80]
    assert f'"{url}"' in wide
    assert [line for line in wide if re.search(r" {2,}", line)] == []


def test_a_new_password_is_typed_twice_and_one_that_exists_once(named):
    change = ("user", "set-password", named.user["id"])
    with on_terminal(change, env=named.env) as terminal:
        terminal.wait_for("Password for logging in: ")
        terminal.type("battery staple")
        terminal.wait_for("Repeat for confirmation: ")
        terminal.type("battery staple")
        assert terminal.end() == 0
        assert "battery" not in terminal.shown
    with named.database() as database:
        assert log_in(
            database,
            email=named.user["email"],
            password="battery staple",
            lifetime_s=60,
        )

    add = (
        *("instance", "add", "--user", "nobody", "--name", "PSA"),
        *("--username", "api@northwind.example", "--zone", "webservices3"),
    )
    with on_terminal(add, env=named.env) as terminal:
        terminal.wait_for("Password of the API user: ")
        terminal.type("battery staple")
        assert terminal.end() == 1
        assert "Error: There is no user nobody." in terminal.shown
        assert "Repeat" not in terminal.shown
