"""After a full run no secret stands in database, logs, traces, metrics or errors."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

pytestmark = pytest.mark.campaign

WRONG = "wr0ng-p4ssw0rd-nobody-has"
CODE = "CODE0FNOBODY0123456789ABCDE"
PORTAL = "Portal1passw0rdOfNobody"
PORTAL_USER = {
    "securityLevel": 5,
    "dateFormat": 1,
    "timeFormat": 19,
    "numberFormat": 22,
    "clientPortalActive": True,
}


class Run:
    """A demo, its output and its responses."""

    def __init__(self, process, line, directory):
        self.process, self.line, self.directory = process, line, directory
        self.errors = []
        self.base_url = line["baseUrl"]

    @property
    def platform(self):
        line = self.line
        return f"User {line['userSecret']}, Organization {line['organizationSecret']}"

    @property
    def element(self):
        return f"{self.platform}, Element {self.line['elementToken']}"

    def call(self, method, path, body=None, authorization=None):
        request = urllib.request.Request(
            self.base_url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": authorization or self.element},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                self.errors.append(error.read())
            return None

    def command(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "bridge", *arguments],
            env={**os.environ, "BRIDGE_DATA_DIR": str(self.directory)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("secrets")
    data, log = directory / "data", directory / "log"
    command = ["demo", "--json", "--port", "0", "--sandbox-port", "0", "--data-dir"]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "bridge", *command, str(data)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "BRIDGE_LOG_LEVEL": "debug"},
            start_new_session=True,
        ) as process,
    ):
        try:
            run = Run(process, json.loads(process.stdout.readline()), data)
            live(run)
            metrics = run.base_url.replace("/elements/api-v2", "/metrics")
            with urllib.request.urlopen(metrics) as answer:
                run.metrics = answer.read()
            process.send_signal(signal.SIGTERM)
            process.wait(120)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    run.log = log.read_bytes()
    run.traces = run.command("instance", "trace", str(run.line["instanceId"]))
    return run


def live(run):
    """Do what callers do, and what they do wrong, with every secret there is."""
    line = run.line
    login = run.call("POST", "/authentication", line["login"])
    run.bearer = login["token"]
    run.call("GET", "/authentication/secrets", authorization=f"Bearer {run.bearer}")
    run.call("POST", "/authentication", {**line["login"], "password": WRONG})
    run.call("PUT", "/instances/trace-logging", {"duration": 10})
    run.call("GET", "/hubs/crm/accounts?pageSize=2")
    run.call("POST", "/hubs/crm/contacts", {"firstName": "Ida", "lastName": WRONG})
    run.call("GET", f"/hubs/crm/contacts?where=lastName='{line['password']}'")
    contact = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}
    person = run.call("POST", "/hubs/crm/contacts", contact)["id"]
    user = {**PORTAL_USER, "contactID": person, "userName": "ida@portal.example"}
    made = run.call("POST", "/hubs/crm/users", {**user, "passWord": PORTAL})
    path = f"/hubs/crm/users/{made['id']}"
    run.call("PATCH", path, {"password": f"{PORTAL}2"})
    run.call("PATCH", path, {"password": [PORTAL]})
    run.call("POST", "/hubs/crm/users", {**user, "password": PORTAL})
    run.call("GET", f"/hubs/crm/users?where=password='{PORTAL}'")
    run.call("GET", f"/hubs/crm/{line['elementToken']}")
    run.call("GET", "/hubs/crm/nonsense", authorization=f"{run.element}x")
    password = {"crm.autotask.password": line["password"]}
    refused = {"crm.autotask.password": WRONG, "crm.autotask.integration.code": CODE}
    run.call("PATCH", "/instances", {"configuration": password})
    run.call("PATCH", "/instances", {"configuration": refused})
    run.call("GET", f"/instances/{line['instanceId']}", authorization=run.platform)
    body = {
        "name": "Second",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": line["username"],
            "crm.autotask.server.url": line["sandboxUrl"],
            **refused,
        },
    }
    run.call("POST", "/instances", body, authorization=run.platform)
    run.call("POST", "/instances", {**body, "configuration": password})


def secrets(run):
    """Return every secret of the run by name, in the forms it travels in."""
    line = run.line
    plain = {
        "user secret": line["userSecret"],
        "organization secret": line["organizationSecret"],
        "element token": line["elementToken"],
        "bearer": run.bearer,
        "vendor password": line["password"],
        "integration code": line["integrationCode"],
        "login password": line["login"]["password"],
        "refused integration code": CODE,
        "portal password": PORTAL,
    }
    basic = f"{line['username']}:{line['password']}".encode()
    return plain | {"basic header": base64.b64encode(basic).decode()}


def found(run, content, *, but=()):
    assert content
    return [
        name
        for name, secret in secrets(run).items()
        if name not in but and secret.encode() in content
    ]


def test_the_run_was_full(run):
    assert len(run.errors) >= 6
    assert run.log.count(b'"event":"request"') >= 14
    assert run.traces.count(b"\n") >= 6
    assert b"<IntegrationCode>********" in run.traces


def test_no_secret_is_in_the_database(run):
    files = [path for path in run.directory.glob("bridge.db*") if path.is_file()]

    assert found(run, b"".join(path.read_bytes() for path in files)) == []


def test_no_secret_is_in_the_logs(run):
    assert found(run, run.log) == []
    assert WRONG.encode() not in run.log


def test_no_secret_is_in_the_traces(run):
    assert found(run, run.traces) == []


def test_no_secret_is_in_metrics_or_error_bodies(run):
    assert found(run, run.metrics + b"".join(run.errors), but={"element token"}) == []
