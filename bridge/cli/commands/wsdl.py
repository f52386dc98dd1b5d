"""`bridge wsdl`: the WSDL files for calls of Autotask."""

from __future__ import annotations

import contextlib
from dataclasses import asdict

import click

from bridge.cli.administration import open_store
from bridge.cli.output import as_json, show_list
from bridge.composition import DESCRIPTIONS, open_descriptions, open_diagnostics
from bridge.errors import NotFoundError
from bridge.services.credentials import parse_credentials, read_backend_name
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
    descriptions = open_descriptions(read_settings())
    used, found = descriptions.description(), descriptions.descriptions()
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
    settings = read_settings()
    with open_store(settings) as database:
        instance = get_instance(database, instance_id)
    if instance is None or instance.zone is None:
        raise NotFoundError(f"There is no instance {instance_id} with a zone.")
    read_backend_name(instance.configuration, DESCRIPTIONS)
    credentials = parse_credentials(settings, instance.configuration)
    descriptions = open_descriptions(settings)
    with contextlib.closing(open_diagnostics(settings)) as diagnostics:
        release = diagnostics.release(instance.zone, credentials)
    fetched = descriptions.fetch(instance.zone, release)
    used = descriptions.description()
    click.echo(f"Fetched {fetched.name}.")
    click.echo(f"From the next start on, calls are made with {used.name}.")


@wsdl.command(epilog="Example: bridge wsdl diff")
def diff() -> None:
    """Compare the newest fetched description with the bundled one."""
    descriptions = open_descriptions(read_settings())
    newest, *others = descriptions.descriptions()
    if not others:
        raise NotFoundError(
            "None was fetched: run `bridge wsdl refresh --instance ID`."
        )
    more, less = descriptions.compare(newest)
    for sign, lines in (("-", less), ("+", more)):
        for line in lines:
            click.echo(f"{sign} {line}")
    click.echo(f"{len(more)} more, {len(less)} less than the bundled one.", err=True)
