"""Every command explains itself, with an example, and refuses nonsense with 2."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.cli import COMMANDS, main

SCRIPTS = Path(sys.executable).parent


def run(program, *arguments):
    """Run a program by the name it is installed under."""
    return subprocess.run(
        [SCRIPTS / program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def commands():
    """Yield the names of every command and every command group, `bridge` itself too."""
    yield ()
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, child) for child in command.commands)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_has_a_sentence_and_an_example(words):
    shown = CliRunner().invoke(main, [*words, "--help"])

    assert shown.exit_code == 0
    assert CliRunner().invoke(main, [*words, "-h"]).stdout == shown.stdout
    text = " ".join(shown.stdout.split())
    assert f"Usage: {' '.join(('main', *words))}" in text
    assert "Example: " in text
    assert " ".join(("bridge", *words[:1])) in text.split("Example: ")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_their_own_help_says(name):
    command = main.get_command(click.Context(main), name)

    assert COMMANDS[name] == command.get_short_help_str(limit=1000)


def modules_after(code):
    """Return the names of all modules that a new interpreter has after `code`."""
    code += "\nprint('\\n', *sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stdout.split())


def test_the_list_of_commands_imports_none_of_them():
    modules = modules_after(
        "from bridge.cli import main\n"
        "main(['--help'], prog_name='bridge', standalone_mode=False)"
    )

    assert "bridge.cli" in modules
    assert not [name for name in modules if name.startswith("bridge.cli.commands")]


def test_administration_loads_no_web_framework():
    names = ("db", "doctor", "instance", "key", "user", "worker", "wsdl")
    modules = modules_after(
        "import " + ", ".join(f"bridge.cli.commands.{n}" for n in names)
    )

    assert "bridge.composition" in modules
    assert "flask" not in modules


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_an_unknown_option_is_one_line_and_exit_code_2(words):
    ended = CliRunner().invoke(main, [*words, "--nonsense"])

    assert ended.exit_code == 2
    [line] = ended.stderr.splitlines()
    assert "--nonsense" in line
    assert f"Try '{' '.join(('main', *words))} -h'." in line


@pytest.mark.parametrize("words", [("key",), ("key", "remove")])
def test_help_on_keys_says_that_the_first_one_stays_and_when_others_go(words):
    text = " ".join(CliRunner().invoke(main, [*words, "-h"]).output.split())

    assert "The very first key" in text
    assert "looked up by digests made with it" in text
    assert "a minute" in text


def test_the_two_vocabularies_stand_in_the_help_of_instance_add():
    text = CliRunner().invoke(main, ["instance", "add", "--help"]).stdout

    pairs = {
        "crm.autotask.username": "API username",
        "crm.autotask.password": "API secret",
        "crm.autotask.server.url": "API zone",
        "crm.autotask.integration.code": "API integration code",
    }
    for line in text.splitlines():
        for key in [key for key in pairs if key in line]:
            assert pairs.pop(key) in line
    assert pairs == {}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["servr"],
            "No such command 'servr'. Did you mean '{0} serve' or '{0} user'?",
        ),
        (["start"], "No such command 'start'. '{0} serve' starts the facade."),
        (
            ["--port", "80"],
            (
                "No such option '--port'. Options of a command follow its name. "
                "'{0} serve' starts the facade."
            ),
        ),
    ],
    ids=["a misspelt command", "an unknown command", "an option without its command"],
)
def test_a_wrong_command_line_names_the_right_command(arguments, line):
    ended = run("autotask-bridge", *arguments)

    assert ended.returncode == 2
    expected = line.format("autotask-bridge")
    assert ended.stderr == f"Error: {expected} Try 'autotask-bridge -h'.\n"


@pytest.mark.parametrize("words", [(), ("user", "add")], ids=" ".join)
def test_examples_name_the_program_as_it_was_called(words):
    text = run("autotask-bridge", *words, "-h").stdout

    example = " ".join(text.split()).split("Example: ")[1]
    assert example.startswith(" ".join(("autotask-bridge", *words)))
    assert " bridge " not in text


def test_a_usage_error_of_a_child_process_names_the_program_that_was_called():
    ended = run("autotask-bridge", "serve", "--tls-cert", "x")

    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: --tls-cert and --tls-key go together. Try 'autotask-bridge serve -h'.\n"
    )


def test_the_version_has_a_short_option():
    shown = CliRunner().invoke(main, ["-V"])

    assert shown.stdout == CliRunner().invoke(main, ["--version"]).stdout
    assert "version" in shown.stdout


def complete(shell, script, *words):
    """Return the completions of bash after these words."""
    *_, last = words
    lines = (
        script,
        f"export PATH='{SCRIPTS}':$PATH",
        f"COMP_WORDS=({' '.join(map(repr, words))}) COMP_CWORD={len(words) - 1}",
        f"_{words[0].replace('-', '_')}_completion {words[0]} {last!r}",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    )
    ended = subprocess.run(
        [shell, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_and_options_of_both_names():
    script = run("bridge", "completion", "bash").stdout

    assert complete("bash", script, "bridge", "se") == ["serve"]
    words = ("autotask-bridge", "db", "version", "--")
    assert complete("bash", script, *words) == ["--json", "--help"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_script(shell, tmp_path):
    script = run("bridge", "completion", shell).stdout
    assert "_BRIDGE_COMPLETE=" in script
    assert "_AUTOTASK_BRIDGE_COMPLETE=" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(script)
    first = "autoload -U compinit && compinit -D; " if shell == "zsh" else ""

    ended = subprocess.run(
        [shell, "-c", f"{first}source {file}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert ended.stderr == ""


def test_under_the_second_name_the_first_is_left_to_the_program_that_owns_it():
    script = run("autotask-bridge", "completion", "bash").stdout

    assert "_AUTOTASK_BRIDGE_COMPLETE=" in script
    assert " _BRIDGE_COMPLETE=" not in script
