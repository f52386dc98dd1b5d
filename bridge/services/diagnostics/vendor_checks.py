"""Checks of the connection to Autotask for one API user.

Five vendor calls, of which two are the zone look-up, outside the quota.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from bridge.catalog.model import Resource, Verb
from bridge.errors import (
    BridgeError,
    InvalidRequestError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderForbiddenError,
    ProviderIdentifierError,
    ProviderProtocolError,
    ProviderThresholdError,
    ProviderUnavailableError,
    StoreError,
    Unreachable,
)
from bridge.interfaces import (
    Backend,
    Caller,
    Credentials,
    EntityInfo,
    InspectableRateLimiter,
    Usage,
    Zone,
)
from bridge.interfaces.diagnostics import BackendDiagnostics
from bridge.services.diagnostics.doctor import Finding, fail, fine, warn
from bridge.services.usage.call_budgets import describe_limits

SLOW_SHARE, STOP_SHARE = 0.60, 0.95
"""Shares of the hourly threshold at which bulk work, and then every call, stops."""

SKEW_WARNED = timedelta(seconds=30)
SKEW_REFUSED = timedelta(minutes=5)

Clock: TypeAlias = Callable[[], datetime]

_VERBS = {
    Verb.LIST: "query",
    Verb.GET: "query",
    Verb.CREATE: "create",
    Verb.UPDATE: "update",
    Verb.DELETE: "delete",
}


_CONNECTION_CURES = {
    Unreachable.NAME: "check the name in the server URL and this machine's DNS",
    Unreachable.REFUSED: "check host and port of the server URL: nothing listens there "
    "now, or a firewall refuses",
    Unreachable.TIMEOUT: "let the firewall admit outgoing connections to it, check the "
    "server URL; if all is well, wait for Autotask",
    Unreachable.TLS: "check that the server URL is Autotask's; where a proxy opens "
    "TLS, add its certificate to this machine's authorities",
    Unreachable.OTHER: "check the server URL, network, DNS, firewall and proxy; if all "
    "is well, wait for Autotask",
}
_PAUSE = re.compile(r"maint|unavailable|upgrad|offline|\bdown\b", re.IGNORECASE)
_VENDOR = re.compile(r"\bautotask\.net\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ConnectionUnderTest:
    """The API user and the instance whose connection is checked."""

    credentials: Credentials
    resources: Sequence[Resource]
    zone: Zone | None = None
    instance_id: int | None = None


def check_connection(
    clock: Clock,
    probe: BackendDiagnostics,
    connection: ConnectionUnderTest,
    rate_limiter: InspectableRateLimiter | None = None,
) -> Generator[Finding, None, Zone | None]:
    """Yield the findings one by one; a failure that the others need ends them.

    With a `rate_limiter`, one finding says which calls it lets pass. Returns the zone
    if the login succeeded.
    """
    # Filled even if the login fails: a found zone shows that network and URL work.
    found: list[Zone] = []
    backend = probe.open_backend(connection.credentials, found.append)
    try:
        usage = backend.check()
    except BridgeError as error:
        if found:
            yield _found_zone(connection, found[-1])
            yield from _refused_login(connection.credentials, error)
            if isinstance(error, ProviderThresholdError) and rate_limiter is not None:
                yield _limits(rate_limiter, found[-1], connection)
        else:
            yield _no_zone(connection.credentials, error)
        return None
    zone = found[-1]
    yield _found_zone(connection, zone)
    yield fine("login", f"{connection.credentials.username} is an API user")
    yield fine("integration code", "accepted")
    yield check_usage(usage)
    if rate_limiter is not None:
        yield _limits(rate_limiter, zone, connection)
    yield from _permissions(backend, connection)
    yield _clock(clock, probe, zone, connection.credentials)
    return zone


def check_usage(usage: Usage) -> Finding:
    """Check the hourly count of calls to the tenant's database."""
    text = f"{usage.used} of {usage.threshold} calls in {usage.timeframe_minutes} min"
    share = usage.used / usage.threshold if usage.threshold else 1.0
    if share >= STOP_SHARE:
        cure = "wait; find out at GET /usage/vendor which instance uses it up"
        return fail("threshold", f"{text}: used up", cure)
    if share >= SLOW_SHARE:
        cure = "bulk work pauses until the hour has passed; look for another program"
        return warn("threshold", f"{text}: nearly used up", cure)
    return fine("threshold", text)


def _limits(
    rate_limiter: InspectableRateLimiter, zone: Zone, connection: ConnectionUnderTest
) -> Finding:
    """Report which calls the rate limiter lets pass, now that it knows the count."""
    caller = Caller(connection.instance_id)
    try:
        # Read after `check`, which has just reported Autotask's own count.
        [budget] = rate_limiter.get_budgets([zone.database], caller)
    except StoreError as error:
        text = f"not known: {error.message.rstrip('.')}"
        return warn("rate limiter", text, "see the line on the database")
    text = describe_limits(budget)
    if any(budget.refused_until.values()) or budget.breaker_until:
        cure = "nothing: from then on the first call has Autotask's count read again"
        return warn("rate limiter", text, cure)
    return fine("rate limiter", text)


