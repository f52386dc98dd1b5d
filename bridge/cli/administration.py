"""What administration commands share: database, context and passwords."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bridge.composition import (
    build_context,
    open_database,
    open_existing_database,
)
from bridge.services.context import Context
from bridge.settings import Settings, read_settings
from bridge.store.database.engine import Database

password_stdin = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read the password from stdin, one line; on a terminal, prompt for it.",
)
"""The option of every command that needs a password: see `read_password`."""


@contextmanager
def open_store(
    settings: Settings | None = None, *, new: bool = False
) -> Iterator[Database]:
    """Yield the database of an installation; created only if it may be `new`.

    Raises:
        ConfigurationError: no installation exists, or the key ring is not the
            database's.
        StoreError: it cannot be reached, or its schema is of another release.
    """
    settings = settings or read_settings()
    open_it = open_database if new else open_existing_database
    with contextlib.closing(open_it(settings)) as database:
        if new and database.versions()[0] is None:
            database.upgrade()
        database.check_schema()
        yield database


@contextmanager
def open_context(
    settings: Settings | None = None, *, new: bool = False
) -> Iterator[Context]:
    """Yield the context of use cases, as `open_store`; no vendor call."""
    settings = settings or read_settings()
    with open_store(settings, new=new) as database:
        ctx = build_context(settings, database)
        try:
            yield ctx
        finally:
            ctx.close_backends()


@contextmanager
def open_trial(settings: Settings) -> Iterator[Context]:
    """Yield the context of use cases with an empty temporary database."""
    with tempfile.TemporaryDirectory(prefix="bridge-trial-") as name:
        changed = {"data_dir": Path(name), "database_url": None, "keys": None}
        with open_context(settings.model_copy(update=changed), new=True) as ctx:
            yield ctx


def read_password(
    given: str | None, *, from_stdin: bool, prompt: str, confirm: bool
) -> str:
    """Return a password: the option, the first line of stdin, or typed at a prompt.

    Args:
        given: the option's value.
        from_stdin: read it from stdin; on a terminal, prompt for it.
        prompt: text of the prompt.
        confirm: prompt twice, for a new password.

    Raises:
        click.UsageError: both were given, or neither without a terminal.
    """
    if given is not None and from_stdin:
        raise click.UsageError("Give the password as option or on stdin, not both.")
    if given == "":
        raise click.UsageError("The password is empty.")
    if given is not None:
        return given
    if sys.stdin.isatty():
        typed: str = click.prompt(
            prompt, hide_input=True, confirmation_prompt=confirm, err=True
        )
        return typed
    if not from_stdin:
        raise click.UsageError(
            "There is no terminal to prompt on: add --password-stdin."
        )
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("There is no password on stdin.")
    return line
