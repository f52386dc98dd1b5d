"""A server of our own kind, spoken to byte by byte; an application without a vendor."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.store.instances import Instance, add_instance, update_instance
from bridge.store.organizations import NewTenant, add_tenant

ECHO_SERVER = Path(__file__).with_name("echo_server.py")
STALL_S = 0.5


@dataclass(frozen=True)
class RawAnswer:
    """One response as it came over the wire."""

    status: int
    head: bytes
    body: bytes

    @property
    def names(self):
        return [line.split(b":")[0] for line in self.head.split(b"\r\n")[1:]]

    def header(self, name):
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b": ")
            if key == name:
                return value
        return None

    def json(self):
        return json.loads(self.body)


class Wire:
    """Connections to a server; `connect` gives a socket, `talk` a conversation."""

    def __init__(self, port):
        self.port = port

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def talk(self, sent):
        """Send bytes, close our side, and return all responses until the end."""
        with self.connect() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return list(answers(connection))


def answers(connection):
    """Yield the responses on a connection until it ends."""
    with connection.makefile("rb") as stream:
        while (answer := read_answer(stream)) is not None:
            yield answer


def read_answer(stream):
    lines = []
    while (line := stream.readline()) not in {b"\r\n", b""}:
        lines.append(line.rstrip(b"\r\n"))
    if not lines:
        return None
    status = int(lines[0].split()[1])
    head = b"\r\n".join(lines)
    if status == 100:
        return RawAnswer(status, head, b"")
    length = int(RawAnswer(status, head, b"").header(b"Content-Length"))
    return RawAnswer(status, head, stream.read(length))


@contextmanager
def served(stall_s=STALL_S):
    """Yield the echo server's process and a wire to it; the worker is the real one."""
    with subprocess.Popen(
        [sys.executable, str(ECHO_SERVER), str(stall_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process, Wire(int(process.stdout.readline()))
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def wire():
    """A wire to a server that lasts for the run."""
    with served() as (_, wire):
        yield wire


@pytest.fixture
def mortal_server():
    """A server to be stopped: its process and a wire to it."""
    with served() as server:
        yield server


@pytest.fixture
def patient_server():
    """A server that gives callers more time than a test takes, and a wire to it."""
    with served(stall_s=60) as server:
        yield server


@pytest.fixture
def patient_wire(patient_server):
    """A wire to such a server."""
    return patient_server[1]


@pytest.fixture(scope="session")
def read_one():
    """How to read one response from a stream of bytes."""
    return read_answer


@pytest.fixture(scope="session")
def dial():
    """How to speak byte by byte to any port of this machine."""
    return Wire


MAX_BODY = 2000


@dataclass(frozen=True)
class Gate:
    """The application with two tenants, and no vendor behind it."""

    client: FlaskClient
    mine: NewTenant
    foreign: NewTenant
    enabled: Instance
    disabled: Instance
    theirs: Instance

    @property
    def platform(self):
        return self.authorization()

    def authorization(self, tenant=None, instance=None):
        tenant = tenant or self.mine
        header = f"User {tenant.user_secret}, Organization {tenant.organization_secret}"
        return header if instance is None else f"{header}, Element {instance.token}"

    def call(self, method, path, authorization="", *, body=None, headers=None):
        """Send a request below the base path, by a path as it stands on the wire."""
        return self.client.open(
            f"/elements/api-v2{path}",
            method=method,
            data=body,
            headers={"Authorization": authorization, **(headers or {})},
        )


@pytest.fixture(scope="session")
def gate(tmp_path_factory):
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("gate"), http_max_body_bytes=MAX_BODY
    )
    database = composition.open_database(settings)
    database.upgrade()
    mine, foreign = (
        add_tenant(
            database, organization=name, email=f"{name}@bridge.example", password="pw"
        )
        for name in ("mine", "foreign")
    )
    enabled, disabled, theirs = (
        add_instance(
            database,
            user_id=tenant.user.id,
            element_key="autotaskcrm",
            name="psa",
            tags=["psa"],
            configuration={"crm.autotask.username": "u", "crm.autotask.password": "p"},
            zone=None,
        )
        for tenant in (mine, mine, foreign)
    )
    disabled = update_instance(database, disabled.id, disabled=True)
    database.close()
    client = create_app(settings).test_client()
    return Gate(client, mine, foreign, enabled, disabled, theirs)
