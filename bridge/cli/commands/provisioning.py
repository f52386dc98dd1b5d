"""`bridge instance add` and `update`: Autotask must accept credentials first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from bridge.cli.administration import open_context, password_stdin, read_password
from bridge.cli.output import as_json, show_json, show_members
from bridge.errors import NotFoundError
from bridge.services import credentials
from bridge.services.context import Context
from bridge.services.instances import lifecycle
from bridge.services.instances.bodies import MASK
from bridge.store import users
from bridge.store.instances import Instance, get_instance
from bridge.types import JSON

INSTANCE_ID = click.argument("instance_id", metavar="ID", type=int)
"""The argument of commands on one instance."""

_VOCABULARIES = """
One connection, two vocabularies. The keys of the old element on the left, the fields
of the newer connect form on the right; the options take either.

\b
crm.autotask.username           API username
crm.autotask.password           API secret
crm.autotask.server.url         API zone, for example webservices3
crm.autotask.integration.code   API integration code
"""
_PROMPT = "Password of the API user"
_CONNECTION = (
    click.option(
        "--password",
        "--api-secret",
        help="Visible to other users of this machine; prefer --password-stdin.",
    ),
    password_stdin,
    click.option("--server-url", help="As in the browser: https://ww3.autotask.net."),
    click.option(
        "--zone", "--api-zone", help="Instead of the server URL: webservices3."
    ),
    click.option(
        "--integration-code",
        "--api-integration-code",
        help="27 characters; default: BRIDGE_INTEGRATION_CODE.",
    ),
    click.option("--tag", "tags", multiple=True, help="May be repeated."),
    click.option(
        "--set",
        "further",
        multiple=True,
        metavar="KEY=VALUE",
        help="A further key of the configuration; may be repeated.",
    ),
)


def _connection_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_CONNECTION):
        command = option(command)
    return command


@click.command(
    help="Create an instance, once Autotask has accepted its credentials.\n"
    + _VOCABULARIES,
    epilog="Example: bridge instance add --user ann@northwind.example --name PSA "
    "--username api@northwind.example --password-stdin --zone webservices3 < secret",
)
@click.option("--user", "owner", required=True, help="Id or e-mail of its user.")
@click.option("--name", required=True, help="For display, and the default tag.")
@click.option("--username", "--api-username", required=True, help="The API user.")
@_connection_options
@as_json
def add(
    *,
    owner: str,
    name: str,
    password: str | None,
    from_stdin: bool,
    tags: Sequence[str],
    as_json: bool,
    **connection: Any,  # noqa: ANN401 - the options of `_configuration`
) -> None:
    """Create an instance; its help text is above."""
    if (connection["server_url"] is None) == (connection["zone"] is None):
        raise click.UsageError("Give one of --server-url and --zone.")
    secret = read_password(
        password, from_stdin=from_stdin, prompt=_PROMPT, confirm=False
    )
    body: dict[str, JSON] = {
        "name": name,
        "element": {"key": "autotaskcrm"},
        "configuration": _configuration(secret, **connection),
    }
    if tags:
        body["tags"] = list(tags)
    with open_context() as ctx:
        user = users.get_user(ctx.database, owner)
        document = lifecycle.create_instance(ctx, user, body)
    if as_json:
        show_json(document)
    else:
        show_members({name: document[name] for name in ("id", "name", "token")})


@click.command(
    help="Change an instance; everything without an option stays, its token too.\n\n"
    "When credentials change, Autotask must accept them first.\n" + _VOCABULARIES,
    epilog="Example: bridge instance update 900001 --password-stdin < secret",
)
@INSTANCE_ID
@click.option("--name", help="For display.")
@click.option("--username", "--api-username", help="The API user.")
@_connection_options
@click.option(
    "--unset",
    "removed",
    multiple=True,
    metavar="KEY",
    help="Remove a key of the configuration; may be repeated.",
)
@as_json
def update(  # noqa: PLR0913 - its options
    *,
    instance_id: int,
    name: str | None,
    password: str | None,
    from_stdin: bool,
    tags: Sequence[str],
    removed: Sequence[str],
    as_json: bool,
    **connection: Any,  # noqa: ANN401 - the options of `_configuration`
) -> None:
    """Change an instance; its help text is above."""
    if connection["server_url"] and connection["zone"]:
        raise click.UsageError("Give one of --server-url and --zone, not both.")
    if name is not None and not name.strip():
        raise click.UsageError("--name is empty.")
    secret = None
    if password is not None or from_stdin:
        secret = read_password(
            password, from_stdin=from_stdin, prompt=_PROMPT, confirm=False
        )
    configuration = _configuration(secret, **connection)
    # The server URL overrides the zone, so the other of the two must be removed.
    if connection["zone"]:
        configuration[credentials.SERVER_URL] = None
    if connection["server_url"]:
        configuration[credentials.ZONE] = None
    configuration |= dict.fromkeys(removed)
    body: dict[str, JSON] = {}
    if name is not None:
        body["name"] = name
    if tags:
        body["tags"] = list(tags)
    if configuration:
        body["configuration"] = configuration
    if not body:
        raise click.UsageError("Nothing to change: give at least one option.")
    with open_context() as ctx:
        found = find(ctx, instance_id)
        document = lifecycle.patch_instance(ctx, found, body)
    show_change(document, f"Updated {instance_id}.", as_json=as_json)


def find(ctx: Context, instance_id: int) -> Instance:
    """Return an instance.

    Raises:
        NotFoundError: the id is unknown.
    """
    found = get_instance(ctx.database, instance_id)
    if found is None:
        raise NotFoundError(f"There is no instance {instance_id}.")
    return found


def show_change(document: Mapping[str, JSON], done: str, *, as_json: bool) -> None:
    """Print what was done to an instance, or the instance as JSON, its token masked."""
    if as_json:
        show_json({**document, "token": MASK})
    else:
        click.echo(done)


def _configuration(
    secret: str | None,
    *,
    username: str | None,
    server_url: str | None,
    zone: str | None,
    integration_code: str | None,
    further: Sequence[str],
) -> dict[str, JSON]:
    """Return the configuration of the options that were given."""
    given: dict[str, JSON] = {
        credentials.USERNAME: username,
        credentials.PASSWORD: secret,
        credentials.SERVER_URL: server_url,
        credentials.ZONE: zone,
        credentials.INTEGRATION_CODE: integration_code,
    }
    pairs = [text.partition("=") for text in further]
    if not all(key.strip() and equals for key, equals, _ in pairs):
        raise click.UsageError("--set wants KEY=VALUE.")
    configuration: dict[str, JSON] = {
        key: value for key, value in given.items() if value
    }
    configuration.update((key.strip(), value) for key, _, value in pairs)
    return configuration
