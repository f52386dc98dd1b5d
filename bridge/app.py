"""The composition root: the one place that knows every room.

Nothing is built at import; a process builds its own context after it was forked.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from bridge import __version__, web
from bridge.backends.autotask_soap.client import RetryPolicy
from bridge.backends.autotask_soap.connections import Timeouts
from bridge.backends.autotask_soap.probe import SoapProbe
from bridge.backends.autotask_soap.service import SoapService
from bridge.backends.autotask_soap.zones import HostPolicy
from bridge.catalog.loader import load_elements
from bridge.errors import ConfigurationError
from bridge.interfaces import CallLog, Gate, OpenBackend
from bridge.jobs.enqueue import Enqueuer
from bridge.services.compiled import CompiledCache
from bridge.services.context import Context
from bridge.services.journal import Journal
from bridge.services.labels import NameCache
from bridge.settings import Settings
from bridge.store.crypto import KEYS_FILE, KeyRing
from bridge.store.engine import Database, database_url, is_sealed
from bridge.store.governor.governor import Governor
from bridge.store.governor.ledger import Rules
from bridge.store.paths import make_private_directory
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics, share


def open_database(settings: Settings) -> Database:
    """Open the database with its key ring; both are made at the first start.

    Raises:
        ConfigurationError: the key ring is not the one that sealed this database, or
            is missing; then nothing was made.
        StoreError: the schema is newer than this release, or nothing answers.
    """
    configured = settings.database_url
    url = database_url(
        settings.data_dir, configured.get_secret_value() if configured else None
    )
    return Database.open(url, keys=_open_keys(settings, url))


def _open_keys(settings: Settings, url: str) -> KeyRing:
    """Return the key ring; a new one only for a database that none has sealed yet."""
    configured = settings.keys.get_secret_value() if settings.keys else None
    ring = KeyRing.find(settings.data_dir, configured)
    if ring is None and not is_sealed(url):
        return KeyRing.load(settings.data_dir, configured)
    # Another process may have made both since we looked.
    ring = ring or KeyRing.find(settings.data_dir, configured)
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
    governor = open_governor(settings, database)
    metrics = Metrics(version=__version__)
    journal = Journal(database, metrics, settings)
    return Context(
        settings=settings,
        database=database,
        elements=load_elements(),
        open_backend=open_soap(settings, gate=governor, log=journal),
        governor=governor,
        fields=CompiledCache(),
        directories=CompiledCache(),
        names=NameCache(),
        enqueue=Enqueuer(database),
        clock=lambda: datetime.now(UTC),
        journal=journal,
        metrics=metrics,
    )


def open_governor(settings: Settings, database: Database) -> Governor:
    """Return this process's way to the call budget that all processes share."""
    rules = Rules(
        lanes=settings.governor_lanes,
        instance_lanes=settings.governor_instance_lanes,
        lease_s=settings.governor_lease_s,
        wait_s=settings.governor_wait_s,
    )
    return Governor(database, rules)


def open_soap(
    settings: Settings, *, gate: Gate | None = None, log: CallLog | None = None
) -> OpenBackend:
    """Return the way to a SOAP backend: pools and WSDL shared by all instances."""
    return open_service(settings, gate=gate, log=log).open_backend


def open_service(
    settings: Settings, *, gate: Gate | None = None, log: CallLog | None = None
) -> SoapService:
    """Return what `open_soap` opens backends of, for whoever wants to close it."""
    return SoapService(
        gate=gate,
        log=log,
        descriptions=settings.data_dir / "wsdl",
        timeouts=Timeouts(
            connect_s=settings.connect_timeout_s,
            read_s=settings.read_timeout_s,
        ),
        retries=RetryPolicy(deadline_s=settings.request_deadline_s),
        hosts=HostPolicy(
            allowed_hosts=settings.allowed_hosts,
            allow_loopback=settings.allow_loopback,
        ),
        user_agent=f"bridge/{__version__}",
    )


def open_probe(settings: Settings) -> SoapProbe:
    """Return what operators ask zones with; it passes no gate."""
    return SoapProbe(
        open_service(settings),
        settings.data_dir / "wsdl",
        timeouts=Timeouts(
            connect_s=settings.connect_timeout_s, read_s=settings.read_timeout_s
        ),
        user_agent=f"bridge/{__version__}",
    )


def start_process(settings: Settings, *, serves: bool) -> None:
    """Send this process's logs to stderr and its figures where `/metrics` sums them.

    For a process that serves or works, first thing; its children inherit both. The
    figures begin anew when the facade starts, not with each of its workers.

    Raises:
        ConfigurationError: the data directory cannot be made or written.
    """
    logs.start(settings.log_format, settings.log_level)
    make_private_directory(settings.data_dir)
    figures = settings.data_dir / "metrics"
    try:
        share(figures, anew=serves)
    except OSError as error:
        raise ConfigurationError(
            f"The directory {figures} cannot be used: {error.strerror}; run as the "
            "owner of BRIDGE_DATA_DIR, or name another."
        ) from error


def create_app(settings: Settings) -> Flask:
    """Build the facade for one serving process; the schema must be current."""
    database = open_database(settings)
    database.check_schema()
    context = build_context(settings, database)
    app = Flask(__name__, static_folder=None)
    web.register(app, context)
    return app
