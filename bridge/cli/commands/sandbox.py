"""`bridge sandbox`: the simulated Autotask."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from bridge.cli.listen_addresses import PORT, check_address, explain_address
from bridge.cli.output import Report, progress
from bridge.cli.processes import Signals
from bridge.sandbox import coverage, serve
from bridge.sandbox.control.journal import RecordingError
from bridge.sandbox.control.limits import LIMITS
from bridge.sandbox.control.vendor import GENERATIONS
from bridge.sandbox.data.database import DatabaseError
from bridge.sandbox.data.dataset import Dataset
from bridge.sandbox.data.values import EASTERN, SERVICE_ZONES


def _show_coverage(
    context: click.Context,
    _option: click.Parameter,
    wanted: bool,  # noqa: FBT001 - click's way
) -> None:
    if wanted:
        click.echo(coverage.report(), nl=False)
        context.exit()


@click.command(
    epilog="Example: bridge sandbox --port 8081 --data sandbox.sqlite",
)
@click.option(
    "--port", default=8081, show_default=True, type=PORT, help="0 takes a free port."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option(
    "--seed",
    default="small",
    show_default=True,
    type=click.Choice(sorted(serve.SEEDS)),
    help="The data set to start with.",
)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep all records in this file; without it they are gone at the end, but "
    "for large data sets, which are kept in the cache.",
)
@click.option(
    "--cache",
    default=Path(click.get_app_dir("bridge")) / "sandbox",
    envvar="BRIDGE_SANDBOX_CACHE",
    show_envvar=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where large data sets are kept; making one takes minutes.",
)
@click.option(
    "--record",
    envvar="BRIDGE_SANDBOX_RECORD",
    show_envvar=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Add every SOAP request and reply to this file, one JSON object a line.",
)
@click.option(
    "--generation",
    default=GENERATIONS[-1],
    envvar="BRIDGE_SANDBOX_GENERATION",
    show_default=True,
    show_envvar=True,
    type=click.Choice(GENERATIONS),
    help="The release of 1.6 to simulate; 1.5 is served beside it.",
)
@click.option(
    "--limits",
    default="vendor",
    show_default=True,
    type=click.Choice(sorted(LIMITS)),
    help="Limits of calls per hour and concurrent calls: Autotask's, or generous ones.",
)
@click.option(
    "--service-time",
    default=EASTERN,
    show_default=True,
    type=click.Choice(list(SERVICE_ZONES)),
    help="Time zone of all times in requests and replies; Autotask's is US Eastern.",
)
@click.option(
    "--coverage",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_coverage,
    help="Print what is simulated and how well it is verified, and exit.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Describe itself as one JSON line."
)
def sandbox(  # noqa: PLR0913 - one per option
    *,
    port: int,
    host: str,
    seed: str,
    data: Path | None,
    cache: Path,
    record: Path | None,
    generation: str,
    limits: str,
    service_time: str,
    as_json: bool,
) -> None:
    """Serve a simulated Autotask for any SOAP client.

    Its status page is at the root. Control it there, or as in docs/simulator.md.
    """
    check_address(host, port)
    try:
        if data is None and seed in serve.LARGE:
            cache.mkdir(parents=True, exist_ok=True)
            zone = "" if service_time == EASTERN else f"-{service_time}"
            data = cache / f"{seed}-{generation}{zone}.sqlite"
        choices = serve.ServeOptions(
            seed, host, port, data, record, generation, limits, service_time
        )
        serve.run(choices, partial(_show, as_json=as_json), _preparing(seed))
    except serve.ListenError as error:
        # Another program took the address since it was checked.
        text = explain_address(host, port, "--port", error.errno)
        raise click.ClickException(text) from error
    except RecordingError as error:
        raise click.BadParameter(str(error), param_hint="--record") from error
    except (OSError, OverflowError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _preparing(seed: str) -> Iterator[Report]:
    """Yield a function for the progress of building a large data set.

    SIGINT and SIGTERM stop it at the next report.
    """
    # Signals are queued: SQLite calls Python code, and ignores exceptions of a handler
    # that interrupts it there.
    if seed not in serve.LARGE:
        yield lambda _what, _done, _total: None
        return
    with (
        progress(f"Making the data set {seed}") as show,
        Signals(signal.SIGINT, signal.SIGTERM) as signals,
    ):

        def check() -> None:
            if signals.wait(0) is not None:
                raise click.ClickException(
                    f"Stopped before the data set {seed} was ready; nothing half made "
                    "is left."
                )

        def report(what: str, done: int, total: int) -> None:
            show(what, done, total)
            check()

        yield report
        check()


def _show(base_url: str, dataset: Dataset, *, as_json: bool) -> None:
    """Print where the simulator listens, and how to log in."""
    tenant = dataset.tenants[0]
    user = tenant.users[0]
    about = {
        "sandboxUrl": base_url.rstrip("/"),
        "sandboxWsdl": f"{base_url}ATServices/1.6/atws.wsdl",
        "username": user.username,
        "password": user.password,
        "integrationCode": tenant.integration_codes[0],
    }
    if as_json:
        click.echo(json.dumps(about))
        return
    click.echo(f"A simulated Autotask listens at {about['sandboxUrl']}")
    click.echo(f"  WSDL                {about['sandboxWsdl']}")
    click.echo(f"  user name           {about['username']}")
    click.echo(f"  password            {about['password']}")
    click.echo(f"  integration code    {about['integrationCode']}")
    click.echo("Press Ctrl-C to stop it.")
