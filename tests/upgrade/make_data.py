"""Write the data that a release leaves behind when it is killed, as test data.

Run with the release *installed* whose data is wanted, in an environment of its own:

    git worktree add ../old dfa5555
    python3 -m venv ../old/.venv
    ../old/.venv/bin/pip install '../old[postgres]'
    ../old/.venv/bin/python tests/upgrade/make_data.py sqlite
    ../old/.venv/bin/python tests/upgrade/make_data.py postgresql

Real processes (`bridge sandbox`, `serve`, `worker`, the commands for operators) are
driven over HTTP as their users drive them, and killed in the middle of what they do.
It takes up to eleven minutes: work that a schedule starts is caught on the tenth
minute. Data that exists is never written again; README.md beside this file says why.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import psycopg

import bridge
from bridge.composition import open_database
from bridge.jobs.enqueue import Enqueuer
from bridge.settings import read_settings

PORTS = {"sqlite": (18614, 18615), "postgresql": (18616, 18617)}
"""Where the two simulators of a kind answer: stored in the data, so used again."""

INTEGRATION_CODE = "BRIDGEDEMO7QX2MZK4TNHWA5RLC"
RESOURCES = "/elements/autotaskcrm/resources"
SCHEDULE_S = 600
EXPIRING = ("leases", "list_totals", "login_refusals", "page_ends", "request_log")
OPPORTUNITY = {
    "accountID": 0,
    "amount": "980.00",
    "cost": "410",
    "createDate": "3/1/19",
    "ownerResourceID": 4,
    "probability": "40",
    "projectedCloseDate": "6/30/2019",
    "stage": "29682774",
    "status": 0,
    "useQuoteTotals": False,
}
ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://autotask.net/ATWS/v1_6/"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)


def wait_until(condition, timeout_s=60.0):
    ends_at = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > ends_at:
            raise TimeoutError(condition)
        time.sleep(0.01)
    return found


class Site:
    """An installation of the release: its database, its commands, its callers."""

    def __init__(self, kind: str, folder: Path, postgresql: str):
        self.kind = kind
        self.folder = folder
        self.data = folder / "data"
        self.processes: list[subprocess.Popen] = []
        self.base_url = ""
        settings = {
            "BRIDGE_DATA_DIR": str(self.data),
            "BRIDGE_ALLOW_LOOPBACK": "true",
            "BRIDGE_INTEGRATION_CODE": INTEGRATION_CODE,
            "BRIDGE_TRACE_BODY_BYTES": "2000",
            "BRIDGE_WORKER_LEASE_S": "2",
            "PYTHONSAFEPATH": "1",
        }
        if kind == "postgresql":
            settings["BRIDGE_DATABASE_URL"] = f"postgresql+psycopg://{postgresql}"
            self.libpq_url = f"postgresql://{postgresql}"
        os.environ.update(settings)

    def run(self, *arguments, stdin=None):
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr)
        return ended.stdout

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.processes.append(process)
        return process, json.loads(process.stdout.readline())

    def call(self, method, path, authorization, body=None, **headers):
        """Return status, headers by lower-case name and body."""
        form = isinstance(body, bytes)
        request = urllib.request.Request(
            self.base_url + path,
            data=body if body is None or form else json.dumps(body).encode(),
            headers={"Authorization": authorization, **headers},
            method=method,
        )
        if body is not None and not form:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()

    def ok(self, method, path, authorization, body=None, **headers):
        status, _, answer = self.call(method, path, authorization, body, **headers)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer!r}")
        return json.loads(answer) if answer else None

    @contextlib.contextmanager
    def jobs(self):
        """Yield what runs a statement on the tables of durable work."""
        if self.kind == "sqlite":
            file = sqlite3.connect(self.data / "jobs.db", timeout=30)
            with contextlib.closing(file):
                yield lambda statement: file.execute(statement).fetchall()
        else:
            with psycopg.connect(self.libpq_url, autocommit=True) as server:
                server.execute("SET search_path = public_jobs")
                yield lambda statement: server.execute(statement).fetchall()

    @contextlib.contextmanager
    def locked(self):
        """Keep every other process from writing our tables that rows expire in."""
        if self.kind == "sqlite":
            file = sqlite3.connect(self.data / "bridge.db", timeout=30)
            with contextlib.closing(file):
                file.execute("BEGIN IMMEDIATE")
                yield
        else:
            with psycopg.connect(self.libpq_url) as server:
                server.execute(f"LOCK TABLE {', '.join(EXPIRING)}")
                yield
                server.rollback()


def _lower(headers):
    return {name.lower(): value for name, value in headers.items()}


class Simulator:
    """A simulator's control routes."""

    def __init__(self, site: Site, port: int):
        self.process, self.line = site.start("sandbox", "--port", port)
        self.url = f"http://127.0.0.1:{port}/sandbox"

    def control(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def fault(self, kind, operation, **more):
        self.control("POST", "faults", {"kind": kind, "operation": operation, **more})

    def pending(self):
        """Return how many faults no call has met yet."""
        return json.loads(self.control("GET", "faults"))["waiting"]

    def connection(self):
        return {
            "crm.autotask.username": self.line["username"],
            "crm.autotask.password": self.line["password"],
            "crm.autotask.server.url": self.line["sandboxUrl"],
        }

    def rows(self, entity, first):
        """Return an entity's records from an id on, as `/sandbox/seed` takes them."""
        found = []
        for number in range(first, first + 50):
            try:
                xml = self.control("GET", f"rows/{entity}/{number}")
            except urllib.error.HTTPError as error:
                error.close()
                continue
            text = re.sub(r'\s[\w:]+="[^"]*"', "", xml.decode())
            record = ET.fromstring(re.sub(r"(</?)\w+:", r"\1", text))  # noqa: S314 - ours
            row = {
                member.tag: member.text or "" for member in record if not len(member)
            }
            found.append({**row, "id": number})
        return found


def person(name):
    return {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": name}


def add_people(site, facts):
    """Make two organizations, by command and over HTTP, before anything serves."""

    def add(*arguments):
        password = secrets.token_urlsafe(12)
        line = site.run(
            "user", "add", "--password-stdin", "--json", *arguments, stdin=password
        )
        made = json.loads(line)
        return {
            "id": made["id"],
            "email": made["email"],
            "password": password,
            "secrets": f"User {made['userSecret']}, "
            f"Organization {made['organizationSecret']}",
            "userSecret": made["userSecret"],
            "organizationSecret": made["organizationSecret"],
            "accountId": made["accountId"],
            "organizationId": made["organizationId"],
        }

    admin = add("--organization", "Northwind", "--email", "ann@northwind.example")
    number = admin["organizationId"]
    facts["users"] = {
        "admin": admin,
        "colleague": add(
            "--organization-id", number, "--email", "bo@northwind.example"
        ),
        "foreign": add(
            "--organization", "Southwind", "--email", "cy@southwind.example"
        ),
    }


def add_members(site, facts):
    """Make a second account with users over HTTP; one of them is not active."""
    admin = facts["users"]["admin"]
    account = site.ok(
        "POST", "/accounts", admin["secrets"], {"name": "Branch", "externalId": "B-1"}
    )
    settings = {"colour": "green"}
    site.ok("PATCH", f"/accounts/{account['id']}/settings", admin["secrets"], settings)
    facts["account"] = {"id": account["id"], "name": "Branch", "settings": settings}
    for name in ("member", "inactive"):
        password = secrets.token_urlsafe(12)
        body = {
            "email": f"{name}@northwind.example",
            "firstName": "Ida",
            "lastName": "Moe",
            "password": password,
        }
        path = f"/accounts/{account['id']}/users"
        made = site.ok("POST", path, admin["secrets"], body)
        facts["users"][name] = {
            "id": made["id"],
            "email": body["email"],
            "password": password,
            "userSecret": made["secret"],
            "organizationSecret": admin["organizationSecret"],
            "secrets": f"User {made['secret']}, "
            f"Organization {admin['organizationSecret']}",
            "accountId": account["id"],
        }
    number = facts["users"]["inactive"]["id"]
    site.ok("PATCH", f"/users/{number}", admin["secrets"], {"active": False})


def log_in(site, facts):
    """Leave sessions, and a refused login."""
    for user in (facts["users"]["admin"], facts["users"]["member"]):
        body = {"username": user["email"], "password": user["password"]}
        user["bearer"] = site.ok("POST", "/authentication", "", body)["token"]
    wrong = {"username": facts["users"]["colleague"]["email"], "password": "no"}
    status, _, _ = site.call("POST", "/authentication", "", wrong)
    assert status == 401, status


def connect(site, facts, simulators):
    """Make instances over HTTP and by command."""
    here, elsewhere = (simulator.connection() for simulator in simulators)
    users = facts["users"]
    facts["instances"] = {}

    def add(name, user, configuration, **more):
        body = {
            "name": f"{name} PSA",
            "element": {"key": "autotaskcrm"},
            "configuration": configuration,
            **more,
        }
        made = site.ok("POST", "/instances", users[user]["secrets"], body)
        keep(name, user, made)

    def keep(name, user, made):
        facts["instances"][name] = {
            "id": made["id"],
            "name": f"{name} PSA",
            "token": made["token"],
            "user": user,
            "secrets": f"{users[user]['secrets']}, Element {made['token']}",
        }

    own_code = {**here, "crm.autotask.integration.code": INTEGRATION_CODE}
    add("main", "admin", {**own_code, "filter.response.nulls": "true"}, tags=["live"])
    add("colleague", "colleague", here)
    add("disabled", "admin", here)
    add("member", "member", own_code)
    add("unreachable", "admin", elsewhere)
    line = site.run(
        *("instance", "add", "--user", users["foreign"]["email"], "--json"),
        *("--name", "foreign PSA", "--username", here["crm.autotask.username"]),
        *("--server-url", here["crm.autotask.server.url"], "--password-stdin"),
        *("--integration-code", INTEGRATION_CODE, "--tag", "east"),
        stdin=here["crm.autotask.password"],
    )
    keep("foreign", "foreign", json.loads(line))
    number = facts["instances"]["disabled"]["id"]
    site.ok("DELETE", f"/instances/{number}/enabled", users["admin"]["secrets"])
    configure(site, facts)


def configure(site, facts):
    """Change one entry of an instance's configuration."""
    main = facts["instances"]["main"]
    secrets_ = facts["users"][main["user"]]["secrets"]
    path = f"/instances/{main['id']}/configuration"
    [entry] = [
        entry
        for entry in site.ok("GET", path, secrets_)
        if entry["key"] == "event.notification.callback.url"
    ]
    value = "https://callbacks.northwind.example/in"
    site.ok("PATCH", f"{path}/{entry['id']}", secrets_, {"propertyValue": value})
    main["configuration"] = {entry["key"]: value, "filter.response.nulls": "true"}


def add_resources(site, facts):
    """Add resources to the element, with hooks, parameters and models."""
    admin = facts["users"]["admin"]["secrets"]

    def definition(path, operation):
        return {
            "path": path,
            "method": "GET",
            "vendorPath": "https://elsewhere.example/ATServices/1.6/atws.asmx",
            "vendorMethod": "POST",
            "type": "api",
            "description": "Kept from the old service",
            "rootKey": "|soapenv:Envelope.soapenv:Body",
            "response": {"contentType": "application/json"},
            "hooks": [],
            "parameters": [
                {
                    "name": ENVELOPE.format(operation),
                    "vendorName": "body",
                    "type": "value",
                    "vendorType": "body",
                }
            ],
        }

    fields = (
        "<v1:GetFieldInfo><v1:psObjectType>{entity}</v1:psObjectType></v1:GetFieldInfo>"
    )
    parts = {
        "hooks": {
            "type": "postRequest",
            "mimeType": "application/javascript",
            "body": "done(response_body)",
            "isLegacy": False,
        },
        "parameters": {"name": "id", "vendorName": "accId", "type": "query"},
        "models": {"name": "own", "transform": False, "swagger": {}},
    }
    kept = []
    for path, asked, operation in (
        ("/usage-of-the-hour", "/usage-of-the-hour", "<v1:getThresholdAndUsageInfo/>"),
        ("/{entity}/its-fields", "/Country/its-fields", fields),
    ):
        made = site.ok("POST", RESOURCES, admin, definition(path, operation))
        numbers = {
            part: site.ok("POST", f"{RESOURCES}/{made['id']}/{part}", admin, body)["id"]
            for part, body in parts.items()
        }
        kept.append({"id": made["id"], "path": path, "ask": asked, "parts": numbers})
    facts["resources"] = kept


def read_and_change(site, facts):
    """Leave cached metadata, positions and totals of lists, and traces."""
    main = facts["instances"]["main"]
    platform = facts["users"][main["user"]]["secrets"]
    ask = main["secrets"]
    minutes = {"duration": 60}
    site.ok("PUT", f"/instances/{main['id']}/trace-logging", platform, minutes)
    path = "/hubs/crm/contacts?pageSize=10&returnTotalCount=true"
    _, first, _ = site.call("GET", path, ask)
    token = first["elements-next-page-token"]
    page = f"{path}&nextPage={token}"
    numbered = f"{path}&page=3"
    facts["pages"] = [
        {"path": asked, "ids": [each["id"] for each in site.ok("GET", asked, ask)]}
        for asked in (path, page, numbered)
    ]
    change = {"Service Tier": "2", "Annual Contract Value": 12500.5}
    site.ok("PATCH", "/hubs/crm/accounts/0", ask, change)
    for name in ("accounts", "opportunities", "leads"):
        site.ok("GET", f"/hubs/crm/{name}?pageSize=2", ask)
    status, headers, _ = site.call("GET", "/hubs/crm/objects/contacts/metadata", ask)
    assert status == 200, status
    status, headers, _ = site.call("GET", "/hubs/crm/accounts/0", ask)
    assert status == 200, status
    facts["trace"] = {
        "request": headers["elements-request-id"],
        "path": "/elements/api-v2/hubs/crm/accounts/0",
    }
    site.ok(
        "GET", "/hubs/crm/accounts?pageSize=1", facts["instances"]["member"]["secrets"]
    )


def keep_answers(site, facts):
    """Leave answers of creates with keys: successes and refusals."""
    ask = facts["instances"]["main"]["secrets"]
    kept = []
    for name, change in (
        ("created", {}),
        ("refused by us", {"lastName": None}),
        ("refused by the vendor", {"accountID": 1}),
    ):
        key = f"kept {name} {secrets.token_hex(8)}"
        body = {**person(f"Kept {secrets.token_hex(8)}"), **change}
        status, headers, answer = site.call(
            "POST", "/hubs/crm/contacts", ask, body, **{"Idempotency-Key": key}
        )
        kept.append(
            {
                "name": name,
                "key": key,
                "body": body,
                "status": status,
                "type": headers["content-type"],
                "answer": answer.decode(),
            }
        )
    assert [each["status"] for each in kept] == [200, 400, 400], kept
    facts["kept"] = kept
    site.ok("POST", "/hubs/crm/contacts", ask, person(f"Plain {secrets.token_hex(8)}"))


def leave_unknown(site, facts, simulator):
    """Leave creates that were never answered, some of which happened."""
    ask = facts["instances"]["main"]["secrets"]
    facts["unknown"] = []
    for resource, keyed, committed in (
        ("contacts", True, True),
        ("contacts", True, False),
        ("contacts", False, True),
        ("contacts", False, False),
        ("opportunities", True, True),
    ):
        create = new_create("Unknown", resource, keyed=keyed, committed=committed)
        simulator.fault("reset", "create", after_commit=committed)
        status, _, answer = site.call(
            "POST", create["path"], ask, create["body"], **create_headers(create)
        )
        assert status == 502, answer
        facts["unknown"].append(create)


def new_create(name, resource, *, keyed, committed):
    """Return a create that no other one equals."""
    text = f"{name} {secrets.token_hex(8)}"
    field = "lastName" if resource == "contacts" else "title"
    body = person(text) if resource == "contacts" else {**OPPORTUNITY, field: text}
    return {
        "path": f"/hubs/crm/{resource}",
        "field": field,
        "key": f"{name} {secrets.token_hex(8)}" if keyed else None,
        "body": body,
        "committed": committed,
    }


def create_headers(create):
    return {"Idempotency-Key": create["key"]} if create["key"] else {}


def leave_running(site, facts, simulator):
    """Leave calls under way that hold every slot of an entity, and one that waits."""
    main = facts["instances"]["main"]
    ask = main["secrets"]
    running = []

    def begin(method, path, body=None, *, arrives=True, **headers):
        call = threading.Thread(
            target=_call_in_vain,
            args=(site, method, path, ask, body, headers),
            daemon=True,
        )
        call.start()
        if arrives:
            wait_until(lambda: not simulator.pending())
        else:
            time.sleep(1)

    for committed in (True, False):
        create = new_create("Running", "contacts", keyed=committed, committed=committed)
        simulator.fault("delay" if committed else "timeout", "create", seconds=90)
        begin("POST", create["path"], create["body"], **create_headers(create))
        running.append(create)
    joined = running[0]
    begin(
        *("POST", joined["path"], joined["body"]),
        arrives=False,
        **create_headers(joined),
    )
    simulator.fault("timeout", "update", seconds=90)
    change = {"webAddress": "https://northwind.example/"}
    begin("PATCH", "/hubs/crm/accounts/0", change)
    simulator.fault("timeout", "query", seconds=90)
    begin("GET", "/hubs/crm/contacts?pageSize=7")
    begin("GET", "/hubs/crm/contacts?pageSize=8", arrives=False)
    facts["running"] = running
    facts["update"] = {"path": "/hubs/crm/accounts/0", "body": change}


def _call_in_vain(site, method, path, ask, body, headers):
    with contextlib.suppress(OSError, ValueError):
        site.call(method, path, ask, body, **headers)


def leave_work(site, facts):
    """Leave work that is done, that is queued, and that is in the middle.

    The worker is killed in the middle of two pieces: one that was asked for, and one
    that the schedule began. It gets the lock for a step or two at a time, so that none
    ends between the last look and the kill.
    """
    worker, _ = site.start("worker")
    enqueue(site, "done")
    with site.jobs() as ask:
        states = "SELECT workflow_uuid, status FROM workflow_status"
        wait_until(lambda: dict(ask(states)).get("purge:done") == "SUCCESS")
        time.sleep(SCHEDULE_S - time.time() % SCHEDULE_S - 3)
        with site.locked():
            enqueue(site, "half done")
            half = wait_until(lambda: half_done(ask))
        while not all(half.values()):
            wait_until(lambda: half_done(ask) != half)  # noqa: B023 - called at once
            with site.locked():
                time.sleep(0.3)
                half = half_done(ask)
                if not half:
                    raise RuntimeError("The work was done too soon: try once more.")
                if all(half.values()):
                    worker.kill()
                    worker.wait()
        done = [one for one, state in ask(states) if state == "SUCCESS"]
    enqueue(site, "queued")
    facts["work"] = {"done": done, "half done": half, "queued": ["purge:queued"]}


def half_done(ask):
    """Return how many steps are kept of each of two pieces of work; else nothing."""
    counted = ask(
        "SELECT w.workflow_uuid, count(o.function_id) FROM workflow_status w "
        "LEFT JOIN operation_outputs o ON o.workflow_uuid = w.workflow_uuid "
        "WHERE w.status = 'PENDING' GROUP BY w.workflow_uuid"
    )
    return dict(counted) if len(counted) == 2 else {}


def enqueue(site, key):
    database = open_database(read_settings())
    queue = Enqueuer(database)
    queue("purge", key)
    queue.close()
    database.close()


def shorten_log(site):
    """Let the write-ahead log, which is kept, hold no more than what comes now."""
    if site.kind == "sqlite":
        with contextlib.closing(sqlite3.connect(site.data / "bridge.db")) as file:
            wait_until(
                lambda: (
                    file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
                )
            )


def open_breaker(site, facts):
    """Call a host that is down until it is left alone."""
    ask = facts["instances"]["unreachable"]["secrets"]
    for _ in range(40):
        _, _, answer = site.call("GET", "/hubs/crm/accounts?pageSize=1", ask)
        if b"left alone" in answer:
            return
    raise RuntimeError(answer)


def kill_all(site, survivors):
    """Stop all processes at once, then kill them: none sees another one die."""
    below = [
        pid
        for process in site.processes
        if process not in survivors and process.poll() is None
        for pid in (process.pid, *descendants(process.pid))
    ]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in below:
            os.kill(pid, number)


def descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in map(int, children) for one in (child, *descendants(child))]


def make(kind, folder, postgresql):
    """Make the installation and kill it; return the facts about it."""
    site = Site(kind, folder, postgresql)
    facts = {"release": bridge.__version__, "ports": PORTS[kind]}
    try:
        here, elsewhere = (Simulator(site, port) for port in PORTS[kind])
        facts["simulator"] = here.line
        add_people(site, facts)
        _, line = site.start("serve", "--port", 0, "--no-worker")
        site.base_url = line["baseUrl"]
        add_members(site, facts)
        connect(site, facts, (here, elsewhere))
        elsewhere.process.terminate()
        site.run("key", "rotate")
        add_resources(site, facts)
        leave_work(site, facts)
        log_in(site, facts)
        read_and_change(site, facts)
        keep_answers(site, facts)
        leave_unknown(site, facts, here)
        usage = site.ok("GET", "/usage?pageSize=1", facts["users"]["admin"]["secrets"])
        facts["usage"] = usage[0]
        open_breaker(site, facts)
        shorten_log(site)
        leave_running(site, facts, here)
        kill_all(site, [here.process])
        facts["made_at"] = datetime.now(UTC).isoformat()
        time.sleep(1)  # the vendor goes on with what it was sent
        first = json.loads(facts["kept"][0]["answer"])["id"]
        entities = ("Contact", "Opportunity")
        facts["vendor"] = {entity: here.rows(entity, first) for entity in entities}
    finally:
        kill_all(site, [])
        for process in site.processes:
            process.wait()
            process.stdout.close()
    return facts, site


def pack(site, target):
    """Write the data directory, and what PostgreSQL holds, below 1 MB each."""
    with tarfile.open(target / f"{site.kind}.tar.gz", "w:gz") as archive:
        archive.add(site.data, "data", filter=_nobodys)
    if site.kind == "postgresql":
        dump = subprocess.run(
            ["pg_dump", "--no-owner", "--no-privileges", site.libpq_url],
            check=True,
            capture_output=True,
        )
        with gzip.open(target / "postgresql.sql.gz", "wb") as file:
            file.write(dump.stdout)


def _nobodys(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


@contextlib.contextmanager
def fresh_database(server):
    """Yield `user@host:port/name` of a new database on a server."""
    name = f"release_{secrets.token_hex(4)}"
    with psycopg.connect(f"postgresql://{server}", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=PORTS)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("data"), help="%(default)s"
    )
    parser.add_argument(
        "--server",
        default="postgres@127.0.0.1:5432/postgres",
        help="PostgreSQL, where a database is made and dropped: %(default)s",
    )
    asked = parser.parse_args()
    target = asked.out / bridge.__version__
    target.mkdir(parents=True, exist_ok=True)
    written = target / f"{asked.kind}.json"
    if written.exists():
        parser.error(f"{written} exists, and data of a release is never made again.")
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database(asked.server)
        if asked.kind == "postgresql"
        else contextlib.nullcontext("") as postgresql,
    ):
        facts, site = make(asked.kind, Path(folder), postgresql)
        pack(site, target)
    written.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
