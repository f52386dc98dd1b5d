"""The commands. Names, flags and exit codes are stable: scripts depend on them.

A command's module is imported when the command runs: the simulator starts without
Flask and the database, the facade without the simulator.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bridge import __version__
from bridge.cli.processes import end_with_input
from bridge.errors import BridgeError
from bridge.store.paths import restrict_new_files

COMMANDS = (
    "config",
    "db",
    "demo",
    "doctor",
    "health",
    "instance",
    "key",
    "sandbox",
    "serve",
    "user",
    "worker",
    "wsdl",
)

_CONFIG = "BRIDGE_CONFIG"

_LOGGING = ("demo", "sandbox", "serve", "worker")
"""Commands that log old names of settings, or that read no settings."""

# A group called without a command shows its help; older click has no error for it.
_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class _Commands(click.Group):
    """Commands by name, each in a module of its own.

    Their expected failures are one line on stderr: exit 1, or 2 for wrong usage.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bridge.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        with _said_in_one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        with _said_in_one_line():
            return super().invoke(ctx)


@contextlib.contextmanager
def _said_in_one_line() -> Iterator[None]:
    try:
        yield
    except _HELP:
        raise
    except click.UsageError as error:
        # Without a context click leaves the usage out, which takes lines.
        path = error.ctx.command_path if error.ctx else "bridge"
        text = f"{_one_line(error.format_message())} Try '{path} --help'."
        raise click.UsageError(text) from error
    except BridgeError as error:
        raise click.ClickException(_one_line(error.message)) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())


@click.group(
    cls=_Commands,
    epilog="Example: bridge demo; or, with a tenant: bridge user add --organization "
    "Northwind --email ann@x.example, bridge instance add --help, bridge serve",
)
@click.version_option(__version__, prog_name="bridge")
@click.option(
    "--config",
    type=click.Path(),
    help="Settings file; else BRIDGE_CONFIG, ./bridge.toml or /etc/bridge/bridge.toml.",
)
@click.option("--until-eof", is_flag=True, hidden=True)
@click.option("--opened", hidden=True)
@click.pass_context
def main(
    ctx: click.Context,
    /,
    *,
    config: str | None,
    until_eof: bool,
    opened: str | None,
) -> None:
    """Serve the retired elements/api-v2 CRM API in front of Autotask."""
    ctx.obj = opened
    _name_settings_file(config)
    restrict_new_files()
    if until_eof:
        end_with_input()
    elif ctx.invoked_subcommand not in _LOGGING:
        # Imported here: the supervisor of `serve` and the simulator stay small.
        importlib.import_module("bridge.cli.old_names").echo_old_names()


def _name_settings_file(config: str | None) -> None:
    """Let this process and its children read the same file, wherever they run."""
    name = os.environ.get(_CONFIG) if config is None else config
    if name is None:
        return
    os.environ[_CONFIG] = name
    # Without a current directory whoever reads the file says so.
    with contextlib.suppress(FileNotFoundError):
        os.environ[_CONFIG] = name and str(Path(name).absolute())
