"""`bridge doctor`: diagnostics of the installation, each problem with its fix."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import click

from bridge.catalog.loader import load_elements
from bridge.cli.administration import password_stdin, read_password
from bridge.cli.description_check import check_descriptions
from bridge.cli.output import as_json, show_json, show_line, show_status
from bridge.composition import (
    BACKENDS,
    DESCRIPTIONS,
    DIAGNOSTICS,
    open_rate_limiter,
)
from bridge.errors import BridgeError, ConfigurationError, single_full_stops
from bridge.interfaces import InspectableRateLimiter
from bridge.services import credentials as config_keys
from bridge.services.credentials import parse_credentials, read_backend_name
from bridge.services.diagnostics import doctor as checks
from bridge.services.diagnostics import vendor_checks
from bridge.services.diagnostics.directory_checks import check_directory, check_disk
from bridge.services.diagnostics.doctor import Finding, Level, fail, warn
from bridge.services.diagnostics.vendor_checks import ConnectionUnderTest
from bridge.settings import Settings, load_settings
from bridge.store.database.engine import Database
from bridge.store.instances import Instance, get_instance

_ELEMENT = "autotaskcrm"


@click.command(
    epilog="Example: bridge doctor --instance 900001; or, before there is one: "
    "bridge doctor --username api@x.example --server-url https://ww3.autotask.net "
    "--password-stdin < secret"
)
@click.option("--instance", "instance_id", type=int, help="Examine its connection too.")
@click.option("--username", "--api-username", help="Examine this API user instead.")
@click.option("--password", "--api-secret", help="Prefer --password-stdin.")
@password_stdin
@click.option("--server-url", help="As seen in the browser.")
@click.option("--zone", "--api-zone", help="Instead of the server URL: webservices3.")
@click.option(
    "--integration-code", "--api-integration-code", help="If not the setting."
)
@as_json
def doctor(  # noqa: PLR0913 - its options
    *,
    instance_id: int | None,
    username: str | None,
    password: str | None,
    from_stdin: bool,
    server_url: str | None,
    zone: str | None,
    integration_code: str | None,
    as_json: bool,
) -> None:
    """Check settings, data directory, keys, database and the connection to Autotask.

    Changes nothing, except that Autotask's count of calls is shared with all processes:
    a call budget that is free again is used at once. Exits with 1 if a check failed;
    warnings do not count.
    """
    if from_stdin:
        password = read_password(
            password, from_stdin=True, prompt="Password of the API user", confirm=False
        )
    given = {
        config_keys.USERNAME: username,
        config_keys.PASSWORD: password,
        config_keys.SERVER_URL: server_url,
        config_keys.ZONE: zone,
        config_keys.INTEGRATION_CODE: integration_code,
    }
    configuration = {key: value for key, value in given.items() if value}
    _check_usage(instance_id, configuration)
    findings = _show_each(_examine(instance_id, configuration), as_json=as_json)
    failed = sum(finding.level is Level.FAILED for finding in findings)
    if failed:
        raise click.ClickException(f"{failed} of {len(findings)} checks failed.")


def _check_usage(instance_id: int | None, configuration: dict[str, str]) -> None:
    """Refuse options that would be ignored, or that do not suffice for a login."""
    if not configuration:
        return
    if instance_id is not None:
        raise click.UsageError(
            "--instance takes what is stored: give it alone, or --username with a "
            "password and --server-url or --zone."
        )
    places = {config_keys.SERVER_URL, config_keys.ZONE} & configuration.keys()
    login = {config_keys.USERNAME, config_keys.PASSWORD} <= configuration.keys()
    if not login or len(places) != 1:
        raise click.UsageError(
            "To log in, give --username, a password, and --server-url or --zone."
        )


def _examine(
    instance_id: int | None, configuration: dict[str, str]
) -> Iterator[Finding | None]:
    """Check the installation, then what is in it; None is a check without a finding."""
    yield checks.check_names(os.environ)
    try:
        loaded = load_settings()
    except ConfigurationError as error:
        text, _, cure = error.message.rstrip(".").partition("; ")
        yield fail("settings", text, cure or "correct it there")
        return
    settings = loaded.settings
    described = checks.describe(settings, loaded.file)
    yield described
    yield checks.check_settings_file(loaded)
    if config_keys.INTEGRATION_CODE not in configuration:
        code = settings.integration_code.get_secret_value()
        yield checks.check_code_length(settings.place("integration_code"), code)
    directory = check_directory(settings)
    yield directory
    if Level.FAILED not in {described.level, directory.level}:
        yield from _examine_store(settings, instance_id, configuration)
    elif configuration:
        yield from _examine_vendor(settings, configuration)


def _examine_store(
    settings: Settings, instance_id: int | None, configuration: Mapping[str, str]
) -> Iterator[Finding | None]:
    """Check the database, then the connection to Autotask.

    A missing installation is a failure, unless a configuration is given.
    """
    yield check_disk(settings)
    findings, keys = checks.check_keys(settings)
    yield from findings
    needed = not configuration
    findings, database = checks.check_database(settings, keys, needed=needed)
    yield from findings
    if database is None:
        if configuration:
            yield from _examine_vendor(settings, configuration)
        return
    rate_limiter = open_rate_limiter(settings, database)
    with contextlib.closing(database), contextlib.closing(rate_limiter):
        if instance_id is not None:
            yield from _examine_instance(settings, database, rate_limiter, instance_id)
        elif configuration:
            yield from _examine_vendor(
                settings, configuration, rate_limiter=rate_limiter
            )


def _examine_instance(
    settings: Settings,
    database: Database,
    rate_limiter: InspectableRateLimiter,
    instance_id: int,
) -> Iterator[Finding | None]:
    instance = get_instance(database, instance_id)
    if instance is None:
        text = f"there is no instance {instance_id}"
        yield fail("instance", text, "bridge instance list")
        return
    if instance.disabled:
        text = f"{instance_id} is disabled, its calls are refused"
        yield warn("instance", text, f"bridge instance enable {instance_id}")
    yield from _examine_vendor(settings, instance.configuration, instance, rate_limiter)


def _examine_vendor(
    settings: Settings,
    configuration: Mapping[str, str],
    instance: Instance | None = None,
    rate_limiter: InspectableRateLimiter | None = None,
) -> Iterator[Finding | None]:
    """Check the connection to Autotask; needs no installation and creates nothing."""
    try:
        name = read_backend_name(configuration, BACKENDS)
        credentials = parse_credentials(settings, configuration)
    except BridgeError as error:
        text = error.message.rstrip(".")
        yield fail("instance", text, "correct its configuration")
        return
    if code := configuration.get(config_keys.INTEGRATION_CODE, "").strip():
        yield checks.check_code_length(config_keys.INTEGRATION_CODE, code)
    element = load_elements()[instance.element_key if instance else _ELEMENT]
    connection = ConnectionUnderTest(
        credentials,
        tuple(element.resources.values()),
        zone=instance.zone if instance else None,
        instance_id=instance.id if instance else None,
    )
    # Not rate limited, because diagnostics must work when nothing else does.
    with contextlib.closing(DIAGNOSTICS[name](settings, rate_limiter)) as diagnostics:
        reached = yield from vendor_checks.check_connection(
            lambda: datetime.now(UTC), diagnostics, connection, rate_limiter
        )
        if reached is not None and name in DESCRIPTIONS:
            descriptions = DESCRIPTIONS[name](settings)
            yield check_descriptions(descriptions, diagnostics, reached, connection)


def _show_each(findings: Iterator[Finding | None], *, as_json: bool) -> list[Finding]:
    """Print each finding at once; as JSON, all at the end."""
    shown = []
    for finding in filter(None, findings):
        shown.append(finding)
        if not as_json:
            text = single_full_stops(f" {finding.check}: {finding.text}.")
            show_status("", f"{finding.level:<8}", text)
            if finding.cure:
                show_line(f"{'':<8} cure: {finding.cure}.")
    if as_json:
        show_json([asdict(finding) for finding in shown])
    return shown
