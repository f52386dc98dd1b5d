"""`bridge health`: one request, for container healthchecks and scripts."""

from __future__ import annotations

import http.client
import importlib
import math
import socket
import ssl
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import click
import orjson

from bridge.errors import BridgeError

_PAUSE_S = 0.5
_DEFAULT_URL = "http://127.0.0.1:8080"


@click.command(epilog="Example: bridge health --ready --url http://127.0.0.1:8080")
@click.option(
    "--url",
    default=_DEFAULT_URL,
    show_default=True,
    help="Scheme, host and port of `bridge serve`.",
)
@click.option(
    "--ready",
    is_flag=True,
    help="Also require that calls can be served: /readyz in place of /healthz.",
)
@click.option(
    "--worker",
    is_flag=True,
    help="Require the heartbeat of a worker of this host instead.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for the response.",
)
@click.option(
    "--wait",
    "wait_s",
    default=0.0,
    type=click.FloatRange(0, 3600),
    help="Retry for up to so many seconds, until the check succeeds.",
)
def health(
    *, url: str, ready: bool, worker: bool, timeout_s: float, wait_s: float
) -> None:
    """Check that a server or worker on this host runs; exit 0 when it does, else 1.

    Needs no secrets. A certificate is not verified, because none is sent.
    """
    if worker and (ready or url != _DEFAULT_URL):
        raise click.UsageError("--worker goes with neither --ready nor --url.")
    # NaN passes every range check.
    if math.isnan(timeout_s) or math.isnan(wait_s):
        raise click.UsageError("--timeout and --wait must be numbers.")
    address = _read_origin(url) + ("/readyz" if ready else "/healthz")
    ends_at = time.monotonic() + wait_s
    while True:
        try:
            click.echo(_check_worker() if worker else _request(address, timeout_s))
        # A server that starts refuses connections, or has no database yet.
        except (click.ClickException, BridgeError):
            if time.monotonic() >= ends_at:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _read_origin(url: str) -> str:
    """Return scheme, host and port of a URL.

    Raises:
        click.UsageError: it is invalid or contains a user; it is not repeated.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if (
        not host
        or parts.scheme not in {"http", "https"}
        or "@" in parts.netloc
        or port == 0
        or not (host.isascii() and host.isprintable() and " " not in host)
        or not url.isprintable()
    ):
        raise click.UsageError(
            f"--url must look like {_DEFAULT_URL}, without user and password."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _request(url: str, timeout_s: float) -> str:
    """Return the status that a server reports.

    Raises:
        click.ClickException: it reports an error, or does not respond.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Without this, a proxy in the environment would respond instead of the server.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=timeout_s) as response:
            return _read_status(url, response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise click.ClickException(
                f"{url} responds with {error.code}: {_read_reason(error.read())}"
            ) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(f"{url} does not respond: {reason}.") from None


def _read_status(url: str, body: bytes) -> str:
    try:
        return str(orjson.loads(body)["status"])
    except (ValueError, KeyError, TypeError):
        raise click.ClickException(f"{url} is not Bridge.") from None


def _read_reason(body: bytes) -> str:
    try:
        document = orjson.loads(body)
        return str(document.get("reason") or document.get("message") or "no reason.")
    except (ValueError, AttributeError):
        return "not a response of Bridge."


def _check_worker() -> str:
    """Return a sentence about the live workers of this host.

    Raises:
        click.ClickException: there are none.
        BridgeError: the database cannot be used.
    """
    # Importing the store takes longer than a whole HTTP check.
    open_store = importlib.import_module("bridge.cli.administration").open_store
    list_living = importlib.import_module("bridge.store.workers").list_living
    host = socket.gethostname()
    with open_store() as database:
        found = [each.id for each in list_living(database)]
    here = [name for name in found if name.rsplit("-", 2)[0] == host]
    if not here:
        raise click.ClickException(
            f"No worker of this host ({host}) is alive; elsewhere: {len(found)}."
        )
    return f"{', '.join(here)} alive"
