"""An operator's installation at work: moved in, rotated under load, backed up, mute.

One simulator, one `bridge serve`; whatever its processes print is kept and looked
through at the end.
"""

from __future__ import annotations

import base64
import html
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from contextlib import closing

import pytest

OLD_USER = "oldUserSecret+/Kq7Zt3Rw9Yp5Lx1Vb8Nn4Mc2Hd6Fg0Js="
OLD_ORGANIZATION = "9c41d7aa08e2b6f35d10c4b7e98a2f16"
OLD_TOKEN = "oldElementToken+/Tz5Wy2Qk8Rm3Pv7Xc1Bn9Lf4Gd6Hj0="
WRONG_PASSWORD = 'Wr0ng & <Pass> "word" 7\'ü'
WRONG_CODE = "WRONGIDENTIFIER7X7X7X7X7X27"


def spellings(secret):
    """Return a secret as it could stand somewhere: plain, and in any disguise."""
    plain = secret.encode()
    texts = [
        secret,
        html.escape(secret),
        html.escape(secret, quote=False),
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(plain).decode().rstrip("="),
        base64.urlsafe_b64encode(plain).decode().rstrip("="),
        plain.hex(),
    ]
    return [text.encode() for text in texts]


class Site:
    """An installation: its commands, its serving process, and all it ever said."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.said = folder / "stderr.txt"
        self.bodies: list[bytes] = []
        self.env = {
            **os.environ,
            "BRIDGE_DATA_DIR": str(self.data),
            "BRIDGE_AUTOTASK_ALLOW_LOOPBACK": "true",
            "BRIDGE_LOG_LEVEL": "debug",
        }

    def start(self, *arguments):
        """Start a command and return the process with its first line, decoded."""
        with self.said.open("ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "bridge", *arguments, "--json"],
                stdout=subprocess.PIPE,
                stderr=said,
                env=self.env,
                start_new_session=True,
            )
        line = process.stdout.readline()
        assert line, self.said.read_text()
        return process, json.loads(line)

    def run(self, *arguments, stdin=None, env=None):
        """Run a command to its end; what it says on stderr is kept."""
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env={**self.env, **(env or {})},
            check=False,
        )
        with self.said.open("a") as said:
            said.write(ended.stderr)
        return ended

    def ok(self, *arguments, **options):
        ended = self.run(*arguments, **options)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def call(self, method, path, authorization, body=None):
        """Send a request; returns status and body, and keeps bodies of failures."""
        request = urllib.request.Request(
            self.base_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": authorization,
                "Content-Type": "application/json",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                self.bodies.append(error.read())
                return error.code, self.bodies[-1]

    @property
    def old(self):
        return f"User {OLD_USER}, Organization {OLD_ORGANIZATION}, Element {OLD_TOKEN}"

    def connection(self, **changes):
        return {
            "crm.autotask.username": self.vendor["username"],
            "crm.autotask.password": self.vendor["password"],
            "crm.autotask.server.url": self.vendor["sandboxUrl"],
            "crm.autotask.integration.code": self.vendor["integrationCode"],
            **changes,
        }


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.stdout.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A serving installation that old secrets were moved into before its start."""
    site = Site(tmp_path_factory.mktemp("site"))
    simulator, site.vendor = site.start("sandbox", "--port", "0")
    try:
        moved = site.data.parent / "old.json"
        moved.write_text(json.dumps(old_installation(site)))
        site.ok("instance", "import", moved)
        moved.unlink()
        facade, line = site.start("serve", "--port", "0")
        site.base_url = line["baseUrl"]
        try:
            yield site
        finally:
            stop(facade)
    finally:
        stop(simulator)


def old_installation(site):
    return {
        "organizations": [
            {
                "id": 77,
                "name": "Old customer",
                "secret": OLD_ORGANIZATION,
                "users": [
                    {"id": 1203, "email": "old@bridge.example", "secret": OLD_USER}
                ],
                "instances": [
                    {
                        "id": 401234,
                        "name": "Old connection",
                        "token": OLD_TOKEN,
                        "user": "old@bridge.example",
                        "configuration": site.connection(),
                    }
                ],
            }
        ]
    }


