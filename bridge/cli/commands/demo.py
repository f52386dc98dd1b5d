"""`bridge demo`: simulator and facade on this machine, with a demo instance."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from pathlib import Path

import click
import orjson

from bridge.cli.listen_addresses import PORT, check_address
from bridge.cli.processes import Child, child, stoppable, wait_for
from bridge.composition import open_database
from bridge.errors import ConflictError, OperatorError
from bridge.sandbox.serve import LARGE, SEEDS
from bridge.settings import Settings
from bridge.store import organizations
from bridge.store.secrets.private_files import make_private_directory, make_private_file

EMAIL = "demo@bridge.example"
_STATE = "demo.json"
_LEVEL = "BRIDGE_LOG_LEVEL"
_HOST = "127.0.0.1"


@click.command(epilog="Example: bridge demo --json | head -1")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=PORT,
    help="Facade port; 0: a free one.",
)
@click.option(
    "--sandbox-port",
    default=8081,
    show_default=True,
    type=PORT,
    help="Simulator port; 0: a free one.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything here; without it nothing is kept.",
)
@click.option(
    "--seed",
    default="small",
    show_default=True,
    type=click.Choice(sorted(SEEDS.keys() - LARGE)),
    help="The simulator's data set.",
)
@click.option(
    "--verbose", is_flag=True, help="Log every request; without it warnings and errors."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line when it is ready."
)
def demo(
    *,
    port: int,
    sandbox_port: int,
    data_dir: Path | None,
    seed: str,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run simulator and facade here, with a demo user and instance.

    Database, key ring, data directory and settings file of an installation are never
    used, whatever the environment says.

    Loopback server URLs are allowed, so the demo user can create further instances
    against the simulator. Ctrl-C or SIGTERM stops everything.
    """
    if port == sandbox_port != 0:
        raise click.UsageError("--port and --sandbox-port must differ.")
    check_address(_HOST, port)
    check_address(_HOST, sandbox_port, option="--sandbox-port")
    with (
        stoppable() as stopped,
        _directory(data_dir) as directory,
        child(_sandbox_arguments(sandbox_port, seed, directory), {}) as simulator,
        child(
            ["serve", "--port", str(port)],
            _environment(directory, simulator, verbose=verbose),
        ) as facade,
    ):
        line = _prepare(directory, simulator, facade)
        click.echo(
            orjson.dumps(line).decode() if as_json else _describe(line), nl=as_json
        )
        sys.stdout.flush()
        wait_for([simulator, facade], stopped)


