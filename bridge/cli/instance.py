"""`bridge instance`: connections to Autotask, made, tested, moved in and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import orjson

from bridge.catalog.model import JSON
from bridge.cli.opening import (
    as_json,
    open_context,
    open_store,
    read_password,
    show_json,
    show_members,
    show_table,
)
from bridge.errors import (
    InvalidRequestError,
    NotFoundError,
    OperatorError,
    ProviderError,
    ProviderThresholdError,
)
from bridge.interfaces import Caller
from bridge.services import credentials, traces
from bridge.services.context import Context
from bridge.services.instances import instances
from bridge.services.instances.bodies import MASK, instance_document
from bridge.services.tenancy import moving
from bridge.services.usage.vendor_usage import describe_limits
from bridge.store import administration, users
from bridge.store.instances import Instance, get_instance, remove_instance

_VOCABULARIES = """
One connection, two vocabularies. The keys of the old element on the left, the fields
of the newer connect form on the right; the options take either.

\b
crm.autotask.username           API username
crm.autotask.password           API secret
crm.autotask.server.url         API zone, for example webservices3
crm.autotask.integration.code   API integration code
"""
_ID = click.argument("instance_id", metavar="ID", type=int)


@click.group(epilog="Example: bridge instance list --json")
def instance() -> None:
    """Keep the connections that element tokens stand for."""


@instance.command(
    help="Make an instance, once Autotask has accepted its credentials.\n"
    + _VOCABULARIES,
    epilog="Example: bridge instance add --user ann@northwind.example --name PSA "
    "--username api@northwind.example --password-stdin --zone webservices3 < secret",
)
@click.option("--user", "owner", required=True, help="Id or e-mail of its user.")
@click.option("--name", required=True, help="For display, and the default tag.")
@click.option("--username", "--api-username", required=True, help="The API user.")
@click.option(
    "--password",
    "--api-secret",
    help="Visible to other users of this machine; prefer --password-stdin.",
)
@click.option("--password-stdin", is_flag=True, help="Read one line from stdin.")
@click.option("--server-url", help="As seen in the browser: https://ww3.autotask.net.")
@click.option("--zone", "--api-zone", help="Instead of the server URL: webservices3.")
@click.option(
    "--integration-code",
    "--api-integration-code",
    help="Tracking identifier; without it BRIDGE_INTEGRATION_CODE serves.",
)
@click.option("--tag", "tags", multiple=True, help="May be repeated.")
@click.option(
    "--set",
    "further",
    multiple=True,
    metavar="KEY=VALUE",
    help="A further key of the configuration; may be repeated.",
)
@as_json
def add(  # noqa: PLR0913 - its options
    *,
    owner: str,
    name: str,
    username: str,
    password: str | None,
    password_stdin: bool,
    server_url: str | None,
    zone: str | None,
    integration_code: str | None,
    tags: Sequence[str],
    further: Sequence[str],
    as_json: bool,
) -> None:
    """Make an instance; its help stands above."""
    if (server_url is None) == (zone is None):
        raise click.UsageError("Give one of --server-url and --zone.")
    secret = read_password(
        password, from_stdin=password_stdin, prompt="Password of the API user"
    )
    given: dict[str, JSON] = {
        credentials.USERNAME: username,
        credentials.PASSWORD: secret,
        credentials.SERVER_URL: server_url,
        credentials.ZONE: zone,
        credentials.INTEGRATION_CODE: integration_code,
    }
    body: dict[str, JSON] = {
        "name": name,
        "element": {"key": "autotaskcrm"},
        "configuration": {
            **{key: value for key, value in given.items() if value},
            **_read_pairs(further),
        },
    }
    if tags:
        body["tags"] = list(tags)
    with open_context() as ctx:
        user = users.get_user(ctx.database, owner)
        document = instances.create_instance(ctx, user, body)
    if as_json:
        show_json(document)
    else:
        show_members({name: document[name] for name in ("id", "name", "token")})


@instance.command("list", epilog="Example: bridge instance list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List all instances of all organizations."""
    with open_store() as database:
        found = list(administration.list_instances(database))
    if as_json:
        show_json([_summary(one) for one in found])
        return
    show_table(
        ("id", "name", "user", "zone", "state"),
        [
            (
                one.id,
                one.name,
                one.user_email,
                one.zone.url.split("/")[2] if one.zone else "",
                "disabled" if one.disabled else "enabled",
            )
            for one in found
        ],
    )


@instance.command(epilog="Example: bridge instance show 900001 --secrets")
@_ID
@click.option("--secrets", is_flag=True, help="Show the token too; never the password.")
@as_json
def show(*, instance_id: int, secrets: bool, as_json: bool) -> None:
    """Show one instance, its secrets masked."""
    with open_context() as ctx:
        found = _find(ctx, instance_id)
        document = instance_document(ctx, found)
    if not secrets:
        document["token"] = MASK
    if as_json:
        show_json(document)
        return
    configuration = document["configuration"]
    shown = ("id", "name", "token", "createdDate", "disabled")
    show_members(
        {name: document[name] for name in shown}
        | {"tags": ", ".join(found.tags), "user": found.user_email}
        | (configuration if isinstance(configuration, dict) else {})
    )


