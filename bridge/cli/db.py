"""`bridge db`: the schema, and copies of the database."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from bridge import app
from bridge.cli.opening import open_store
from bridge.cli.output import as_json, show_json
from bridge.settings import read_settings
from bridge.store import backup as store_backup


@click.group(epilog="Example: bridge db version")
def db() -> None:
    """Upgrade and back up the database."""


@db.command(epilog="Example: bridge db upgrade")
def upgrade() -> None:
    """Bring the schema up to this program's; `bridge serve` does it too.

    Processes of the former release should be stopped. Of several upgrades at once one
    does the work and the others wait.
    """
    with contextlib.closing(app.open_database(read_settings())) as database:
        before, _ = database.versions()
        database.upgrade()
        after, _ = database.versions()
    if before == after:
        click.echo(f"The database has schema {after} already.")
    else:
        click.echo(f"Upgraded from schema {before or 'none'} to {after}.")


@db.command(epilog="Example: bridge db version --json")
@as_json
def version(*, as_json: bool) -> None:
    """Show the schema's version and this program's."""
    with contextlib.closing(app.open_existing_database(read_settings())) as database:
        found, needed = database.versions()
    if as_json:
        show_json({"database": found, "program": needed})
    else:
        click.echo(f"database {found}, program {needed}")


@db.command(epilog="Example: bridge db backup bridge-2026-11-22.db")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(*, file: Path) -> None:
    """Copy the database into a new file while everything runs.

    Work under way goes into a second file: `copy.db` comes with `copy.jobs.db`.

    Keep `keys.json` as well, in another place: neither is of use without the other,
    and together they open every credential. With PostgreSQL use pg_dump.
    """
    with open_store() as database:
        written = store_backup.back_up(database, file)
        keys = database.keys.source
    click.echo(f"Wrote {' and '.join(map(str, written))}.")
    kept = keys or "BRIDGE_KEYS"
    click.echo(f"It opens only with {kept}: keep that too, elsewhere.", err=True)
