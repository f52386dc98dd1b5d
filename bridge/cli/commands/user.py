"""`bridge user`: organizations, and the users that own instances."""

from __future__ import annotations

import re

import click

from bridge.cli.administration import open_store, password_stdin, read_password
from bridge.cli.output import (
    as_json,
    show_json,
    show_line,
    show_list,
    show_members,
)
from bridge.cli.visible_text import visible
from bridge.services.organizations import users as platform_users
from bridge.store import organizations, users
from bridge.store.database.engine import Database
from bridge.store.organizations import User
from bridge.store.users import UserChange

_NEW = "Password for logging in"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@click.group(
    epilog="Example: bridge user add --organization Northwind --email ann@x.example"
)
def user() -> None:
    """Manage the users whose secrets callers send."""


@user.command(
    epilog="Example: bridge user add --organization Northwind "
    "--email ann@northwind.example --password-stdin < password.txt"
)
@click.option("--email", required=True, help="Address to log in with; unique.")
@click.option("--organization", help="Name of a new organization.")
@click.option(
    "--organization-id", type=int, help="Id of the organization to add the user to."
)
@click.option("--first-name", default="", help="For display.")
@click.option("--last-name", default="", help="For display.")
@click.option("--password", help="Visible to other users of this machine; prefer:")
@password_stdin
@as_json
def add(  # noqa: PLR0913 - its options
    *,
    email: str,
    organization: str | None,
    organization_id: int | None,
    first_name: str,
    last_name: str,
    password: str | None,
    from_stdin: bool,
    as_json: bool,
) -> None:
    """Create a user, with a new organization or in an existing one.

    Prints the two secrets that callers send as `User …, Organization …`.
    """
    if (organization is None) == (organization_id is None):
        raise click.UsageError("Give one of --organization and --organization-id.")
    if organization is not None and not organization.strip():
        raise click.UsageError("--organization is empty: give it a name.")
    if not _ADDRESS.fullmatch(email):
        raise click.UsageError("--email is not an e-mail address.")
    secret = read_password(
        password,
        from_stdin=from_stdin,
        prompt=_NEW,
        confirm=True,
    )
    with open_store(new=organization_id is None) as database:
        if organization_id is None:
            made = organizations.add_tenant(
                database,
                organization=organization or "",
                email=email,
                password=secret,
                first_name=first_name,
                last_name=last_name,
            ).user
        else:
            made = users.add_user(
                database,
                organization_id=organization_id,
                email=email,
                password=secret,
                first_name=first_name,
                last_name=last_name,
            )
        _show(_describe(made) | _secrets(database, made), as_json=as_json)


@user.command("list", epilog="Example: bridge user list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List all users."""
    with open_store() as database:
        found = users.list_users(database)
    show_list(
        [_describe(one) for one in found],
        ("id", "e-mail", "organization", "name", "active"),
        [
            (
                one.id,
                one.email,
                f"{one.organization_id} {one.organization_name}",
                _name(one),
                one.active,
            )
            for one in found
        ],
        as_json=as_json,
        empty="There are no users: make one with `bridge user add`.",
    )


@user.command(epilog="Example: bridge user show ann@northwind.example --secrets")
@click.argument("user", metavar="ID|EMAIL")
@click.option("--secrets", is_flag=True, help="Show user and organization secret too.")
@as_json
def show(*, user: str, secrets: bool, as_json: bool) -> None:
    """Show one user."""
    with open_store() as database:
        found = users.get_user(database, user)
        shown = _secrets(database, found) if secrets else {}
        _show(_describe(found) | shown, as_json=as_json)


@user.command(
    "set-password",
    epilog="Example: bridge user set-password ann@northwind.example --password-stdin "
    "< password.txt",
)
@click.argument("user", metavar="ID|EMAIL")
@click.option("--password", help="Visible to other users of this machine; prefer:")
@password_stdin
@as_json
def set_password(
    *, user: str, password: str | None, from_stdin: bool, as_json: bool
) -> None:
    """Set a user's password for logging in; the user's sessions end.

    The secrets that callers send stay.
    """
    secret = read_password(password, from_stdin=from_stdin, prompt=_NEW, confirm=True)
    platform_users.require_password(secret)
    with open_store() as database:
        found = users.get_user(database, user)
        users.change_user(database, found, UserChange(password=secret), by=None)
    if as_json:
        show_json(_describe(found))
    else:
        show_line(f"Set the password of {found.email}; its sessions have ended.")


@user.command(epilog="Example: bridge user remove ann@northwind.example --yes")
@click.argument("user", metavar="ID|EMAIL")
@click.option("--yes", is_flag=True, help="Do not prompt for confirmation.")
def remove(*, user: str, yes: bool) -> None:
    """Remove a user without instances; with the last user, the organization too."""
    with open_store() as database:
        found = users.get_user(database, user)
        if not yes:
            named = f"{visible(found.email)} ({found.id})"
            click.confirm(f"Remove {named}?", abort=True, err=True)
        users.remove_user(database, found)
    show_line(f"Removed {found.email}.")


def _show(members: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        show_json(members)
    else:
        show_members(members)


def _describe(one: User) -> dict[str, object]:
    return {
        "id": one.id,
        "email": one.email,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "active": one.active,
        "accountId": one.account_id,
        "organizationId": one.organization_id,
        "organizationName": one.organization_name,
    }


def _secrets(database: Database, one: User) -> dict[str, object]:
    user_secret, organization_secret = organizations.read_secrets(database, one)
    return {"userSecret": user_secret, "organizationSecret": organization_secret}


def _name(one: User) -> str:
    return f"{one.first_name} {one.last_name}".strip()
