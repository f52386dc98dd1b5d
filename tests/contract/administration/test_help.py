"""Every command explains itself, with an example, and refuses nonsense with 2."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from bridge.cli import COMMANDS, main


def commands():
    """Yield the words of every command and every command group, `bridge` itself too."""
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
    text = " ".join(shown.stdout.split())
    assert f"Usage: {' '.join(('main', *words))}" in text
    assert "Example: " in text
    assert " ".join(("bridge", *words[:1])) in text.split("Example: ")[1]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_an_unknown_option_is_one_line_and_exit_code_2(words):
    ended = CliRunner().invoke(main, [*words, "--nonsense"])

    assert ended.exit_code == 2
    [line] = ended.stderr.splitlines()
    assert "--nonsense" in line
    assert f"{' '.join(('main', *words))} --help" in line


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
