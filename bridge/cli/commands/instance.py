"""`bridge instance`: list, show, import, test, trace and remove instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import orjson

from bridge.cli.administration import open_context, open_store, open_trial
from bridge.cli.commands.provisioning import INSTANCE_ID, add, find, show_change, update
from bridge.cli.output import (
    as_json,
    show_json,
    show_list,
    show_members,
    show_status,
)
from bridge.cli.visible_text import visible
from bridge.errors import (
    InvalidRequestError,
    OperatorError,
    ProviderError,
    ProviderThresholdError,
)
from bridge.interfaces import Caller
from bridge.services import credentials, traces
from bridge.services.context import Context
from bridge.services.diagnostics.installation import find_missing
from bridge.services.instances import lifecycle
from bridge.services.instances.bodies import MASK, instance_document
from bridge.services.organizations import importing
from bridge.services.usage.call_budgets import describe_limits
from bridge.settings import read_settings
from bridge.store import instance_search
from bridge.store.importing import ImportResult
from bridge.store.instances import Instance, get_instance, remove_instance

_UNTIL = "%H:%M:%S UTC"


@click.group(epilog="Example: bridge instance list --json")
def instance() -> None:
    """Manage instances: the connections to Autotask behind element tokens."""


instance.add_command(add)
instance.add_command(update)


@instance.command("list", epilog="Example: bridge instance list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List all instances of all organizations."""
    with open_store() as database:
        found = instance_search.list_instances(database)
    show_list(
        [_summary(one) for one in found],
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
        as_json=as_json,
        empty="There are no instances: make one with `bridge instance add`.",
    )


@instance.command(epilog="Example: bridge instance show 900001 --secrets")
@INSTANCE_ID
@click.option("--secrets", is_flag=True, help="Show the token too; never the password.")
@as_json
def show(*, instance_id: int, secrets: bool, as_json: bool) -> None:
    """Show one instance, its secrets masked."""
    with open_context() as ctx:
        found = find(ctx, instance_id)
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
    epilog="Example: bridge instance import old.json --check; docs/migrating.md has "
    "the file's shape.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Check everything and store nothing.")
@as_json
def import_(*, file: Path, check: bool, as_json: bool) -> None:
    """Import organizations, users and instances with their ids, secrets and tokens.

    All or nothing. Repeated, it adds what is new and leaves the rest as it is.
    Credentials are not tested: `bridge instance test --all` does that.
    """
    try:
        document = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.") from error
    imported = _import(document, check=check)
    if as_json:
        show_json({"added": imported.added, "kept": imported.kept, "checked": check})
        return
    click.echo("Nothing was written; it would be:" if check else "Done:")
    for kind in ("organizations", "accounts", "users", "instances"):
        added, kept = imported.added.get(kind, 0), imported.kept.get(kind, 0)
        click.echo(f"  {kind:<14}{added} added, {kept} there already")


@instance.command(epilog="Example: bridge instance test --all")
@click.argument("instance_ids", metavar="[ID]...", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Test all that are enabled.")
@as_json
def test(*, instance_ids: Sequence[int], every: bool, as_json: bool) -> None:
    """Log in to Autotask with stored credentials; one call for each instance.

    It also refreshes the call budget from Autotask's count, for all processes, and is
    never refused by it.
    """
    if every == bool(instance_ids):
        raise click.UsageError("Give ids, or --all.")
    with open_context() as ctx:
        tested = (
            [
                one
                for one in instance_search.list_instances(ctx.database)
                if not one.disabled
            ]
            if every
            else [find(ctx, instance_id) for instance_id in instance_ids]
        )
        results = [_test(ctx, one) for one in tested]
    if as_json:
        show_json(results)
    elif not results:
        click.echo("There are no enabled instances to test.", err=True)
    else:
        for result in results:
            status = f"{result['status']:<7}"
            show_status(f"{result['id']}  ", status, str(result["text"]))
    failed = [result for result in results if result["status"] != "ok"]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(results)} instances failed.")


