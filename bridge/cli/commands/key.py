"""`bridge key`: the keys that encrypt secrets in the database."""

from __future__ import annotations

from dataclasses import asdict

import click

from bridge.cli.administration import open_store
from bridge.cli.output import as_json, show_list
from bridge.services.diagnostics import keys
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import new_key, render_ring


@click.group(epilog="Example: bridge key rotate")
def key() -> None:
    """Generate a key ring; list, add, rotate and remove its keys.

    Bridge keeps running. With the ring in `keys.json` run `rotate`, and `remove` the
    former key after a minute at the earliest. With several machines, or with
    BRIDGE_KEYS: `add`, copy the ring to all of them, then `rotate`, copy it again, then
    `remove`.

    The very first key is never removed: tokens and secrets are looked up by digests
    made with it. `list` shows which key that is.
    """


@key.command("list", epilog="Example: bridge key list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List the keys, never their content, and how many values each has sealed."""
    with open_store() as database:
        states, unopened = keys.list_keys(database)
    show_list(
        [asdict(state) for state in states],
        ("id", "role", "digests", "sealed values", "made"),
        [
            (
                state.id,
                state.role,
                "yes" if state.digests else "",
                state.seals,
                state.made[:19],
            )
            for state in states
        ],
        as_json=as_json,
        empty="There are no keys.",
    )
    if unopened:
        raise click.ClickException(
            f"{unopened} stored values open with none of these keys: "
            "a key was lost; put it back."
        )


@key.command(epilog="Example: bridge key generate > secrets/keys")
def generate() -> None:
    """Print a new key ring as JSON; nothing is read and nothing is stored.

    For a new installation whose processes share a key ring as the setting `keys`.
    """
    made = new_key()
    click.echo(render_ring([made], made.id))


@key.command(epilog="Example: bridge key add")
def add() -> None:
    """Add a key that only opens, until the next rotation lets it seal."""
    with open_store() as database:
        added = keys.add_key(database)
        click.echo(f"Added key {added}; it waits for `bridge key rotate`.", err=True)
        _show_text(database)


@key.command(epilog="Example: bridge key rotate && bridge key list")
def rotate() -> None:
    """Seal everything with the key that `add` added, or with a new one.

    Running processes continue: they reload the key ring's file.
    """
    with open_store() as database:
        newest, made = keys.rotate(database)
        click.echo(f"Key {newest} seals now; {made} values sealed again.", err=True)
        _show_text(database)


@key.command(epilog="Example: bridge key remove 5e0cb2a1")
@click.argument("key_id", metavar="KEY")
def remove(*, key_id: str) -> None:
    """Remove a key that no longer seals from the ring.

    Values that are still sealed with it are sealed with the current key first. A key
    that sealed can be removed a minute after the rotation at the earliest. The very
    first key always stays: tokens and secrets are looked up by digests made with it.
    """
    with open_store() as database:
        made = keys.remove_key(database, key_id)
        click.echo(f"Removed key {key_id}; {made} values sealed again.", err=True)
        _show_text(database)


def _show_text(database: Database) -> None:
    """Print a ring that the operator has to set; a file is updated already."""
    text = keys.ring_text(database)
    if text is not None:
        click.echo("Set BRIDGE_KEYS for every process to:", err=True)
        click.echo(text)
