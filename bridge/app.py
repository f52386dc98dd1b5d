"""The composition root: the one place that knows every room.

Nothing is built at import; a process builds its own context after it was forked.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask

from bridge import __version__, web
from bridge.backends.autotask_soap.client import RetryPolicy
from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.probe import SoapDiagnostics
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.unlimited_rate_limiter import ReportingRateLimiter
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.catalog.loader import load_elements
from bridge.errors import ConfigurationError
from bridge.interfaces import CallLog, OpenBackend, RateLimiter, UsageObserver
from bridge.jobs.enqueue import Enqueuer
from bridge.services.context import Context
from bridge.services.diagnostics.installation import (
    configured_url,
    read_url,
    require_installation,
)
from bridge.services.labels import NameCache
from bridge.services.measured_limiter import MeasuredRateLimiter
from bridge.services.metadata_cache import MetadataCache
from bridge.services.pending_writes import PendingWrites
from bridge.services.request_log import RequestLog
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

    `keys` are those it was opened with, for processes that are forked later.
    """

    identity: str
    keys: KeyRing | None = None


def open_database(settings: Settings, opened: OpenedDatabase | None = None) -> Database:
    """Open the database with its key ring; both are made at the first start.

    Nothing is made where a database was `opened` before: what is missing then is lost.

    Raises:
        ConfigurationError: the key ring is not the one that sealed this database, or
            is missing; then nothing was made.
        StoreError: the schema is newer than this release, nothing answers, or the
            database is not the one that was opened.
    """
    url = read_url(settings)
    keys = opened.keys if opened is not None else None
    return Database.open(
        url,
        keys=keys or _open_keys(settings, url, make=opened is None),
        opened=None if opened is None else opened.identity,
    )


def open_existing_database(settings: Settings) -> Database:
    """Open the database of an installation; nothing is ever made.

    An older schema is opened as it is.

    Raises:
        ConfigurationError: there is no installation, or its key ring is missing or
            another one.
        StoreError: the schema is newer than this release, or nothing answers.
    """
    require_installation(settings)
    url = read_url(settings)
    keys = _open_keys(settings, url, make=False)
    return Database.open(url, keys=keys, make=False)


def make_database(settings: Settings, *, new: bool = True) -> OpenedDatabase:
    """Make the database where it is missing, upgrade it where it is old, and close it.

    `new` tells whether a missing one may be made, and the data directory for it.

    Raises:
        ConfigurationError: as `open_database`.
        StoreError: as `open_database`; or it cannot be upgraded, or not be written.
    """
    if new:
        make_private_directory(settings.data_dir)
    open_it = open_database if new else open_existing_database
    with contextlib.closing(open_it(settings)) as database:
        database.upgrade()
        database.check_writable()
        find_jobs_database(database)
        return OpenedDatabase(database.identity, database.keys)


def _open_keys(settings: Settings, url: str, *, make: bool) -> KeyRing:
    """Return the key ring; a new one only for a database that none has sealed yet."""
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
    # Another process may have made both since we looked.
    ring = ring or KeyRing.find(settings.data_dir, configured, place)
    if ring is None:
        raise ConfigurationError(
            f"{settings.data_dir / KEYS_FILE} does not exist and BRIDGE_KEYS is not "
            "set, but the database was sealed with a key ring; nothing was changed. "
            "Restore that keys.json, or copy it from the machine that has it: a new "
            "one cannot open the database."
        )
    return ring


def build_context(settings: Settings, database: Database) -> Context:
    """Build what use cases work with; no vendor call."""
    rate_limiter = open_rate_limiter(settings, database)
    metrics = Metrics(version=__version__)
    request_log = RequestLog(database, metrics, settings)
    return Context(
        settings=settings,
        database=database,
        elements=load_elements(),
        open_backend=open_soap(
            settings,
            rate_limiter=MeasuredRateLimiter(rate_limiter, metrics),
            log=request_log,
        ),
        rate_limiter=rate_limiter,
        fields=MetadataCache(),
        directories=MetadataCache(),
        names=NameCache(),
        enqueue=Enqueuer(database),
        clock=lambda: datetime.now(UTC),
        request_log=request_log,
        metrics=metrics,
        pending_writes=PendingWrites(),
        state_reader=TimedReader(),
        readiness_reader=TimedReader(),
    )


def open_rate_limiter(settings: Settings, database: Database) -> SharedRateLimiter:
    """Return this process's way to the call budget that all processes share."""
    rules = LimiterSettings(
        lanes=settings.rate_limit_slots,
        instance_lanes=settings.rate_limit_slots_per_instance,
        lease_s=settings.rate_limit_lease_s,
        wait_s=settings.rate_limit_max_wait_s,
    )
    return SharedRateLimiter(database, rules)


def open_soap(
    settings: Settings,
    *,
    rate_limiter: RateLimiter | None = None,
    log: CallLog | None = None,
) -> OpenBackend:
    """Return the way to a SOAP backend: pools and WSDL shared by all instances."""
    return open_service(settings, rate_limiter=rate_limiter, log=log).open_backend


def open_service(
    settings: Settings,
    *,
    rate_limiter: RateLimiter | None = None,
    log: CallLog | None = None,
) -> SoapService:
    """Return what `open_soap` opens backends of, for whoever wants to close it."""
    return SoapService(
        rate_limiter=rate_limiter,
        log=log,
        descriptions=settings.data_dir / "wsdl",
        timeouts=Timeouts(
            connect_s=settings.autotask_connect_timeout_s,
            read_s=settings.autotask_read_timeout_s,
        ),
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
    """Return what operators ask zones with; no gate holds it back.

    What its backends hear of the vendor's count is reported, where `reports` are given.
    """
    rate_limiter = None if reports is None else ReportingRateLimiter(reports)
    return SoapDiagnostics(
        open_service(settings, rate_limiter=rate_limiter),
        settings.data_dir / "wsdl",
        timeouts=Timeouts(
            connect_s=settings.autotask_connect_timeout_s,
            read_s=settings.autotask_read_timeout_s,
        ),
        user_agent=f"bridge/{__version__}",
    )


def start_process(settings: Settings, *, serves: bool) -> None:
    """Send this process's logs to stderr and its figures where `/metrics` sums them.

    For a process that serves or works, first thing; its children inherit both. The
    figures begin anew when the facade starts, not with each of its workers. Files that
    an older release left readable to others are restricted to their owner.

    Raises:
        ConfigurationError: the data directory cannot be made or written.
    """
    logs.start(settings.log_format, settings.log_level)
    make_private_directory(settings.data_dir)
    restrict_data(settings.data_dir, check_url(read_url(settings)))
    figures = settings.data_dir / "metrics"
    try:
        share(figures, reset=serves)
    except OSError as error:
        raise ConfigurationError(
            f"The directory {figures} cannot be used: {error.strerror}; run as the "
            "owner of BRIDGE_DATA_DIR, or name another."
        ) from error


def create_app(settings: Settings, opened: OpenedDatabase | None = None) -> Flask:
    """Build the facade for one serving process; the schema must be current.

    Raises:
        ConfigurationError: as `open_database`.
        StoreError: as `open_database`; or the schema is another release's.
    """
    database = open_database(settings, opened)
    database.check_schema()
    context = build_context(settings, database)
    app = Flask(__name__, static_folder=None)
    web.register(app, context)
    return app
