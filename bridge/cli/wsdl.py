"""`bridge wsdl`: the service descriptions that calls are made with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict

import click

from bridge import app
from bridge.cli.administration import open_context
from bridge.cli.output import as_json, show_json, show_table
from bridge.errors import NotFoundError
from bridge.interfaces.diagnostics import BackendDiagnostics
from bridge.services.credentials import read_credentials
from bridge.settings import read_settings
from bridge.store.instances import get_instance


@click.group(epilog="Example: bridge wsdl list")
def wsdl() -> None:
    """List, fetch and compare service descriptions.

    One ships with Bridge. One fetched from a zone is used, from the next start on,
    when its release is higher. No call ever waits for a description.
    """


@wsdl.command("list", epilog="Example: bridge wsdl list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List the bundled description and the fetched ones."""
    with _probe() as probe:
        used, found = probe.description(), probe.descriptions()
    if as_json:
        show_json([asdict(one) | {"used": one == used} for one in found])
        return
    show_table(
        ("name", "release", "used"),
        [(one.name, one.release, "yes" if one == used else "") for one in found],
        empty="There are no descriptions.",
    )


@wsdl.command(epilog="Example: bridge wsdl refresh --instance 900001")
@click.option(
    "--instance", "instance_id", type=int, required=True, help="Whose zone to ask."
)
def refresh(*, instance_id: int) -> None:
    """Fetch the description of an instance's zone into the data directory."""
    with open_context() as ctx, _probe() as probe:
        instance = get_instance(ctx.database, instance_id)
        if instance is None or instance.zone is None:
            raise NotFoundError(f"There is no instance {instance_id} with a zone.")
        credentials = read_credentials(ctx, instance.configuration)
        fetched = probe.refresh(instance.zone, credentials)
        used = probe.description()
    click.echo(f"Fetched {fetched.name}.")
    click.echo(f"From the next start on, calls are made with {used.name}.")


@wsdl.command(epilog="Example: bridge wsdl diff")
def diff() -> None:
    """Show what the newest fetched description has beyond the bundled one, or lacks."""
    with _probe() as probe:
        newest, *others = probe.descriptions()
        if not others:
            raise NotFoundError(
                "None was fetched: run `bridge wsdl refresh --instance ID`."
            )
        more, less = probe.compare(newest)
    for sign, lines in (("-", less), ("+", more)):
        for line in lines:
            click.echo(f"{sign} {line}")
    click.echo(f"{len(more)} more, {len(less)} less than the bundled one.", err=True)


@contextlib.contextmanager
def _probe() -> Iterator[BackendDiagnostics]:
    with contextlib.closing(app.open_diagnostics(read_settings())) as probe:
        yield probe
