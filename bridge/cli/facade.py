"""The facade: gunicorn in this process, for `bridge serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
import orjson

from bridge.app import create_app
from bridge.cli.deprecated_variables import log_old_names
from bridge.cli.listen_addresses import check_address, join_address
from bridge.cli.supervisor import MACHINES, PEOPLE
from bridge.composition import make_database, start_process
from bridge.server import gunicorn_app
from bridge.server.standby import Standby
from bridge.server.tls import Certificates
from bridge.settings import read_settings
from bridge.telemetry import logs


def run(  # noqa: PLR0913 - the command's options
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    as_json: bool,
    no_init: bool,
    ready_fd: int | None,
) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then exit; an older schema is upgraded first.

    `no_init`: without an installation, fail instead of creating one.
    """
    tls = _certificates(tls_cert, tls_key)
    settings = read_settings()
    check_address(host, port)
    # Before logging starts: what prevents the start is reported once, by its error.
    opened = make_database(settings, new=not no_init)
    start_process(settings, serves=True)
    log_old_names()
    make_app = partial(create_app, settings, opened)

    def announce(bound_port: int) -> None:
        scheme = "https" if tls else "http"
        base_url = f"{scheme}://{join_address(host, bound_port)}/elements/api-v2"
        line = orjson.dumps({"baseUrl": base_url}).decode()
        click.echo(line if as_json else f"Serving {base_url}")
        # Into a pipe the line would stay in the buffer.
        sys.stdout.flush()
        if ready_fd is not None:
            # The supervisor starts the worker once it has this message.
            kind = PEOPLE if logs.is_for_people(settings.log_format) else MACHINES
            os.write(ready_fd, kind + opened.identity.encode())
            os.close(ready_fd)

    with _explaining_exit(host, port):
        gunicorn_app.run(
            partial(Standby, make_app, strict=settings.strict_status),
            host=host,
            port=port,
            workers=workers,
            threads=threads,
            ready=announce,
            settings=settings,
            tls=tls,
        )


@contextmanager
def _explaining_exit(host: str, port: int) -> Iterator[None]:
    """Explain the exit when another program took the address in the meantime.

    Raises:
        OperatorError: names the address and the fix.
    """
    # Forked worker processes exit through here as well, hence the check of the id.
    process = os.getpid()
    try:
        yield
    except SystemExit as ended:
        if ended.code and os.getpid() == process:
            check_address(host, port)
        raise


def _certificates(certificate: Path | None, key: Path | None) -> Certificates | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise click.UsageError("--tls-cert and --tls-key go together.")
    return Certificates(certificate, key)
