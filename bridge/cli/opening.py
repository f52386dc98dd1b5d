"""What administration commands share: the store, the context, and their output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
import orjson

from bridge import app
from bridge.services.context import Context
from bridge.settings import Settings, read_settings
from bridge.store.engine import Database

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option of every command whose output a script would want to read."""


@contextmanager
def open_store(settings: Settings | None = None) -> Iterator[Database]:
    """Yield the database; an empty one is given its tables first.

    Raises:
        ConfigurationError: the key ring is not this database's.
        StoreError: it cannot be reached, or its schema is another release's.
    """
    with contextlib.closing(app.open_database(settings or read_settings())) as database:
        if database.versions()[0] is None:
            database.upgrade()
        database.check_schema()
        yield database


@contextmanager
def open_context() -> Iterator[Context]:
    """Yield what use cases work with; no vendor call."""
    settings = read_settings()
    with open_store(settings) as database:
        ctx = app.build_context(settings, database)
        service = app.open_service(settings, gate=ctx.governor, log=ctx.journal)
        with contextlib.closing(service):
            yield replace(ctx, open_backend=service.open_backend)


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
