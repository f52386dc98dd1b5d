"""`bridge wsdl`: the WSDL files for calls of Autotask."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict

import click

from bridge.cli.administration import open_context
from bridge.cli.output import as_json, show_list
from bridge.composition import open_diagnostics
from bridge.errors import NotFoundError
from bridge.interfaces.diagnostics import BackendDiagnostics
from bridge.services.credentials import read_credentials
from bridge.settings import read_settings
from bridge.store.instances import get_instance


@click.group(epilog="Example: bridge wsdl list")
def wsdl() -> None:
    """List, fetch and compare service descriptions.

    One ships with Bridge. A description fetched from a zone is used from the next start
    on, if its release is higher. No call ever waits for a description.
    """


@wsdl.command("list", epilog="Example: bridge wsdl list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List the bundled description and the fetched ones."""
    with _open_diagnostics() as diagnostics:
        used, found = diagnostics.description(), diagnostics.descriptions()
    show_list(
        [asdict(one) | {"used": one == used} for one in found],
        ("name", "release", "used"),
        [(one.name, one.release, "yes" if one == used else "") for one in found],
        as_json=as_json,
        empty="There are no descriptions.",
    )


@wsdl.command(epilog="Example: bridge wsdl refresh --instance 900001")
@click.option(
    "--instance", "instance_id", type=int, required=True, help="Instance of the zone."
)
def refresh(*, instance_id: int) -> None:
    """Fetch the description of an instance's zone into the data directory."""
    with open_context() as ctx, _open_diagnostics() as diagnostics:
        instance = get_instance(ctx.database, instance_id)
        if instance is None or instance.zone is None:
            raise NotFoundError(f"There is no instance {instance_id} with a zone.")
        credentials = read_credentials(ctx, instance.configuration)
        fetched = diagnostics.refresh(instance.zone, credentials)
        used = diagnostics.description()
    click.echo(f"Fetched {fetched.name}.")
    click.echo(f"From the next start on, calls are made with {used.name}.")


@wsdl.command(epilog="Example: bridge wsdl diff")
def diff() -> None:
    """Compare the newest fetched description with the bundled one."""
    with _open_diagnostics() as diagnostics:
        newest, *others = diagnostics.descriptions()
        if not others:
            raise NotFoundError(
                "None was fetched: run `bridge wsdl refresh --instance ID`."
            )
        more, less = diagnostics.compare(newest)
    for sign, lines in (("-", less), ("+", more)):
        for line in lines:
            click.echo(f"{sign} {line}")
    click.echo(f"{len(more)} more, {len(less)} less than the bundled one.", err=True)


@contextlib.contextmanager
def _open_diagnostics() -> Iterator[BackendDiagnostics]:
    with contextlib.closing(open_diagnostics(read_settings())) as diagnostics:
        yield diagnostics
