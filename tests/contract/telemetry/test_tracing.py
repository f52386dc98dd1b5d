"""Traces of one instance: what was said on both sides, without a secret."""

from __future__ import annotations

import json
import secrets
import time
import urllib.parse
import urllib.request
from contextlib import closing

import pytest

from bridge.composition import open_database
from bridge.settings import Settings
from bridge.store.logs.request_log import read_traces

CONTACT = {"accountID": 0, "active": 1, "firstName": "Tracy", "lastName": "Moe"}


@pytest.fixture
def traced(api):
    """The demo's caller while its instance is traced."""
    assert api.call("PUT", "/instances/trace-logging", {"duration": 5}).status == 200
    yield api
    assert api.call("DELETE", "/instances/trace-logging").status == 200


@pytest.fixture
def traces(demo, demo_dir):
    """Return the traces of a request, once they are written."""

    def read(request_id):
        end = time.monotonic() + 60
        with closing(open_database(Settings(data_dir=demo_dir))) as database:
            while time.monotonic() < end:
                instance_id = int(demo["instanceId"])
                found = [*read_traces(database, instance_id, request_id=request_id)]
                if found:
                    return found
                time.sleep(0.05)
        return []

    return read


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json; charset=utf-32-be", "utf-32-be"),
        ("application/json; charset=utf-7", "utf-7"),
        ("application/json", "utf-8-sig"),
        ("application/json", "utf-16-le"),
        ("application/x-www-form-urlencoded", "utf-8"),
    ],
)
def test_a_secret_is_masked_in_any_charset(traced, traces, content_type, charset):
    body = {"title": "=password: \u2202", "password": ["\u2202hush-9f2c"]}
    data = json.dumps(body, ensure_ascii="le" in charset).encode(charset)
    headers = {"Content-Type": content_type}

    answer = traced.call("POST", "/hubs/crm/contacts", data, headers=headers)

    assert answer.status == 400
    [trace] = traces(answer.headers["elements-trace-id"])
    shown = trace["request"]["body"]
    assert "password" in shown
    assert "hush-9f2c" not in shown.replace("\0", "")


def test_a_traced_request_keeps_what_was_said_on_both_sides(traced, traces):
    answer = traced.call("POST", "/hubs/crm/contacts?x=1", CONTACT)

    [trace] = traces(answer.headers["elements-trace-id"])

    assert trace["requestId"] == answer.headers["elements-request-id"]
    assert trace["request"]["method"] == "POST"
    assert trace["request"]["target"].endswith("/hubs/crm/contacts?x=1")
    assert json.loads(trace["request"]["body"]) == CONTACT
    assert trace["response"]["status"] == 200
    assert trace["response"]["body"].encode() == answer.body
    made = [call for call in trace["vendorCalls"] if call["operation"] == "create"]
    assert len(made) == 1
    assert made[0]["entity"] == "Contact"
    assert made[0]["outcome"] == "answered"
    assert "<FirstName" in made[0]["request"]
    assert "Tracy" in made[0]["request"]
    assert "<createResponse" in made[0]["reply"]


def test_no_secret_is_in_a_trace(traced, traces, demo):
    body = {"configuration": {"crm.autotask.password": demo["password"]}}
    answers = [
        traced.call("PATCH", "/instances", body),
        traced.call("POST", "/hubs/crm/contacts", CONTACT),
        traced.get(f"/hubs/crm/contacts?where=lastName='{demo['password']}'"),
        traced.get("/hubs/crm/nonsense"),
    ]

    told = json.dumps([traces(one.headers["elements-trace-id"]) for one in answers])

    names = "userSecret organizationSecret elementToken password integrationCode"
    assert [name for name in names.split() if demo[name] in told] == []
    assert told.count("<IntegrationCode>********</IntegrationCode>") >= 2


PORTAL_USER = {
    "securityLevel": 5,
    "dateFormat": 1,
    "timeFormat": 19,
    "numberFormat": 22,
    "clientPortalActive": True,
}
WEBHOOK = {
    "name": "Hook",
    "active": True,
    "webhookUrl": "https://hook.example/",
    "deactivationUrl": "https://hook.example/off",
    "notificationEmailAddress": "ann@hook.example",
}


class Spoken:
    """Calls with a secret each that no other text contains, and their answers."""

    def __init__(self, api):
        self._api = api
        self.secrets, self.answers = [], []

    def secret(self):
        self.secrets.append(f"Aa1{secrets.token_hex(8)}")
        return self.secrets[-1]

    def call(self, method, path, body=None, **headers):
        self.answers.append(self._api.call(method, path, body, headers=headers))
        return self.answers[-1]


