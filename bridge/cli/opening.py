"""What administration commands share: the store, the context, and their output."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import orjson

from bridge import app
from bridge.services.context import Context
from bridge.settings import Settings, read_settings
from bridge.store.engine import Database

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option of every command whose output a script would want to read."""


@contextmanager
def open_store(
    settings: Settings | None = None, *, new: bool = False
) -> Iterator[Database]:
    """Yield the database of an installation; nothing is made unless it may be `new`.

    Raises:
        ConfigurationError: there is no installation, or the key ring is not this
            database's.
        StoreError: it cannot be reached, or its schema is another release's.
    """
    settings = settings or read_settings()
    open_it = app.open_database if new else app.open_existing_database
    with contextlib.closing(open_it(settings)) as database:
        if new and database.versions()[0] is None:
            database.upgrade()
        database.check_schema()
        yield database


@contextmanager
def open_context(
    settings: Settings | None = None, *, new: bool = False
) -> Iterator[Context]:
    """Yield what use cases work with, as `open_store`; no vendor call."""
    settings = settings or read_settings()
    with open_store(settings, new=new) as database:
        ctx = app.build_context(settings, database)
        service = app.open_service(settings, gate=ctx.governor, log=ctx.journal)
        with contextlib.closing(service):
            yield replace(ctx, open_backend=service.open_backend)


@contextmanager
def open_trial(settings: Settings) -> Iterator[Context]:
    """Yield what use cases work with on an empty database that is removed again."""
    with tempfile.TemporaryDirectory(prefix="bridge-trial-") as name:
        changed = {"data_dir": Path(name), "database_url": None, "keys": None}
        with open_context(settings.model_copy(update=changed), new=True) as ctx:
            yield ctx


def show_json(document: object) -> None:
    """Print one JSON document, indented."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def show_members(members: Mapping[str, object]) -> None:
    """Print names and values, one pair a line."""
    width = max(map(len, members), default=0) + 2
    for name, value in members.items():
        click.echo(f"{name:<{width}}{'' if value is None else value}")


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns as wide as their longest text."""
    texts = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def read_password(given: str | None, *, from_stdin: bool, prompt: str) -> str:
    """Return a password given as option, as the first line of stdin, or typed twice.

    Raises:
        click.UsageError: both were given, or nothing was and nobody can be asked.
    """
    if given is not None and from_stdin:
        raise click.UsageError("Give the password as option or on stdin, not both.")
    if given == "":
        raise click.UsageError("The password is empty.")
    if given is not None:
        return given
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise click.UsageError("There is no password on stdin.")
        return line
    if not sys.stdin.isatty():
        raise click.UsageError("No password: give the option, or pipe it in.")
    typed: str = click.prompt(
        prompt, hide_input=True, confirmation_prompt=True, err=True
    )
    return typed
