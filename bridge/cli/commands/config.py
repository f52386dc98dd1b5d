"""`bridge config`: show the settings in effect, or write a settings file."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import SecretStr

from bridge.cli.output import as_json, show_json, show_whole_cells
from bridge.errors import OperatorError
from bridge.services.diagnostics.installation import read_url
from bridge.settings import LoadedSettings, Settings, load_settings
from bridge.settings.names import CONFIG, key_path, variable
from bridge.settings.paths import make_absolute
from bridge.settings.settings_file import LOCAL_FILE, SYSTEM_FILE
from bridge.settings.table import to_toml
from bridge.settings.template import render_settings_file
from bridge.store.database.database_url import mask_url
from bridge.store.secrets.key_ring import KeyRing

_MASK = "********"


@click.group(
    invoke_without_command=True,
    epilog="Example: bridge config --json; or, to begin with: bridge config init",
)
@as_json
@click.pass_context
def config(ctx: click.Context, *, as_json: bool) -> None:
    """Show the settings in effect and where each comes from, or write a file."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show, as_json=as_json)
    elif as_json:
        name = ctx.invoked_subcommand
        raise click.UsageError(f"Give --json after the command: bridge config {name}.")


@config.command(epilog="Example: bridge config show --json")
@as_json
def show(*, as_json: bool) -> None:
    """Show every setting, its value and where it comes from; secrets are masked."""
    loaded = load_settings()
    _check_secrets(loaded.settings)
    rows = list(_rows(loaded, as_json=as_json))
    if as_json:
        names = ("key", "variable", "value", "source")
        file = None if loaded.file is None else str(loaded.file)
        settings = [dict(zip(names, row, strict=True)) for row in rows]
        show_json({"file": file, "settings": settings})
        return
    click.echo(_describe_file(loaded.file))
    shown = [
        (key, str(value), "settings file" if source == str(loaded.file) else source)
        for key, _variable, value, source in rows
    ]
    show_whole_cells(("setting", "value", "from"), shown)


@config.command(epilog="Example: bridge config init /etc/bridge/bridge.toml")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def init(file: Path | None) -> None:
    """Write a settings file with every setting, commented out.

    FILE is what --config or BRIDGE_CONFIG names, else ./bridge.toml. A file that
    exists is not overwritten. Only its owner may read it.
    """
    path = make_absolute(file or os.environ.get(CONFIG) or LOCAL_FILE)
    _write_new(path, render_settings_file())
    click.echo(f"Wrote {path}; only this user may read it.")
    if os.geteuid() == 0:
        name = shlex.quote(str(path))
        click.echo(f"If Bridge runs as another user: chown USER {name}")


def _check_secrets(settings: Settings) -> None:
    """Validate the database URL and the key ring.

    Raises:
        ConfigurationError: one is malformed; names its place, never its value.
    """
    read_url(settings)
    if settings.keys:
        place = settings.place("keys")
        KeyRing.find(settings.data_dir, settings.keys.get_secret_value(), place)


def _rows(
    loaded: LoadedSettings, *, as_json: bool
) -> Iterator[tuple[str, str, object, str]]:
    for name, source in loaded.sources.items():
        value = getattr(loaded.settings, name)
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            value = mask_url(secret) if name == "database_url" else secret and _MASK
        elif isinstance(value, Path):
            value = str(value)
        shown = value if as_json else to_toml(value)
        yield key_path(name), variable(name), shown, source


def _describe_file(file: Path | None) -> str:
    if file is not None:
        return f"Settings file: {file}"
    if CONFIG in os.environ:
        return f"Settings file: none, because {CONFIG} is empty"
    places = f"{make_absolute(LOCAL_FILE)} and {SYSTEM_FILE}"
    return f"Settings file: none, looked for {places}"


def _write_new(path: Path, text: str) -> None:
    """Write a new file with mode 0600, atomically.

    Raises:
        OperatorError: it exists, or cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text, encoding="utf-8")
        # Unlike a rename, a link never replaces a file.
        path.hardlink_to(draft)
    except FileExistsError:
        text = f"{path} exists; remove it, or name another file."
        raise OperatorError(text) from None
    except OSError as error:
        fix = "name another file, or run as a user who may write there"
        if not path.parent.exists():
            fix = f"run `mkdir -p {shlex.quote(str(path.parent))}`"
        text = f"{path} cannot be written: {error.strerror}; {fix}."
        raise OperatorError(text) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