def test_no_value_of_a_secret_field_is_stored_or_shown(
    traced, traces, vendor, demo, demo_dir
):
    """Through every kind of call; a user's password is the one Autotask stores."""
    spoken = Spoken(traced)
    call, secret = spoken.call, spoken.secret
    contact = call("POST", "/contacts", CONTACT).json()["id"]
    name = secrets.token_hex(8)
    user = {**PORTAL_USER, "contactID": contact, "userName": f"{name}@trace.example"}

    call("POST", "/users?dryRun=true", {**user, "password": secret()})
    vendor.control(
        "POST", "faults", {"kind": "reset", "operation": "create", "after_commit": True}
    )
    unanswered = {**user, "password": secret()}
    assert call("POST", "/users", unanswered, **{"Idempotency-Key": secret()}).status
    made = call("POST", "/users", {"PassWord": secret(), **user})
    found = call("GET", f"/users?where=userName='{name}@trace.example'").json()
    path = f"/users/{found[0]['id']}"
    call("PATCH", f"{path}?dryRun=true", {"PASSWORD": secret()})
    assert call("PATCH", path, {"password": secret()}).status == 200
    call("PATCH", path, {"password": secret() * 3})
    call("PATCH", path, {"password": [secret(), {"deep": secret()}]})
    call("PUT", path, json.dumps({"p\u0061ssword": secret()})[:-2].encode())
    for condition in ("= '{}'", "LIKE '%{}%'", "NOT IN ('x', '{}')"):
        where = f"password {condition.format(secret())}"
        call("GET", f"/users?where={urllib.parse.quote(where)}")
    call("GET", f"/users?Password={urllib.parse.quote(secret())}")
    call("POST", "/ClientPortalUser", {**user, "password": secret()})
    for entity in ("AccountWebhook", "ContactWebhook", "InstalledProductWebhook"):
        call("POST", f"/{entity}", {**WEBHOOK, "secretKey": secret()})
        call("POST", f"/{entity}?dryRun=true", {**WEBHOOK, "secretKey": secret()})
    call("PATCH", "/Resource/4", {"password": secret()})
    call("PATCH", "/Resource/4?dryRun=true", {"password": secret()})

    kept = [traces(one.headers["elements-trace-id"]) for one in spoken.answers]
    metrics = traced.base_url.replace("/elements/api-v2", "/metrics")
    with urllib.request.urlopen(metrics) as answer:
        places = {"metrics": answer.read().decode()}
    places["traces"] = json.dumps(kept, ensure_ascii=False)
    places["answers"] = "".join(one.body.decode() for one in spoken.answers)
    places["files"] = "".join(
        path.read_bytes().decode("latin-1") for path in demo_dir.glob("bridge.db*")
    )
    shown = [
        (place, f"of call {number}")
        for place, text in places.items()
        for number, one in enumerate(spoken.secrets)
        if one[3:] in text
    ]
    assert shown == []
    assert made.status == 409, made.body
    assert places["traces"].count("********</Password>") >= 3
    assert '"password": "********"' in places["traces"].replace('\\"', '"')


def test_long_bodies_are_cut(traced, traces):
    answer = traced.get("/hubs/crm/accounts?pageSize=500")

    [trace] = traces(answer.headers["elements-trace-id"])

    reply = trace["vendorCalls"][0]["reply"]
    assert 65_000 < len(reply) < 66_000 or reply.endswith(">")
    assert len(trace["response"]["body"]) < 66_000


def test_the_instance_says_whether_it_is_traced(api):
    def switched(method, path, body=None, **options):
        assert api.call(method, path, body, **options).status == 200
        return api.get(f"/instances/{api.line['instanceId']}").json()[
            "traceLoggingEnabled"
        ]

    one = f"/instances/{api.line['instanceId']}/trace-logging"
    assert switched("PUT", one, {"duration": 60}, authorization=api.platform) is True
    assert switched("DELETE", one, authorization=api.platform) is False
    assert switched("PUT", "/instances/trace-logging") is True
    assert switched("DELETE", "/instances/trace-logging") is False


def test_a_trace_ends_by_itself(api):
    api.call("PUT", "/instances/trace-logging", {"duration": 0.1})
    assert "elements-trace-id" in api.get("/hubs/crm/nonsense").headers

    ends_at = time.monotonic() + 60
    while "elements-trace-id" in api.get("/hubs/crm/nonsense").headers:
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def test_an_instance_that_is_not_traced_keeps_nothing(api, traces):
    answer = api.get("/hubs/crm/nonsense")

    assert "elements-trace-id" not in answer.headers


@pytest.mark.parametrize("duration", [0, -1, 1441, "60", True, None, [], 1e400])
def test_an_invalid_duration_is_refused(api, duration):
    body = json.dumps({"duration": duration}).replace("Infinity", "1e400").encode()

    answer = api.call("PUT", "/instances/trace-logging", body)

    assert answer.status == 400


def test_only_its_own_account_traces_an_instance(api, foreign):
    path = f"/instances/{api.line['instanceId']}/trace-logging"

    assert foreign.call("PUT", path, {}, authorization=foreign.platform).status == 404