@instance.command(epilog="Example: bridge instance trace 900001 --minutes 10")
@INSTANCE_ID
@click.option(
    "--minutes",
    type=click.FloatRange(0, traces.MAX_MINUTES, min_open=True),
    help="Start tracing, for so many minutes.",
)
@click.option("--off", is_flag=True, help="Stop tracing.")
@click.option("--request", "request_id", help="Show only the request with this id.")
@click.option(
    "--last",
    default=20,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show at most so many requests.",
)
def trace(
    *,
    instance_id: int,
    minutes: float | None,
    off: bool,
    request_id: str | None,
    last: int,
) -> None:
    """Show traced requests, one JSON object a line, or start and stop tracing.

    A trace contains the caller's request, our response and the messages exchanged with
    Autotask for it, all secrets masked.
    """
    if off and minutes is not None:
        raise click.UsageError("Give --minutes or --off, not both.")
    with open_context() as ctx:
        found = find(ctx, instance_id)
        if off:
            traces.stop(ctx, found)
            click.echo(f"Tracing of {found.id} is off.", err=True)
        elif minutes is not None:
            until = traces.start(ctx, found, {"duration": minutes})
            click.echo(f"Tracing {found.id} until {until:{_UNTIL}}.", err=True)
        else:
            calls = traces.read(ctx, found.id, request_id=request_id, newest=last)
            count = 0
            for count, one in enumerate(calls, 1):  # noqa: B007 - counts them
                click.echo(orjson.dumps(one).decode())
            if not count:
                click.echo(_explain_no_traces(ctx, found, request_id), err=True)


@instance.command(epilog="Example: bridge instance disable 900001")
@INSTANCE_ID
@as_json
def disable(*, instance_id: int, as_json: bool) -> None:
    """Refuse the calls of an instance until it is enabled; its token stays."""
    _set_enabled(instance_id, enabled=False, as_json=as_json)


@instance.command(epilog="Example: bridge instance enable 900001")
@INSTANCE_ID
@as_json
def enable(*, instance_id: int, as_json: bool) -> None:
    """Serve the calls of a disabled instance again."""
    _set_enabled(instance_id, enabled=True, as_json=as_json)


@instance.command(epilog="Example: bridge instance remove 900001 --yes")
@INSTANCE_ID
@click.option("--yes", is_flag=True, help="Do not prompt for confirmation.")
def remove(*, instance_id: int, yes: bool) -> None:
    """Remove an instance; its token stops working at once."""
    with open_context() as ctx:
        found = find(ctx, instance_id)
        if not yes:
            named = f"{visible(found.name)} ({found.id})"
            click.confirm(f"Remove {named}?", abort=True, err=True)
        remove_instance(ctx.database, found.id)
    click.echo(f"Removed {found.id}.")


def _set_enabled(instance_id: int, *, enabled: bool, as_json: bool) -> None:
    with open_context() as ctx:
        found = find(ctx, instance_id)
        lifecycle.set_enabled(ctx, found, enabled=enabled)
        document = instance_document(ctx, find(ctx, instance_id))
    done = "Enabled" if enabled else "Disabled"
    show_change(document, f"{done} {found.id}.", as_json=as_json)


def _import(document: bytes, *, check: bool) -> ImportResult:
    """Import a file; an invalid one never creates a new installation."""
    settings = read_settings()
    # Tried on a temporary database first, so that a bad file creates no installation.
    if find_missing(settings):
        with open_trial(settings) as ctx:
            imported = importing.import_document(ctx, document, check=True)
        if check:
            return imported
    with open_context(settings, new=not check) as ctx:
        return importing.import_document(ctx, document, check=check)


def _test(ctx: Context, one: Instance) -> dict[str, object]:
    try:
        usage = credentials.open_backend(ctx, one).check()
    except (ProviderError, InvalidRequestError) as error:
        text = error.message
        if isinstance(error, ProviderThresholdError):
            text = f"{text} Now {_limits(ctx, one)}."
        return {"id": one.id, "status": "failed", "text": text}
    text = f"{usage.used} of {usage.threshold} calls used this hour"
    state = "; disabled: calls are refused" if one.disabled else ""
    text = f"{text}; {_limits(ctx, one)}{state}"
    return {"id": one.id, "status": "ok", "text": text}


def _limits(ctx: Context, one: Instance) -> str:
    zone = (get_instance(ctx.database, one.id) or one).zone
    databases = [] if zone is None else [zone.database]
    limits = ctx.rate_limiter.get_budgets(databases, Caller(one.id))
    return "; ".join(map(describe_limits, limits))


def _explain_no_traces(ctx: Context, one: Instance, request_id: str | None) -> str:
    if request_id is not None:
        return f"No call {visible(request_id)} of {one.id} is traced."
    if one.traced_until and traces.is_traced(ctx, one):
        until = f"{one.traced_until:{_UNTIL}}"
        return f"No calls of {one.id} are traced yet; tracing is on until {until}."
    begin = f"bridge instance trace {one.id} --minutes 10"
    return f"No calls of {one.id} are traced; `{begin}` begins."


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
