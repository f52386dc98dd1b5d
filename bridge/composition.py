"""The composition root: opens a process's database, context and backends.

No other module names a backend. Nothing is built at import; each process builds its own
context after the fork.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bridge import __version__
from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.description_files import DescriptionFiles
from bridge.backends.autotask_soap.diagnostics import SoapDiagnostics
from bridge.backends.autotask_soap.retry import RetryPolicy
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.unlimited_rate_limiter import ReportingRateLimiter
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.catalog.loader import load_elements
from bridge.errors import ConfigurationError
from bridge.interfaces import BackendService, CallLog, RateLimiter, UsageObserver
from bridge.interfaces.diagnostics import BackendDiagnostics
from bridge.interfaces.service_descriptions import ServiceDescriptions
from bridge.jobs.enqueue import Enqueuer
from bridge.services.context import Context
from bridge.services.diagnostics.installation import (
    configured_url,
    read_url,
    require_installation,
)
from bridge.services.measured_limiter import MeasuredRateLimiter
from bridge.services.pending_writes import PendingWrites
from bridge.services.request_log import RequestLog
from bridge.services.timed_cache import TimedCache
from bridge.services.timed_reading import TimedReader
from bridge.settings import Settings
from bridge.store.database.database_url import check_url
from bridge.store.database.engine import Database
from bridge.store.database.installation import DatabaseContents, read_contents
from bridge.store.database.jobs_database import find_jobs_database
from bridge.store.rate_limit.ledger import LimiterSettings
from bridge.store.rate_limit.limiter import SharedRateLimiter
from bridge.store.secrets.key_ring import KEYS_FILE, KeyRing
from bridge.store.secrets.private_files import make_private_directory, restrict_data
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics, share


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """A database that this process or its parent has opened: see `Database.identity`.

    `keys` is the key ring it was opened with, for processes that are forked later.
    """

    identity: str
    keys: KeyRing | None = None


def open_database(settings: Settings, opened: OpenedDatabase | None = None) -> Database:
    """Open the database with its key ring; both are created at the first start.

    If a database was `opened` before, neither is created: a missing one is lost then,
    and a new one would hide that.

    Raises:
        ConfigurationError: the key ring did not seal this database, or is missing;
            then nothing was created.
        StoreError: the schema is newer than this release, the server does not respond,
            or the database is another than the opened one.
    """
    url = read_url(settings)
    keys = opened.keys if opened is not None else None
    return Database.open(
        url,
        keys=keys or _open_keys(settings, url, make=opened is None),
        opened=None if opened is None else opened.identity,
    )


def open_existing_database(settings: Settings) -> Database:
    """Open the database of an installation; nothing is created.

    An older schema is opened as it is.

    Raises:
        ConfigurationError: no installation exists, or its key ring is missing or
            another one.
        StoreError: the schema is newer than this release, or the server does not
            respond.
    """
    require_installation(settings)
    url = read_url(settings)
    keys = _open_keys(settings, url, make=False)
    return Database.open(url, keys=keys, make=False)


def make_database(settings: Settings, *, new: bool = True) -> OpenedDatabase:
    """Create the database if it is missing, upgrade it if it is old, and close it.

    `new`: a missing database and its data directory may be created.

    Raises:
        ConfigurationError: as `open_database`.
        StoreError: as `open_database`; or it cannot be upgraded or written.
    """
    if new:
        make_private_directory(settings.data_dir)
    open_it = open_database if new else open_existing_database
    with contextlib.closing(open_it(settings)) as database:
        database.upgrade()
        database.check_writable()
        # With SQLite this creates a file, which processes started later require.
        find_jobs_database(database)
        return OpenedDatabase(database.identity, database.keys)


def _open_keys(settings: Settings, url: str, *, make: bool) -> KeyRing:
    """Return the key ring; a new one only for a database without sealed values."""
    configured = settings.keys.get_secret_value() if settings.keys else None
    place = settings.place("keys")
    ring = KeyRing.find(settings.data_dir, configured, place)
    if make:
        is_new = (
            ring is None and read_contents(url) is not DatabaseContents.INSTALLATION
        )
        if not configured_url(settings):
            make_private_directory(settings.data_dir)
        if is_new:
            return KeyRing.load(settings.data_dir, configured, place)
    # Another process may have created both in the meantime.
    ring = ring or KeyRing.find(settings.data_dir, configured, place)
    if ring is None:
        raise ConfigurationError(
            f"{settings.data_dir / KEYS_FILE} does not exist and BRIDGE_KEYS is not "
            "set, but the database was sealed with a key ring; nothing was changed. "
            "Restore that keys.json, or copy it from the machine that has it: a new "
            "one cannot open the database."
        )
    return ring


def open_rate_limiter(settings: Settings, database: Database) -> SharedRateLimiter:
    """Return this process's limiter of the call budget that all processes share."""
    rules = LimiterSettings(
        slots=settings.rate_limit_slots,
        slots_per_instance=settings.rate_limit_slots_per_instance,
        lease_s=settings.rate_limit_lease_s,
        wait_s=settings.rate_limit_max_wait_s,
    )
    return SharedRateLimiter(database, rules)


