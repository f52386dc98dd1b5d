"""An instance's configuration read as vendor credentials.

The old element has three keys: user name, password and server URL. An instance may also
have an integration code, and the API zone in place of the server URL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.errors import InvalidRequestError
from bridge.interfaces import (
    Backend,
    Caller,
    Credentials,
    OpenBackend,
    Priority,
    Zone,
)
from bridge.services.context import Context
from bridge.services.traces import is_traced
from bridge.settings import Settings
from bridge.store import instances
from bridge.store.instances import Instance
from bridge.telemetry import current_call

USERNAME = "crm.autotask.username"
PASSWORD = "crm.autotask.password"  # noqa: S105 - the key's name, not a password
SERVER_URL = "crm.autotask.server.url"
INTEGRATION_CODE = "crm.autotask.integration.code"
ZONE = "crm.autotask.zone"
IMPERSONATE = "crm.autotask.impersonate.resource.id"
TIMEZONE = "crm.autotask.timezone"
BACKEND = "crm.autotask.backend"

CREDENTIAL_KEYS = frozenset(
    {
        USERNAME,
        PASSWORD,
        SERVER_URL,
        INTEGRATION_CODE,
        ZONE,
        IMPERSONATE,
        TIMEZONE,
        BACKEND,
    }
)

_ZONE_NAME = re.compile(r"(?:webservices|ww)?(\d{1,3})", re.IGNORECASE | re.ASCII)


def derive_server_url(configuration: Mapping[str, str]) -> str:
    """Return the server URL, else the URL of the API zone, else `""`."""
    server_url = configuration.get(SERVER_URL, "").strip()
    zone = configuration.get(ZONE, "").strip()
    if server_url or not zone:
        return server_url
    if match := _ZONE_NAME.fullmatch(zone):
        return f"https://webservices{match[1]}.autotask.net"
    return zone


def read_backend_name(configuration: Mapping[str, str], known: Collection[str]) -> str:
    """Return which of the known backends a configuration names, or the first one.

    Raises:
        InvalidRequestError: it names another; the message lists those that are known.
    """
    given = configuration.get(BACKEND, "").lower()
    names = [*known]
    if not given:
        return names[0]
    if given in names:
        return given
    listed = " or ".join(f"`{name}`" for name in names)
    only = ", the one way to Autotask there is" if len(names) == 1 else ""
    raise InvalidRequestError(f"{BACKEND} must be {listed}{only}.")


def read_credentials(ctx: Context, configuration: Mapping[str, str]) -> Credentials:
    """Return the credentials in an instance's configuration.

    Raises:
        InvalidRequestError: it names a backend that this release does not have; or as
            `parse_credentials`.
    """
    read_backend_name(configuration, ctx.backends)
    return parse_credentials(ctx.settings, configuration)


def parse_credentials(
    settings: Settings, configuration: Mapping[str, str]
) -> Credentials:
    """Return the credentials in a configuration, completed by the settings.

    The instance's own integration code and time zone take precedence over the
    operator's.

    Raises:
        InvalidRequestError: a value is invalid; the message names the key.
    """
    credentials = Credentials(
        username=configuration[USERNAME].strip(),
        password=configuration[PASSWORD],
        server_url=derive_server_url(configuration),
        integration_code=(
            configuration.get(INTEGRATION_CODE, "").strip()
            or settings.integration_code.get_secret_value()
        ),
        impersonate_resource_id=_read_resource_id(configuration.get(IMPERSONATE, "")),
        timezone=_read_timezone(
            configuration.get(TIMEZONE, "") or settings.autotask_timezone
        ),
    )
    current_call.conceal(credentials.password, credentials.integration_code)
    return credentials


def open_backend(
    ctx: Context,
    instance: Instance,
    *,
    priority: Priority = Priority.INTERACTIVE,
) -> Backend:
    """Return the instance's backend, as `connect` does.

    Raises:
        InvalidRequestError: as `read_credentials`.
    """
    credentials = read_credentials(ctx, instance.configuration)
    return connect(ctx, instance, credentials, priority=priority)


def connect(
    ctx: Context,
    instance: Instance,
    credentials: Credentials,
    *,
    priority: Priority = Priority.INTERACTIVE,
) -> Backend:
    """Return the instance's backend for credentials that are already read.

    Its configuration selects one of `ctx.backends`. No vendor call.
    A zone that the backend finds to have moved is stored. Interactive calls made for
    one request share its deadline; background work has a lower priority and none.
    """

    def store_zone(zone: Zone) -> None:
        instances.update_instance(ctx.database, instance.id, zone=zone)

    request = current_call.current() if priority is Priority.INTERACTIVE else None
    caller = Caller(
        instance.id,
        priority,
        traced=is_traced(ctx, instance),
        deadline=request.started + ctx.settings.autotask_deadline_s
        if request
        else None,
    )
    opener = select_backend(ctx, instance.configuration)
    return opener(credentials, instance.zone, store_zone, caller)


def select_backend(ctx: Context, configuration: Mapping[str, str]) -> OpenBackend:
    """Return what opens the backend that a configuration names.

    Raises:
        InvalidRequestError: this release does not have it.
    """
    return ctx.backends[read_backend_name(configuration, ctx.backends)]


def _read_resource_id(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise InvalidRequestError(f"{IMPERSONATE} must be the id of a Resource.")
    return int(text)


def _read_timezone(text: str) -> str:
    try:
        return ZoneInfo(text.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequestError(
            f"{TIMEZONE} must be a zone name such as America/New_York."
        ) from None