@pytest.mark.campaign
def test_old_secrets_and_token_work_as_they_did(site):
    status, body = site.call("GET", "/hubs/crm/accounts?pageSize=2", site.old)
    listed, instances = site.call("GET", "/instances", site.old)

    assert (status, len(json.loads(body))) == (200, 2)
    assert (listed, [one["id"] for one in json.loads(instances)]) == (200, [401234])


@pytest.mark.campaign
def test_a_user_made_while_it_serves_makes_an_instance_over_http(site):
    made = json.loads(
        site.ok(
            *("user", "add", "--organization", "New", "--email", "new@bridge.example"),
            *("--password-stdin", "--json"),
            stdin="a password\n",
        )
    )
    secrets = f"User {made['userSecret']}, Organization {made['organizationSecret']}"
    body = {
        "name": "New connection",
        "element": {"key": "autotaskcrm"},
        "configuration": site.connection(),
    }

    status, answer = site.call("POST", "/instances", secrets, body)
    token = json.loads(answer)["token"]
    read, _ = site.call(
        "GET", "/hubs/crm/contacts?pageSize=1", f"{secrets}, Element {token}"
    )

    assert (status, read) == (200, 200)
    assert json.loads(answer)["id"] > 900_000
    assert "ok" in site.ok("instance", "test", "--all")


