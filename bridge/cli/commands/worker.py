"""`bridge worker`: background jobs without a facade."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
import orjson

from bridge.cli.deprecated_variables import log_old_names
from bridge.cli.processes import Signals
from bridge.composition import (
    OpenedDatabase,
    build_context,
    make_database,
    open_database,
    open_existing_database,
    start_process,
)
from bridge.jobs.pieces import Workflow
from bridge.jobs.worker import work
from bridge.jobs.workflows import WORKFLOWS
from bridge.settings import read_settings


@click.command(epilog="Example: BRIDGE_DATABASE_URL=… bridge worker")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line when it is ready."
)
@click.option(
    "--no-init",
    is_flag=True,
    help="Fail if there is no installation; by default one is created.",
)
@click.pass_obj
def worker(opened: str | None, /, *, as_json: bool, no_init: bool) -> None:
    """Run background jobs until SIGTERM or Ctrl-C.

    SIGTERM lets running jobs finish within the shutdown timeout, Ctrl-C does not;
    unfinished jobs continue in another worker, or in the next one. Any number of
    workers may run at once.
    """
    run(WORKFLOWS, as_json=as_json, opened=opened, no_init=no_init)


def run(
    workflows: Sequence[Workflow],
    *,
    as_json: bool,
    opened: str | None = None,
    no_init: bool = False,
) -> NoReturn:
    """Run these workflows until stopped, then end the process.

    `opened` is the identity of the database of a facade on this host; then nothing is
    created or upgraded. With `no_init` an installation is not created either.
    """
    settings = read_settings()
    # Before logging starts: if the facade's data directory is gone, it must not be
    # created again.
    if opened is None:
        make_database(settings, new=not no_init)
        database = open_existing_database(settings)
    else:
        database = open_database(settings, OpenedDatabase(opened))
    start_process(settings, serves=False)
    if opened is None:
        log_old_names()

    def announce(worker_id: str) -> None:
        line = (
            orjson.dumps({"worker": worker_id}).decode()
            if as_json
            else f"Working as {worker_id}"
        )
        click.echo(line)
        sys.stdout.flush()

    with Signals(signal.SIGTERM, signal.SIGINT) as signals:

        def wait() -> float:
            return (
                settings.shutdown_timeout_s if signals.wait() == signal.SIGTERM else 0
            )

        context = build_context(settings, database)
        work(context, wait, ready=announce, workflows=workflows)
        context.request_log.flush()
        context.rate_limiter.close()
        database.close()
        sys.stderr.flush()
        # A step that does not end would block the exit; another worker recovers it.
        os._exit(0)