def check_permission(resource: Resource, info: EntityInfo | None) -> Finding:
    """Check the API user's permissions for one resource."""
    check = f"permission {resource.name}"
    if info is None:
        return fail(
            check,
            f"the tenant has no {resource.entity}",
            "let an administrator switch its module on at Autotask, or do without",
        )
    allowed = {
        "query": info.can_query,
        "create": info.can_create,
        "update": info.can_update,
        "delete": info.can_delete,
    }
    wanted = dict.fromkeys(_VERBS[verb] for verb in Verb if verb in resource.verbs)
    refused = [verb for verb in wanted if not allowed[verb] or verb in info.denied]
    if not refused:
        return fine(check, ", ".join(wanted))
    # Without query nothing works; without a write verb most of the facade does.
    level = fail if "query" in refused else warn
    return level(
        check,
        f"the API user may not {' or '.join(refused)} {resource.entity}",
        f"give its security level access to {resource.entity} at Autotask",
    )


def _permissions(
    backend: Backend, connection: ConnectionUnderTest
) -> Iterator[Finding]:
    try:
        infos = {info.name: info for info in backend.entities()}
    except ProviderError as error:
        cure = "check the API user's security level at Autotask"
        yield fail("permissions", error.message.rstrip("."), cure)
        return
    for resource in connection.resources:
        yield check_permission(resource, infos.get(resource.entity))


def _found_zone(connection: ConnectionUnderTest, zone: Zone) -> Finding:
    text = f"{zone.url}, database {zone.ci}"
    if connection.zone is not None and connection.zone.url != zone.url:
        cure = "nothing: the next call finds the new zone by itself"
        return warn("zone", f"{text}; moved from {connection.zone.url}", cure)
    return fine("zone", text)


def _no_zone(credentials: Credentials, error: BridgeError) -> Finding:
    text = error.message.rstrip(".")
    if isinstance(error, InvalidRequestError):
        cure = (
            "use https and a host under autotask.net, or add the host to "
            "BRIDGE_AUTOTASK_ALLOWED_HOSTS"
        )
    elif isinstance(error, ProviderCredentialsError):
        cure = "correct crm.autotask.username (API username)"
    elif isinstance(error, ProviderProtocolError) and _is_pause(credentials, error):
        cure = (
            "wait, and see Autotask's status page; if it says that all is well, "
            f"correct the server URL, {credentials.server_url}, or the API zone"
        )
    elif isinstance(error, ProviderProtocolError):
        cure = f"correct the server URL, {credentials.server_url}, or the API zone"
    elif isinstance(error, ProviderUnavailableError) and error.unreachable:
        cure = _CONNECTION_CURES[error.unreachable]
    elif isinstance(error, ProviderBusyError):
        cure = "wait, and see Autotask's status page"
    else:
        cure = "try again; then ask Autotask's support with this text"
    return fail("zone", text, cure)


def _is_pause(credentials: Credentials, error: ProviderProtocolError) -> bool:
    """Return whether a page instead of a reply means that Autotask is down.

    Either its text says so, or it comes from one of Autotask's own hosts, which serve
    no other pages.
    """
    page = error.provider_message or ""
    return _PAUSE.search(page) is not None or (
        _VENDOR.search(credentials.server_url) is not None and "HTTP 200" in str(error)
    )


def _refused_login(credentials: Credentials, error: BridgeError) -> Iterator[Finding]:
    text = error.message.rstrip(".")
    if isinstance(error, ProviderIdentifierError):
        yield fine("login", "user name and password are accepted")
        cure = (
            "make one at Autotask under Admin, Resources/Users, API user, API Tracking "
            "Identifier; set BRIDGE_INTEGRATION_CODE or crm.autotask.integration.code"
        )
        if credentials.integration_code:
            cure = "compare it, all 27 characters, with the API user's at Autotask"
        yield fail("integration code", text, cure)
    elif isinstance(error, ProviderCredentialsError):
        cure = "correct crm.autotask.password (API secret), or unlock the API user"
        yield fail("login", text, cure)
    elif isinstance(error, ProviderThresholdError):
        yield fail("threshold", text, "wait until the hour has passed")
    elif isinstance(error, ProviderForbiddenError):
        yield fail("login", text, "check the API user's security level at Autotask")
    elif isinstance(error, ProviderUnavailableError) and error.unreachable:
        yield fail("login", text, _CONNECTION_CURES[error.unreachable])
    else:
        yield fail("login", text, "wait and try again; see Autotask's status page")


def _clock(
    clock: Clock, probe: BackendDiagnostics, zone: Zone, credentials: Credentials
) -> Finding:
    try:
        vendor = probe.vendor_time(zone, credentials)
    except ProviderError as error:
        return warn("clock", error.message.rstrip("."), "try again")
    skew = clock() - vendor
    side = "ahead of" if skew > timedelta() else "behind"
    text = f"{abs(skew.total_seconds()):.0f} s {side} Autotask's"
    cure = "synchronise this machine's clock (chrony, systemd-timesyncd)"
    if abs(skew) > SKEW_REFUSED:
        return fail("clock", text, cure)
    if abs(skew) > SKEW_WARNED:
        return warn("clock", text, cure)
    return fine("clock", text)
