"""A `bridge serve` with two processes whose log is read, and an application here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.store.instances import add_instance
from bridge.store.organizations import add_tenant

PASSWORD = "p4ssw0rd of the api user"


@dataclass(frozen=True)
class Tenant:
    """What a caller holds, and what only the bridge knows."""

    user_secret: str
    organization_secret: str
    token: str
    instance_id: int

    @property
    def authorization(self):
        return (
            f"User {self.user_secret}, Organization {self.organization_secret}, "
            f"Element {self.token}"
        )

    @property
    def secrets(self):
        return [self.user_secret, self.organization_secret, self.token, PASSWORD]


def make_tenant(settings) -> Tenant:
    """Make the database with one instance; nothing is behind its server URL."""
    with closing(composition.open_database(settings)) as database:
        database.upgrade()
        made = add_tenant(
            database, organization="Northwind", email="a@b.example", password="pw"
        )
        instance = add_instance(
            database,
            user_id=made.user.id,
            element_key="autotaskcrm",
            name="psa",
            tags=[],
            configuration={
                "crm.autotask.username": "u@b.example",
                "crm.autotask.password": PASSWORD,
                "crm.autotask.server.url": "http://127.0.0.1:9",
            },
            zone=None,
        )
    return Tenant(
        made.user_secret, made.organization_secret, instance.token, instance.id
    )


class Served:
    """A running server, its log and its database."""

    def __init__(self, process, port, directory, tenant):
        self.process = process
        self.port = port
        self.tenant = tenant
        self.settings = Settings(data_dir=directory)
        self._log = directory / "log"

    def call(self, path, *, method="GET", headers=None, body=None):
        """Return status, headers and body of an answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        sent = {"Authorization": self.tenant.authorization, **(headers or {})}
        request = urllib.request.Request(url, headers=sent, method=method, data=body)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    @property
    def log(self):
        return self._log.read_text()

    def line(self, request_id):
        """Return the log line of a request, once it is there."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            *complete, _ = self.log.split("\n")
            for found in map(json.loads, complete):
                if found.get("request_id") == request_id:
                    return found
            time.sleep(0.01)
        raise AssertionError(f"no line of {request_id} in {self.log}")

    def rows(self, table):
        with (
            closing(composition.open_database(self.settings)) as database,
            database.read() as connection,
        ):
            return connection.execute(select(table).order_by(table.c.id)).all()


@contextmanager
def serving(directory: Path, *, workers: int = 1) -> Iterator[Served]:
    tenant = make_tenant(Settings(data_dir=directory))
    command = ["serve", "--no-worker", "--port", "0", "--json", "--workers"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", *command, str(workers)],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            stderr=log,
            env={
                **os.environ,
                "BRIDGE_DATA_DIR": str(directory),
                "BRIDGE_TRUSTED_PROXIES": '["127.0.0.2"]',
                "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
                "BRIDGE_HTTP_MAX_HEADERS": "20",
            },
        )
    with process:
        try:
            url = json.loads(process.stdout.readline())["baseUrl"]
            port = int(url.split(":")[2].split("/")[0])
            yield Served(process, port, directory, tenant)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), workers=2) as server:
        yield server


@pytest.fixture
def mortal(tmp_path) -> Iterator[Served]:
    """A server to be killed."""
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def application(tmp_path):
    """An application of this process, to be broken."""
    settings = Settings(data_dir=tmp_path)
    make_tenant(settings)
    application = create_app(settings)
    yield application
    context = application.extensions["bridge"]
    context.request_log.flush()
    context.database.close()
