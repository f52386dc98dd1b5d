"""`bridge db`: the schema, and backups of the database."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from bridge.cli.administration import open_store
from bridge.cli.output import as_json, show_json
from bridge.composition import open_database, open_existing_database
from bridge.services.diagnostics.restoring import restore_database
from bridge.settings import read_settings
from bridge.store.database import backup as store_backup
from bridge.store.database.restore import jobs_copy
from bridge.store.secrets.private_files import is_there

_FILE = click.Path(dir_okay=False)


def _require_name(_ctx: click.Context, _parameter: click.Parameter, file: str) -> Path:
    """Refuse an empty name, which would be this directory, and `name/..`."""
    path = Path(file)
    if path.name in {"", ".."}:
        raise click.BadParameter(f"{file!r} is not the name of a file.")
    return path


@click.group(epilog="Example: bridge db version")
def db() -> None:
    """Upgrade, back up and restore the database."""


@db.command(epilog="Example: bridge db upgrade")
def upgrade() -> None:
    """Upgrade the database to the schema of this program; `bridge serve` does it too.

    Stop the processes of the former release first. Of several upgrades at once, one
    does the work and the others wait.
    """
    with contextlib.closing(open_database(read_settings())) as database:
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
    with contextlib.closing(open_existing_database(read_settings())) as database:
        found, needed = database.versions()
    if as_json:
        show_json({"database": found, "program": needed})
    else:
        click.echo(f"database {found}, program {needed}")


@db.command(epilog="Example: bridge db backup bridge-2026-11-22.db")
@click.argument("file", type=_FILE, callback=_require_name)
def backup(*, file: Path) -> None:
    """Copy the database into a new file while Bridge runs.

    Running jobs are in a second file: `copy.db` comes with `copy.jobs.db`.

    Save `keys.json` as well, in another place: neither is of use without the other,
    and together they decrypt every credential. With PostgreSQL use pg_dump.
    """
    with open_store() as database:
        written = store_backup.back_up(database, file)
        keys = database.keys.source
    click.echo(f"Wrote {' and '.join(map(str, written))}.")
    source = keys or "BRIDGE_KEYS"
    click.echo(f"It opens only with {source}: keep that too, elsewhere.", err=True)


@db.command(epilog="Example: bridge db restore bridge-2026-11-22.db --replace")
@click.argument("file", type=_FILE, callback=_require_name)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace the database that is there; it is moved into a directory beside it.",
)
def restore(*, file: Path, replace: bool) -> None:
    """Replace the database by a backup; Bridge must be stopped.

    The running jobs that `bridge db backup` wrote beside it, `copy.jobs.db`, are
    restored too. The whole backup is checked first, and must open with this key ring:
    restore the `keys.json` that was saved with it before.

    A restore that was interrupted is finished by the same command; until then nothing
    starts. With PostgreSQL use pg_restore.
    """
    done = restore_database(read_settings(), file, replace=replace)
    click.echo(f"Restored {' and '.join(map(str, done.files))}.")
    if done.schema != done.needed:
        click.echo(f"Its schema is {done.schema}; the next start upgrades it.")
    if not is_there(jobs_copy(file)):
        click.echo(
            f"There is no {jobs_copy(file).name}: work under way is not restored.",
            err=True,
        )
    if done.former is not None:
        click.echo(f"The former database is in {done.former}.", err=True)
