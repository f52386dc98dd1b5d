"""The commands. Names, flags and exit codes are stable: scripts depend on them.

A command's module is imported when the command runs, which keeps `--version` and
`health` fast and the simulator free of Flask and the database.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge import __version__
from bridge.cli.processes import end_with_input
from bridge.cli.visible_text import visible
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "completion": "Print the completion script of a shell, for the shell to source.",
    "config": "Show the settings in effect and where each comes from, or write a file.",
    "db": "Upgrade, back up and restore the database.",
    "demo": "Run simulator and facade here, with a demo user and instance.",
    "doctor": (
        "Check settings, data directory, keys, database and the connection to Autotask."
    ),
    "health": (
        "Check that a server or worker on this host runs; exit 0 when it does, else 1."
    ),
    "instance": "Manage instances: the connections to Autotask behind element tokens.",
    "key": "Generate a key ring; list, add, rotate and remove its keys.",
    "sandbox": "Serve a simulated Autotask for any SOAP client.",
    "serve": "Serve elements/api-v2 until SIGTERM or Ctrl-C, and do background work.",
    "user": "Manage the users whose secrets callers send.",
    "worker": "Run background jobs until SIGTERM or Ctrl-C.",
    "wsdl": "List, fetch and compare service descriptions.",
}
"""The commands and what each does, known without importing its module."""

_CONFIG = "BRIDGE_CONFIG"

_LOGGING_COMMANDS = ("demo", "sandbox", "serve", "worker")
"""Commands that log deprecated variables themselves, or that read no settings."""
_SECOND_NAME = "autotask-bridge"
_NAME = re.compile(r"(?<![-\w])bridge (?=[a-z])")

# A group without a command shows its help; older releases of click lack this error.
_NO_ARGS_IS_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class _Commands(click.Group):
    """Commands by name, each in a module of its own.

    Expected errors are one line on stderr; exit code 1, or 2 for wrong usage.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bridge.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        if ctx.info_name == _SECOND_NAME:
            _rename(command)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        width = formatter.width - 6 - max(map(len, COMMANDS))
        # Stand-ins with the same text: importing every command takes over a second.
        commands = (click.Command(name, help=text) for name, text in COMMANDS.items())
        with formatter.section("Commands"):
            formatter.write_dl(
                [(str(each.name), each.get_short_help_str(width)) for each in commands]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not (name in COMMANDS or name.startswith("-") or ctx.resilient_parsing):
            import difflib  # noqa: PLC0415 - only after a mistake

            similar = difflib.get_close_matches(name, COMMANDS)
            names = " or ".join(f"'{ctx.command_path} {one}'" for one in similar)
            fix = f"Did you mean {names}?" if names else _start_with(ctx)
            raise click.UsageError(f"No such command '{name}'. {fix}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415

        # Without help texts: importing every command would delay the key press.
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*map(CompletionItem, names), *options]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        if info_name == _SECOND_NAME:
            _rename(self)
        with _one_line_errors():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        with _one_line_errors():
            return super().invoke(ctx)


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except _NO_ARGS_IS_HELP:
        raise
    except click.UsageError as error:
        # Raised without a context, click prints no usage lines.
        ctx = error.ctx
        path = ctx.command_path if ctx else "bridge"
        text = _one_line(error.format_message())
        text += "" if text.endswith((".", "?")) else "."
        if ctx and ctx.parent is None and isinstance(error, click.NoSuchOption):
            text += f" Options of a command follow its name. {_start_with(ctx)}"
        raise click.UsageError(f"{text} Try '{path} -h'.") from error
    except BridgeError as error:
        raise click.ClickException(_one_line(error.message)) from error


def _start_with(ctx: click.Context) -> str:
    """Return a hint for users who do not know the commands yet."""
    return f"'{ctx.command_path} serve' starts the facade."


def _rename(command: click.Command) -> None:
    """Use the name this program was called by in a command's help and examples."""
    for text in ("help", "epilog"):
        written = getattr(command, text)
        if written is not None:
            setattr(command, text, _NAME.sub(f"{_SECOND_NAME} ", written))
    for child in getattr(command, "commands", {}).values():
        _rename(child)


def _print_everything() -> None:
    """Print characters that stdout cannot encode as escapes, as stderr does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _name_as_called(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    """Use the name the parent process was called by in a child's usage texts."""
    if name is not None:
        ctx.info_name = name


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: bridge demo; or, with a tenant: bridge user add --organization "
    "Northwind --email ann@x.example, bridge instance add --help, bridge serve. "
    "The same program is installed as autotask-bridge.",
)
@click.version_option(__version__, "-V", "--version", prog_name="bridge")
@click.option(
    "--config",
    type=click.Path(),
    help="Settings file; else BRIDGE_CONFIG, ./bridge.toml or /etc/bridge/bridge.toml.",
)
@click.option("--until-eof", is_flag=True, hidden=True)
@click.option("--opened", hidden=True)
@click.option(
    "--called",
    hidden=True,
    is_eager=True,
    expose_value=False,
    callback=_name_as_called,
)
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
    # Only the owner may read new files, those that libraries create included.
    os.umask(0o077)
    _print_everything()
    if until_eof:
        end_with_input()
    elif ctx.invoked_subcommand not in _LOGGING_COMMANDS:
        # Imported here: the supervisor of `serve` and the simulator stay small.
        importlib.import_module("bridge.cli.deprecated_variables").echo_old_names()


def _name_settings_file(config: str | None) -> None:
    """Make this process and its children read the same file in any directory."""
    name = os.environ.get(_CONFIG) if config is None else config
    if name is None:
        return
    os.environ[_CONFIG] = name
    # Without a current directory, reading the file raises an error with the reason.
    with contextlib.suppress(FileNotFoundError):
        os.environ[_CONFIG] = name and str(Path(name).absolute())
