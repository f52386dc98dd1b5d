"""What administration commands share: the store, the context, and passwords."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from bridge import app
from bridge.services.context import Context
from bridge.settings import Settings, read_settings
from bridge.store.database.engine import Database

password_stdin = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read one line from stdin; on a terminal it is asked for.",
)
"""The option of every command that needs a password: see `read_password`."""


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
        service = app.open_service(
            settings, rate_limiter=ctx.rate_limiter, log=ctx.request_log
        )
        with contextlib.closing(service):
            yield replace(ctx, open_backend=service.open_backend)


@contextmanager
def open_trial(settings: Settings) -> Iterator[Context]:
    """Yield what use cases work with on an empty database that is removed again."""
    with tempfile.TemporaryDirectory(prefix="bridge-trial-") as name:
        changed = {"data_dir": Path(name), "database_url": None, "keys": None}
        with open_context(settings.model_copy(update=changed), new=True) as ctx:
            yield ctx


def read_password(
    given: str | None, *, from_stdin: bool, prompt: str, confirm: bool
) -> str:
    """Return a password given as option, as the first line of stdin, or typed.

    Args:
        given: the option's value.
        from_stdin: whether it is the first line of stdin; on a terminal it is typed.
        prompt: what to ask for.
        confirm: whether it is typed twice: a new one is, one that exists is not.

    Raises:
        click.UsageError: both were given, or nothing was and nobody can be asked.
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
        raise click.UsageError("There is no terminal to ask on: add --password-stdin.")
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("There is no password on stdin.")
    return line