@instance.command(
    "import",
    epilog="Example: bridge instance import old.json --check; docs/moving-in.md has "
    "the file's shape.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Try everything and keep nothing.")
@as_json
def import_(*, file: Path, check: bool, as_json: bool) -> None:
    """Move organizations, users and instances in, with their ids, secrets and tokens.

    All or nothing. Done again it adds what is new and leaves what is there. Credentials
    are not tried: `bridge instance test --all` does that.
    """
    try:
        document = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.") from error
    with open_context() as ctx:
        moved = moving.move_in(ctx, document, check=check)
    if as_json:
        show_json({"added": moved.added, "kept": moved.kept, "checked": check})
        return
    click.echo("Nothing was written; it would be:" if check else "Done:")
    for kind in ("organizations", "accounts", "users", "instances"):
        added, kept = moved.added.get(kind, 0), moved.kept.get(kind, 0)
        click.echo(f"  {kind:<14}{added} added, {kept} there already")


@instance.command(epilog="Example: bridge instance test --all")
@click.argument("instance_ids", metavar="[ID]...", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Test all that are enabled.")
@as_json
def test(*, instance_ids: Sequence[int], every: bool, as_json: bool) -> None:
    """Log in to Autotask with stored credentials; one call for each instance.

    It reads Autotask's count of calls anew, for all processes: a budget that is free
    again is free at once. No call budget refuses it.
    """
    if every == bool(instance_ids):
        raise click.UsageError("Give ids, or --all.")
    with open_context() as ctx:
        tested = (
            [
                one
                for one in administration.list_instances(ctx.database)
                if not one.disabled
            ]
            if every
            else [_find(ctx, instance_id) for instance_id in instance_ids]
        )
        results = [_test(ctx, one) for one in tested]
    if as_json:
        show_json(results)
    else:
        for result in results:
            click.echo(f"{result['id']}  {result['status']:<7}{result['text']}")
    failed = [result for result in results if result["status"] != "ok"]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(results)} instances failed.")


@instance.command(epilog="Example: bridge instance trace 900001 --minutes 10")
@_ID
@click.option(
    "--minutes",
    type=click.FloatRange(0, traces.MOST_MINUTES, min_open=True),
    help="Trace its calls from now on, so long.",
)
@click.option("--off", is_flag=True, help="Trace them no more.")
@click.option("--request", "request_id", help="Show only the call with this id.")
@click.option(
    "--last",
    default=20,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show so many calls.",
)
def trace(
    *,
    instance_id: int,
    minutes: float | None,
    off: bool,
    request_id: str | None,
    last: int,
) -> None:
    """Show traced calls, a JSON object a line, or switch tracing on and off.

    A trace is the caller's request, the answer, and what was said to Autotask for it,
    all secrets masked. Calls are traced while tracing is on.
    """
    if off and minutes is not None:
        raise click.UsageError("Give --minutes or --off, not both.")
    with open_context() as ctx:
        found = _find(ctx, instance_id)
        if off:
            traces.stop(ctx, found)
        elif minutes is not None:
            traces.start(ctx, found, {"duration": minutes})
        else:
            for one in traces.read(ctx, found.id, request_id=request_id, newest=last):
                click.echo(orjson.dumps(one).decode())


@instance.command(epilog="Example: bridge instance remove 900001 --yes")
@_ID
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(*, instance_id: int, yes: bool) -> None:
    """Remove an instance; its token stops working at once."""
    with open_context() as ctx:
        found = _find(ctx, instance_id)
        if not yes:
            click.confirm(f"Remove {found.name} ({found.id})?", abort=True, err=True)
        remove_instance(ctx.database, found.id)
    click.echo(f"Removed {found.id}.")


def _find(ctx: Context, instance_id: int) -> Instance:
    found = get_instance(ctx.database, instance_id)
    if found is None:
        raise NotFoundError(f"There is no instance {instance_id}.")
    return found


def _test(ctx: Context, one: Instance) -> dict[str, object]:
    try:
        usage = credentials.open_backend(ctx, one).check()
    except (ProviderError, InvalidRequestError) as error:
        text = error.message
        if isinstance(error, ProviderThresholdError):
            text = f"{text} Now {_limits(ctx, one)}."
        return {"id": one.id, "status": "failed", "text": text}
    text = f"{usage.used} of {usage.threshold} calls used this hour"
    return {"id": one.id, "status": "ok", "text": f"{text}; {_limits(ctx, one)}"}


def _limits(ctx: Context, one: Instance) -> str:
    zone = (get_instance(ctx.database, one.id) or one).zone
    databases = [] if zone is None else [zone.database]
    figures = ctx.governor.figures(databases, Caller(one.id))
    return "; ".join(map(describe_limits, figures))


def _summary(one: Instance) -> Mapping[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "elementKey": one.element_key,
        "organizationId": one.organization_id,
        "user": one.user_email,
        "tags": list(one.tags),
        "disabled": one.disabled,
        "zone": one.zone.url if one.zone else None,
    }


def _read_pairs(texts: Sequence[str]) -> dict[str, JSON]:
    pairs = [text.partition("=") for text in texts]
    if not all(equals for _, equals, _ in pairs):
        raise click.UsageError("--set wants KEY=VALUE.")
    return {key.strip(): value for key, _, value in pairs}
