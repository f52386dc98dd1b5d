"""`bridge serve`: the facade and a worker."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from bridge.cli.listen_addresses import PORT
from bridge.cli.supervisor import supervise

_ARGUMENTS = "bridge.serve.arguments"


class _Serve(click.Command):
    """A command that remembers its arguments, to pass them to its child process."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)


@click.command(
    cls=_Serve,
    epilog="Example: BRIDGE_INTEGRATION_CODE=… bridge serve --host 0.0.0.0 --port 8080",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=PORT,
    help="Port; 0 takes a free one.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 512),
    help="Number of processes that serve requests.",
)
@click.option(
    "--threads",
    default=64,
    show_default=True,
    type=click.IntRange(1, 4096),
    help="Concurrent requests in each process; a slow vendor needs many.",
)
@click.option(
    "--tls-cert",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Serve HTTPS with this certificate chain, a PEM file; renewals are loaded.",
)
@click.option(
    "--tls-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Private key of the certificate, a PEM file without a password.",
)
@click.option(
    "--no-worker",
    is_flag=True,
    help="Leave background work to `bridge worker` elsewhere.",
)
@click.option(
    "--no-init",
    is_flag=True,
    help="Fail if there is no installation, as on a disk that is not mounted; "
    "by default one is created.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line when it is ready."
)
@click.option("--ready-fd", type=int, hidden=True)
@click.pass_context
def serve(ctx: click.Context, /, *, no_worker: bool, **options: Any) -> None:  # noqa: ANN401 - the facade's
    """Serve elements/api-v2 until SIGTERM or Ctrl-C, and do background work.

    Settings come from the environment and the settings file: `bridge config`. An
    older schema is upgraded, a newer one refused. A worker that dies is restarted.
    """
    if no_worker:
        # Imported here: the supervisor, which is the parent process, stays small.
        importlib.import_module("bridge.cli.facade").run(**options)
    arguments = ctx.meta[_ARGUMENTS]
    ctx.exit(supervise(["serve", "--no-worker", *arguments], ["worker"]))