@pytest.mark.campaign
def test_a_key_rotated_under_load_fails_no_request(site):
    stopped, failures, answered = threading.Event(), [], []

    def load(path):
        while not stopped.wait(0.05):
            status, body = site.call("GET", path, site.old)
            answered.append(status)
            if status != 200:
                failures.append(body)

    paths = ("/hubs/crm/accounts?pageSize=1", "/instances", "/instances/401234")
    threads = [threading.Thread(target=load, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for _ in range(2):
        site.ok("key", "rotate")
    target = site.data.parent / "copy.db"
    site.ok("db", "backup", target)
    status, body = site.call(
        "PATCH", "/instances/401234", site.old, {"configuration": site.connection()}
    )
    stopped.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(answered) > 20
    assert status == 200, body
    keys = json.loads(site.ok("key", "list", "--json"))
    assert [key["seals"] > 0 for key in keys] == [True, False, False]
    copied = {"BRIDGE_DATABASE_URL": f"sqlite:///{target}"}
    assert "401234" in site.ok("instance", "list", env=copied)


@pytest.mark.campaign
def test_wrong_keys_stop_the_start_and_change_nothing(site):
    key = base64.b64encode(os.urandom(32)).decode()
    ring = json.dumps({"keys": [{"id": "a", "key": key}], "digest": "a"})

    ended = site.run("serve", "--port", "0", env={"BRIDGE_KEYS": ring})

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "nothing was changed" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert site.call("GET", "/instances", site.old)[0] == 200


@pytest.mark.campaign
def test_no_secret_leaks_into_database_logs_traces_or_errors(site):
    secrets = [
        site.vendor["password"],
        site.vendor["integrationCode"],
        *(OLD_USER, OLD_ORGANIZATION, OLD_TOKEN, WRONG_PASSWORD, WRONG_CODE),
    ]
    bearer = use_everything(site)
    lines = site.ok("doctor", "--instance", "401234").encode()
    pairs = [
        f"{site.vendor['username']}:{password}"
        for password in (site.vendor["password"], WRONG_PASSWORD)
    ]

    kept = {"what commands print": lines, "error bodies": b"\n".join(site.bodies)}
    kept["logs"] = site.said.read_bytes()
    kept["traces"] = wait_for_traces(site)
    kept["packed values"] = unpack_all(site.data / "bridge.db")
    for path in site.data.rglob("*"):
        if path.is_file() and path.name != "keys.json":
            kept[path.name] = path.read_bytes()

    assert {"bridge.db", "logs", "error bodies"} <= set(kept)
    assert len(site.bodies) >= 6
    assert b"401234" in kept["logs"] + kept["error bodies"] + kept["bridge.db"]
    assert find_leaks(kept, [*secrets, bearer, *pairs]) == []


@pytest.mark.parametrize("number", range(len(spellings(WRONG_PASSWORD))))
def test_the_search_finds_a_secret_in_every_disguise(number):
    text = b"before " + spellings(WRONG_PASSWORD)[number] + b" after"

    assert find_leaks({"log": text}, ["harmless", WRONG_PASSWORD])


def wait_for_traces(site):
    """Return the traces; the serving processes write them after the responses."""
    ends_at = time.monotonic() + 60
    while True:
        traces = site.ok("instance", "trace", "401234").encode()
        if b"<create" in traces and traces.count(b"\n") >= 4:
            return traces
        assert time.monotonic() < ends_at, traces


def find_leaks(kept, secrets):
    return [
        (place, secret[:12])
        for place, text in kept.items()
        for secret in secrets
        for spelling in spellings(secret)
        if spelling in text
    ]


def use_everything(site):
    """Create, read and update, traced, and fail in every way; return a bearer token."""
    assert site.call("PUT", "/instances/401234/trace-logging", site.old)[0] == 200
    status, body = site.call(
        "POST",
        "/hubs/crm/accounts",
        site.old,
        {
            "accountName": "Traced",
            "phone": "518-555-0100",
            "accountType": 1,
            "ownerResourceID": 4,
        },
    )
    assert status == 200, body
    created = json.loads(body)["id"]
    site.call("PATCH", f"/hubs/crm/accounts/{created}", site.old, {"city": "Troy"})
    site.call("GET", f"/hubs/crm/accounts/{created}", site.old)
    site.call("GET", "/instances/401234", site.old)
    fail_at_the_vendor(site)
    wrong = {"crm.autotask.password": WRONG_PASSWORD}
    for changes in (wrong, {"crm.autotask.integration.code": WRONG_CODE}):
        body = {
            "name": "x",
            "element": {"key": "autotaskcrm"},
            "configuration": site.connection(**changes),
        }
        assert site.call("POST", "/instances", site.old, body)[0] == 400
    for path in ("/hubs/crm/accounts?where=nonsense", "/hubs/crm/accounts/999999999"):
        assert site.call("GET", path, site.old)[0] in (400, 404)
    quoted = urllib.parse.quote(OLD_TOKEN)
    for path in (f"/{quoted}", f"/hubs/crm/accounts?where=x%20=%20'{quoted}'"):
        site.call("GET", path, site.old)
    site.call("GET", "/instances", site.old.replace("old", "bad"))
    username, url = site.vendor["username"], site.vendor["sandboxUrl"]
    examined = ["doctor", "--username", username, "--server-url", url]
    site.run(*examined, "--api-secret", WRONG_PASSWORD)
    login = {"username": "new@bridge.example", "password": "a password"}
    status, body = site.call("POST", "/authentication", "", login)
    return json.loads(body).get("token") or "no session was made"


def fail_at_the_vendor(site):
    for kind in ("fault", "truncate"):
        body = json.dumps({"kind": kind, "operation": "query"}).encode()
        url = site.vendor["sandboxUrl"].rstrip("/") + "/sandbox/faults"
        with urllib.request.urlopen(
            urllib.request.Request(url, data=body, method="POST"), timeout=120
        ):
            site.call("GET", "/hubs/crm/contacts?pageSize=1", site.old)


def unpack_all(path):
    """Return everything in the database as texts, packed values unpacked."""
    texts = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        for (table,) in found.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                texts.extend(unpacked(value) for value in row)
    return b"\n".join(texts)


def unpacked(value):
    raw = value if isinstance(value, bytes) else str(value).encode()
    for bits in (zlib.MAX_WBITS, 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS):
        try:
            return raw + zlib.decompress(raw, bits)
        except zlib.error:
            continue
    return raw
