"""`bridge worker`: background work alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
import orjson

from bridge import app
from bridge.cli.deprecated_variables import log_old_names
from bridge.cli.processes import Signals
from bridge.jobs.tasks import TASKS, Task
from bridge.jobs.worker import work
from bridge.settings import read_settings


@click.command(epilog="Example: BRIDGE_DATABASE_URL=… bridge worker")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line when it works."
)
@click.option(
    "--no-init",
    is_flag=True,
    help="Fail where there is no installation; without it one is made.",
)
@click.pass_obj
def worker(opened: str | None, /, *, as_json: bool, no_init: bool) -> None:
    """Do background work until SIGTERM or Ctrl-C.

    SIGTERM lets what is under way finish for a while, Ctrl-C does not; what is left
    goes on in another worker, or in the next. Any number may run at once.
    """
    run(TASKS, as_json=as_json, opened=opened, no_init=no_init)


def run(
    tasks: Sequence[Task],
    *,
    as_json: bool,
    opened: str | None = None,
    no_init: bool = False,
) -> NoReturn:
    """Work on these tasks until told to stop, then end the process.

    `opened` is the identity of the database that a facade beside it serves from; then
    nothing is made or upgraded. With `no_init` an installation is not made either.
    """
    settings = read_settings()
    # First of all: beside a facade not even the directory may be made anew.
    if opened is None:
        app.make_database(settings, new=not no_init)
        database = app.open_existing_database(settings)
    else:
        database = app.open_database(settings, app.OpenedDatabase(opened))
    app.start_process(settings, serves=False)
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

        context = app.build_context(settings, database)
        work(context, wait, ready=announce, tasks=tasks)
        context.request_log.flush()
        context.rate_limiter.close()
        database.close()
        sys.stderr.flush()
        # A step that does not end would keep the process; it is another's by now.
        os._exit(0)
