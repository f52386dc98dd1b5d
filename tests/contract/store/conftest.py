"""Every store test runs on SQLite and on PostgreSQL, and finds them empty.

`db` is upgraded once and holds only `tenant` before each test; `url` and `fresh_db`
are new. Upgrades and password digests would take most of the time otherwise.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, false, not_, text, true, update

from bridge.interfaces import Zone
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.instances import Instance, add_instance
from bridge.store.logs.request_log import RequestEntry
from bridge.store.models import accounts, key_checks, metadata, organizations, users
from bridge.store.organizations import NewTenant, add_tenant
from bridge.store.secrets.key_ring import KeyRing

RESTART = {
    "sqlite": text("UPDATE sqlite_sequence SET seq = 900000 WHERE name = 'instances'"),
    "postgresql": text("ALTER SEQUENCE instances_id_seq RESTART"),
}


NAMED = (
    "from bridge.store.process_identity import new_holder_name; "
    "print(new_holder_name())"
)


@pytest.fixture(scope="session")
def dead_holder() -> str:
    """The name of a process of this machine that is over."""
    return subprocess.check_output([sys.executable, "-c", NAMED], text=True).strip()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def url(kind, data_dir, postgresql_schema) -> Iterator[str]:
    """Yield the URL of a new database without a schema."""
    if kind == "sqlite":
        data_dir.mkdir(exist_ok=True)
        yield database_url(data_dir, None)
    else:
        with postgresql_schema() as fresh:
            yield fresh


@pytest.fixture
def data_dir(tmp_path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def keys(data_dir) -> KeyRing:
    return KeyRing.load(data_dir, None)


@pytest.fixture
def fresh_db(url, keys) -> Iterator[Database]:
    with closing(Database.open(url, keys=keys)) as database:
        database.upgrade()
        yield database


@pytest.fixture(scope="session")
def shared_db(kind, tmp_path_factory, postgresql_schema) -> Iterator[Database]:
    """Yield one upgraded database of each kind."""
    data_dir = tmp_path_factory.mktemp("shared")
    keys = KeyRing.load(data_dir, None)
    with ExitStack() as stack:
        if kind == "sqlite":
            url = database_url(data_dir, None)
        else:
            url = stack.enter_context(postgresql_schema())
        database = stack.enter_context(closing(Database.open(url, keys=keys)))
        database.upgrade()
        yield database


@pytest.fixture(scope="session")
def tenant(shared_db) -> NewTenant:
    return add_tenant(
        shared_db,
        organization="Northwind",
        email="ann@northwind.example",
        password="correct horse",
        first_name="Ann",
        last_name="Smith",
    )


@pytest.fixture
def db(shared_db, kind, tenant) -> Database:
    """Return the shared database with nothing in it but the tenant."""
    user = tenant.user
    keeping = {
        key_checks: true(),
        organizations: organizations.c.id == user.organization_id,
        accounts: accounts.c.id == user.account_id,
        users: users.c.id == user.id,
    }
    with shared_db.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            kept = keeping.get(table, false())
            connection.execute(delete(table).where(not_(kept)))
        connection.execute(update(users).values(last_login_at=None))
        connection.execute(RESTART[kind])
    return shared_db


@pytest.fixture
def instance(db, tenant) -> Instance:
    return add_instance(
        db,
        user_id=tenant.user.id,
        element_key="autotaskcrm",
        name="Northwind PSA",
        tags=["acme-sync", "live"],
        configuration={
            "crm.autotask.username": "api@northwind.example",
            "crm.autotask.password": "pässword of the api user",
        },
        zone=Zone("https://webservices3.autotask.net/ATServices/1.6/atws.asmx", 42),
    )


@pytest.fixture(scope="session")
def request_entry():
    """Return a function that builds a row of the request log."""

    def request_entry(answered_at=datetime(2026, 1, 2, 12, tzinfo=UTC), **changes):
        values = {
            "request_id": "3fbc",
            "organization_id": 5501,
            "account_id": 41201,
            "user_id": 60301,
            "instance_id": 900001,
            "element_key": "autotaskcrm",
            "method": "GET",
            "path": "/hubs/crm/accounts",
            "route": "/hubs/<hub>/<object_name>",
            "status": 200,
            "duration_ms": 12.5,
            "vendor_calls": 1,
            "remote_address": "192.0.2.7",
            "expires_at": datetime(2126, 1, 2, tzinfo=UTC),
        }
        return RequestEntry(answered_at=answered_at, **{**values, **changes})

    return request_entry
