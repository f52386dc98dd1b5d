"""An operator's story: moved in, upgraded, served over TLS, and disturbed in every way.

Callers that retry go on all the while; in the end each of their creates stands in
Autotask exactly once, and none of them met an error that a retry did not cure.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from alembic import command
from ports import find_free_port

from bridge.store.database import schema
from bridge.store.database.database_url import database_url
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import KeyRing

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

USER = "oldUserSecret+/Kq7Zt3Rw9Yp5Lx1Vb8Nn4Mc2Hd6Fg0Js="
ORGANIZATION = "9c41d7aa08e2b6f35d10c4b7e98a2f16"
TOKEN = "oldElementToken+/Tz5Wy2Qk8Rm3Pv7Xc1Bn9Lf4Gd6Hj0="
AUTHORIZATION = f"User {USER}, Organization {ORGANIZATION}, Element {TOKEN}"
CALLERS = 4


class Site:
    """One installation and the simulated vendor it talks to."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.env = {
            **os.environ,
            "BRIDGE_DATA_DIR": str(self.data),
            "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
            "BRIDGE_LOG_LEVEL": "warning",
        }
        self.certificate = make_certificate(folder)
        self.trust = ssl.create_default_context(cafile=str(self.certificate))
        self.port = find_free_port()

    def run(self, *arguments, env=None):
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**self.env, **(env or {})},
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            env=self.env,
            start_new_session=True,
        )
        return process, json.loads(process.stdout.readline())

    def serve(self):
        process, line = self.start(
            *("serve", "--port", self.port, "--tls-cert", self.certificate),
            *("--tls-key", self.folder / "key.pem"),
        )
        assert line["baseUrl"].startswith("https://")
        return process

    def call(self, method, path, body=None, **headers):
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}/elements/api-v2{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": AUTHORIZATION, **headers},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=120, context=self.trust) as answer:
            return json.loads(answer.read())


def make_certificate(folder):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def make_older_installation(site):
    """Leave a database as the first release left it."""
    keys = KeyRing.load(site.data, None)
    database = Database.open(database_url(site.data, None), keys=keys)
    with database.begin() as connection:
        config = schema._alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        schema.record_keys(connection, keys)
    database.close()


def old_callers(vendor):
    configuration = {
        "crm.autotask.username": vendor["username"],
        "crm.autotask.password": vendor["password"],
        "crm.autotask.server.url": vendor["sandboxUrl"],
        "crm.autotask.integration.code": vendor["integrationCode"],
    }
    instance = {
        "id": 401234,
        "name": "Old connection",
        "token": TOKEN,
        "user": "old@bridge.example",
        "configuration": configuration,
    }
    user = {"id": 1203, "email": "old@bridge.example", "secret": USER}
    organization = {
        "id": 77,
        "name": "Old customer",
        "secret": ORGANIZATION,
        "users": [user],
        "instances": [instance],
    }
    return {"organizations": [organization]}


class Caller(threading.Thread):
    """A program that creates contacts one after the other and retries what fails."""

    def __init__(self, site, prefix, stopped):
        super().__init__()
        self.site, self.prefix, self.stopped = site, prefix, stopped
        self.created: list[str] = []
        self.uncured: list[str] = []

    def run(self):
        while not self.stopped.is_set():
            name = f"{self.prefix} {uuid.uuid4().hex[:12]}"
            body = {"accountID": 0, "active": 1, "firstName": "Op", "lastName": name}
            if self.insist(body, key=name):
                self.created.append(name)
            time.sleep(0.05)

    def insist(self, body, *, key):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                self.site.call("POST", "/contacts", body, **{"Idempotency-Key": key})
            except urllib.error.HTTPError as error:
                with error:
                    failure = f"{error.code} {error.read()[:300]!r}"
                if error.code in (400, 401, 403, 404):
                    self.uncured.append(failure)
                    return False
            except (OSError, ValueError) as error:
                failure = repr(error)
            else:
                return True
            time.sleep(0.3)
        self.uncured.append(failure)
        return False


def wait_for_creates(callers):
    """Wait until each caller has created two more records."""
    wanted = [len(caller.created) + 2 for caller in callers]
    ends_at = time.monotonic() + 120
    while any(
        len(caller.created) < n for caller, n in zip(callers, wanted, strict=True)
    ):
        assert time.monotonic() < ends_at, [caller.uncured for caller in callers]
        time.sleep(0.05)


def find_child(process, word):
    """Return the pid of a child of this process that runs the command `word`."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == process.pid and word.encode() in words:
            return int(entry.name)
    raise AssertionError(f"{process.pid} has no child {word}")


def test_every_failure_that_callers_see_passes_with_a_retry(tmp_path):
    site = Site(tmp_path)
    simulator, vendor = site.start("sandbox", "--port", "0", "--limits", "generous")
    site.env["BRIDGE_IDEMPOTENCY_SETTLE_S"] = "1"
    make_older_installation(site)
    (tmp_path / "old.json").write_text(json.dumps(old_callers(vendor)))

    site.run("db", "upgrade")
    site.run("instance", "import", tmp_path / "old.json")
    found = json.loads(site.run("doctor", "--instance", "401234", "--json"))
    assert "failed" not in json.dumps(found)

    facade = site.serve()
    prefix, stopped = f"Op {uuid.uuid4().hex[:6]}", threading.Event()
    callers = [Caller(site, prefix, stopped) for _ in range(CALLERS)]
    try:
        for caller in callers:
            caller.start()
        wait_for_creates(callers)
        site.run("key", "rotate")
        site.run("db", "backup", tmp_path / "copy.db")
        os.kill(find_child(facade, "worker"), signal.SIGKILL)
        wait_for_creates(callers)
        facade.send_signal(signal.SIGTERM)
        assert facade.wait(120) == 0
        facade.stdout.close()
        facade = site.serve()
        wait_for_creates(callers)
        os.kill(facade.pid, signal.SIGKILL)
        facade.wait(60)
        facade.stdout.close()
        facade = site.serve()
        wait_for_creates(callers)
    finally:
        stopped.set()
        for caller in callers:
            caller.join(120)
    where = quote(f"lastName like '{prefix}%'")
    listed = site.call("GET", f"/contacts?pageSize=5000&where={where}")
    facade.send_signal(signal.SIGTERM)
    assert facade.wait(120) == 0
    facade.stdout.close()
    simulator.send_signal(signal.SIGTERM)
    simulator.wait(60)
    simulator.stdout.close()

    assert [caller.uncured for caller in callers] == [[]] * CALLERS
    created = sorted(name for caller in callers for name in caller.created)
    assert len(created) >= CALLERS * 2 * 4
    assert sorted(record["lastName"] for record in listed) == created
    copy = {"BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'copy.db'}"}
    assert "401234" in site.run("instance", "list", env=copy)