def open_service(
    settings: Settings,
    *,
    rate_limiter: RateLimiter | None = None,
    log: CallLog | None = None,
) -> SoapService:
    """Open Autotask's SOAP web services: connections and WSDL for all instances.

    The caller closes it.
    """
    return SoapService(
        rate_limiter=rate_limiter,
        log=log,
        descriptions=settings.data_dir / "wsdl",
        timeouts=_timeouts(settings),
        retries=RetryPolicy(deadline_s=settings.autotask_deadline_s),
        hosts=HostPolicy(
            allowed_hosts=settings.autotask_allowed_hosts,
            allow_loopback=settings.autotask_allow_loopback,
        ),
        user_agent=f"bridge/{__version__}",
    )


def open_diagnostics(
    settings: Settings, reports: UsageObserver | None = None
) -> SoapDiagnostics:
    """Return the diagnostics of zones for operators, without rate limiting.

    Autotask's own count of calls is passed to `reports`, if given.
    """
    rate_limiter = None if reports is None else ReportingRateLimiter(reports)
    return SoapDiagnostics(open_service(settings, rate_limiter=rate_limiter))


def open_descriptions(settings: Settings) -> DescriptionFiles:
    """Return the service descriptions of the SOAP backend, for administration."""
    return DescriptionFiles(settings.data_dir / "wsdl", _timeouts(settings))


def _timeouts(settings: Settings) -> Timeouts:
    return Timeouts(
        connect_s=settings.autotask_connect_timeout_s,
        read_s=settings.autotask_read_timeout_s,
    )


class OpenService(Protocol):
    """Opens what all instances of one process share at a vendor."""

    def __call__(
        self,
        settings: Settings,
        *,
        rate_limiter: RateLimiter | None = None,
        log: CallLog | None = None,
    ) -> BackendService:
        """Open it; no vendor call. The caller closes it."""


class OpenDiagnostics(Protocol):
    """Opens the diagnostics of a vendor."""

    def __call__(
        self, settings: Settings, reports: UsageObserver | None = None
    ) -> BackendDiagnostics:
        """Open them; no vendor call. The caller closes them."""


BACKENDS: Mapping[str, OpenService] = {"soap": open_service}
"""The backends by the names that instances select them by; the first is the default.

A name is stored in configurations, so it stays.
"""

DIAGNOSTICS: Mapping[str, OpenDiagnostics] = {"soap": open_diagnostics}
"""For each of `BACKENDS`, what operators' commands examine a connection with."""

DESCRIPTIONS: Mapping[str, Callable[[Settings], ServiceDescriptions]] = {
    "soap": open_descriptions
}
"""The service descriptions of those backends that have any."""


def build_context(
    settings: Settings,
    database: Database,
    backends: Mapping[str, OpenService] = BACKENDS,
) -> Context:
    """Build the context of use cases; no vendor call.

    The caller closes its backends, unless the process ends with it.
    """
    rate_limiter = open_rate_limiter(settings, database)
    metrics = Metrics(version=__version__)
    request_log = RequestLog(database, metrics, settings)
    measured = MeasuredRateLimiter(rate_limiter, metrics)
    closers = contextlib.ExitStack()
    services = {
        name: closers.enter_context(
            contextlib.closing(
                open_it(settings, rate_limiter=measured, log=request_log)
            )
        )
        for name, open_it in backends.items()
    }
    return Context(
        settings=settings,
        database=database,
        elements=load_elements(),
        backends={name: one.open_backend for name, one in services.items()},
        close_backends=closers.close,
        rate_limiter=rate_limiter,
        # Metadata is compared with the database again after this time.
        fields=TimedCache(2_000, fresh_s=10),
        directories=TimedCache(2_000, fresh_s=10),
        names=TimedCache(20_000, fresh_s=3600),
        enqueue=Enqueuer(database),
        clock=lambda: datetime.now(UTC),
        request_log=request_log,
        metrics=metrics,
        pending_writes=PendingWrites(),
        state_reader=TimedReader(),
        readiness_reader=TimedReader(),
    )


def start_process(settings: Settings, *, serves: bool) -> None:
    """Configure this process's log, and the files that `/metrics` sums up.

    Called first in a process that serves or works; its children inherit both. Metrics
    restart from zero with the facade, not with each of its workers. Files that an older
    release left readable to other users are restricted to their owner.

    Raises:
        ConfigurationError: the data directory cannot be created or written.
    """
    logs.start(settings.log_format, settings.log_level)
    make_private_directory(settings.data_dir)
    restrict_data(settings.data_dir, check_url(read_url(settings)))
    metrics_dir = settings.data_dir / "metrics"
    try:
        share(metrics_dir, reset=serves)
    except OSError as error:
        raise ConfigurationError(
            f"The directory {metrics_dir} cannot be used: {error.strerror}; run as the "
            "owner of BRIDGE_DATA_DIR, or name another."
        ) from error