@contextmanager
def _directory(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        make_private_directory(data_dir)
        yield data_dir.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as name:
        yield Path(name)


def _sandbox_arguments(port: int, seed: str, directory: Path) -> list[str]:
    data = str(directory / "sandbox.db")
    choices = {"--port": str(port), "--data": data, "--seed": seed}
    choices["--limits"] = "generous"
    return ["sandbox", *chain.from_iterable(choices.items())]


def _environment(
    directory: Path, simulator: Child, *, verbose: bool
) -> dict[str, str | None]:
    """Return the changes to the facade's environment; None removes a variable."""
    # Another installation's database would be sealed with keys that are deleted with
    # the demo, so its variables are removed.
    ours = {
        "BRIDGE_CONFIG": "",
        "BRIDGE_DATA_DIR": str(directory),
        "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
        "BRIDGE_CALLBACK_ALLOWED_NETWORKS": '["127.0.0.0/8", "::1/128"]',
        "BRIDGE_INTEGRATION_CODE": simulator.announced["integrationCode"],
    }
    # Names of settings are not case-sensitive.
    removed = [name for name in os.environ if _is_of_installation(name.upper(), ours)]
    if not verbose and _LEVEL not in os.environ:
        ours[_LEVEL] = "warning"
    return {**dict.fromkeys(removed), **ours}


def _is_of_installation(name: str, ours: Mapping[str, str]) -> bool:
    return (
        name in ours
        or name in {"BRIDGE_DATABASE_URL", "BRIDGE_KEYS"}
        or (name.startswith("BRIDGE_") and name.endswith("_FILE"))
    )


def _prepare(directory: Path, simulator: Child, facade: Child) -> dict[str, object]:
    """Create user and instance; return the line that the demo prints."""
    state = _demo_user(directory)
    base_url = facade.announced["baseUrl"]
    instance = _demo_instance(base_url, simulator.announced, state)
    state["instanceId"] = str(instance["id"])
    _keep(directory, state)
    return {
        "baseUrl": base_url,
        "userSecret": state["userSecret"],
        "organizationSecret": state["organizationSecret"],
        "instanceId": instance["id"],
        "elementToken": instance["token"],
        **simulator.announced,
        "login": {"username": EMAIL, "password": state["password"]},
    }


def _demo_user(directory: Path) -> dict[str, str]:
    """Return secrets and password of the demo user, created at the first start."""
    kept = directory / _STATE
    try:
        with contextlib.suppress(FileNotFoundError):
            state: dict[str, str] = json.loads(kept.read_bytes())
            return state
    except (OSError, ValueError):
        raise OperatorError(
            f"{kept} cannot be read; delete {directory}, or name another --data-dir."
        ) from None
    password = secrets.token_urlsafe(12)
    settings = Settings(data_dir=directory, database_url=None, keys=None)
    database = open_database(settings)
    try:
        tenant = organizations.add_tenant(
            database,
            organization="Bridge demo",
            email=EMAIL,
            password=password,
            first_name="Dana",
            last_name="Demo",
        )
    except ConflictError:
        raise OperatorError(
            f"{directory} holds a demo that never finished its start; "
            "delete it, or name another --data-dir."
        ) from None
    finally:
        database.close()
    state = {
        "password": password,
        "userSecret": tenant.user_secret,
        "organizationSecret": tenant.organization_secret,
    }
    _keep(directory, state)
    return state


def _keep(directory: Path, state: Mapping[str, str]) -> None:
    """Save the state for the next start in this directory, for its owner only."""
    # Written to a new file first: a crash must not leave a half-written state.
    made = directory / f"{_STATE}.new"
    make_private_file(made)
    made.write_bytes(orjson.dumps(state))
    made.replace(directory / _STATE)


def _demo_instance(
    base_url: str, simulator: Mapping[str, str], state: Mapping[str, str]
) -> dict[str, object]:
    """Return the demo instance; a saved one gets the simulator's current address."""
    configuration = {
        "crm.autotask.username": simulator["username"],
        "crm.autotask.password": simulator["password"],
        "crm.autotask.server.url": simulator["sandboxUrl"],
    }
    kept = state.get("instanceId")
    if kept:
        body: dict[str, object] = {"configuration": configuration}
        document = _send(base_url, "PATCH", f"/instances/{kept}", body, state)
        if document is not None:
            return document
    body = {
        "name": "Demo",
        "element": {"key": "autotaskcrm"},
        "tags": ["demo"],
        "configuration": configuration,
    }
    document = _send(base_url, "POST", "/instances", body, state)
    if document is None:
        raise OperatorError("The facade does not know the element autotaskcrm.")
    return document


def _send(
    base_url: str,
    method: str,
    path: str,
    body: Mapping[str, object],
    state: Mapping[str, str],
) -> dict[str, object] | None:
    """Call the facade as the demo user; None for a 404.

    Raises:
        OperatorError: any other error, with the facade's message.
    """
    authorization = (
        f"User {state['userSecret']}, Organization {state['organizationSecret']}"
    )
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        base_url + path,
        data=orjson.dumps(body),
        headers={"Authorization": authorization, "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            document: dict[str, object] = orjson.loads(response.read())
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise OperatorError(
            f"The demo instance was not made: {error.read().decode(errors='replace')}"
        ) from error
    return document


def _describe(line: Mapping[str, object]) -> str:
    """Return the text for people: addresses, and example calls to paste."""
    login = line["login"]
    person = login if isinstance(login, dict) else {}
    base_url = str(line["baseUrl"])
    authorization = (
        f"User {line['userSecret']}, Organization {line['organizationSecret']}, "
        f"Element {line['elementToken']}"
    )
    return f"""\
Bridge demo is running. Ctrl-C stops it.

  API          {base_url}
  Reference    {base_url.removesuffix(_ROOT)}/docs
  Instance     {line["instanceId"]}
  Login        {person.get("username")} / {person.get("password")}
  Simulator    {line["sandboxUrl"]} (status page)
               {line["username"]} / {line["password"]}

Paste these lines into another terminal, one by one or all at once:

AUTH='Authorization: {authorization}'
CRM={base_url}/hubs/crm
{_CALLS}"""


_ROOT = "/elements/api-v2"
_CALLS = """\
curl -sw '\\n' -H "$AUTH" "$CRM/accounts?pageSize=2&fields=id,accountName,phone"
curl -sw '\\n' -H "$AUTH" -G $CRM/contacts --data-urlencode \
"where=firstName LIKE 'Ri%' AND active = 1" -d fields=firstName,lastName,createDate
curl -sw '\\n' -H "$AUTH" $CRM/contacts -d '{"accountID":0,"active":1,\
"firstName":"Ida","lastName":"Moe"}'
"""
