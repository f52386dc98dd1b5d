"""Requests generated from our description get responses that it describes.

Requests that change or end a tenant are sent by a tenant of their own, with instances,
accounts and users created for the one request, so that the other requests keep theirs.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter

import pytest
import schemathesis
from campaign import sized
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not `negative_data_rejection`: invalid values of old callers must be accepted. Not
`positive_data_acceptance`: a reference must exist at the vendor, which no schema can
express."""

TENANT_CHANGING = frozenset({"Instances", "Instances by token", "Elements", "Tenancy"})
"""Tags whose writing requests are sent by the tenant that may be lost."""


NAMED = (
    "accounts",
    "leads",
    "contacts",
    "opportunities",
    "tasks",
    "users",
    "customers",
    "products",
    "billing-items",
    "invoices",
    "sales-orders",
)


class Caller:
    """A tenant with the ids of its records, and of records that may be deleted."""

    def __init__(self, api):
        self.api = api
        first = {
            name: [str(row["id"]) for row in api.get(f"/{name}?pageSize=5").json()]
            for name in NAMED
        }
        self.records = {f"/hubs/crm/{name}/{{id}}": ids for name, ids in first.items()}
        self.known = {
            "keyOrId": ["autotaskcrm", "50"],
            "hub": ["crm"],
            "objectName": ["accounts", "Account", "contact", "Ticket", "tasks"],
            "objectId": ["0", *first["accounts"]],
            "childObjectName": ["contacts", "Contact", "opportunities"],
            "childObjectId": first["contacts"],
            "configId": ["4112", "4104", "4110"],
            "operationId": ["getAccounts", "GET-contacts", "getPing"],
            "attachmentId": [str(self.spare_attachment()["id"])],
            "resourceId": ["88001", "88101"],
            "partId": ["1"],
            "requestId": [
                api.get("/accounts?pageSize=1").headers["elements-request-id"]
            ],
        }

    def configuration(self):
        return {
            "crm.autotask.username": self.api.line["username"],
            "crm.autotask.password": self.api.line["password"],
            "crm.autotask.server.url": self.api.line["sandboxUrl"],
        }

    def spare_instance(self):
        body = {
            "name": f"Spare {secrets.token_hex(4)}",
            "element": {"key": "autotaskcrm"},
            "configuration": self.configuration(),
        }
        return self.platform("POST", "/instances", body)

    def spare_resource(self):
        body = {
            "path": f"/{secrets.token_hex(8)}",
            "method": "GET",
            "hooks": [{"type": "event"}],
            "parameters": [{"name": "id", "type": "query"}],
            "model": {"name": "spare"},
        }
        return self.platform("POST", "/elements/50/resources", body)

    def spare_attachment(self):
        body = {"fileName": "a.txt", "data": "YQ=="}
        answer = self.api.call("POST", "/accounts/0/attachments", body)
        assert answer.status == 200, answer.body
        return answer.json()

    def spare_account(self):
        return self.platform("POST", "/accounts", {"name": secrets.token_hex(4)})

    def spare_user(self):
        body = {
            "email": f"{secrets.token_hex(6)}@bridge.example",
            "firstName": "Spare",
            "lastName": "User",
            "password": "to be removed",
        }
        account = self.spare_account()["id"]
        return self.platform("POST", f"/accounts/{account}/users", body)

    def platform(self, method, path, body):
        answer = self.api.call(method, path, body, authorization=self.api.platform)
        assert answer.status == 200, answer.body
        return answer.json()

    def ids(self, method, path, name):
        """Return an id for a placeholder of a path, a spare one for deletes."""
        if name != "id":
            spare = SPARE.get((method, name))
            return [str(spare(self)["id"])] if spare else self.known.get(name, [])
        if path in self.records:
            return self.records[path]
        if path.startswith(("/instances", "/elements")):
            return [str(self.spare_instance()["id"])]
        if path.startswith("/accounts"):
            return [str(self.spare_account()["id"])]
        if path.startswith("/users"):
            return [str(self.spare_user()["id"])]
        return []


SPARE = {
    ("DELETE", "attachmentId"): Caller.spare_attachment,
    ("DELETE", "resourceId"): Caller.spare_resource,
    ("POST", "resourceId"): Caller.spare_resource,
    ("PUT", "resourceId"): Caller.spare_resource,
}


class Fuzzer:
    """Sends generated requests and validates the responses."""

    def __init__(self, document, keeper, loser):
        self.document = document
        self.schema = schemathesis.openapi.from_dict(document)
        self.keeper = keeper
        self.loser = loser
        self.statuses = Counter()
        self.succeeded = set()

    @property
    def operations(self):
        return [result.ok() for result in self.schema.get_all_operations()]

    def strain(self, operation, count, *, mode=schemathesis.GenerationMode.POSITIVE):
        """Send `count` generated requests to one operation."""

        @seed(len(operation.label))
        @settings(
            max_examples=count,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=mode),
            dice=st.randoms(use_true_random=False),
        )
        def attack(case, dice):
            self.send(operation, case, dice)

        attack()

    def send(self, operation, case, dice):
        raw = operation.definition.raw
        writes = operation.method.upper() != "GET"
        lost = writes and raw["tags"][0] in TENANT_CHANGING
        caller = self.loser if lost else self.keeper
        if dice.random() < 0.7:
            self.place(caller, operation, case, dice)
        answer = case.call(
            base_url=caller.api.base_url,
            timeout=120,
            headers={"Authorization": self.authorization(caller, raw, lost=lost)},
        )
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self.succeeded.add(raw["operationId"])
        case.validate_response(answer, checks=CHECKS)

    @staticmethod
    def place(caller, operation, case, dice):
        """Replace values of the path with existing ones, so that requests succeed."""
        method, path = operation.method.upper(), operation.path
        for name in case.path_parameters or {}:
            ids = caller.ids(method, path, name)
            if ids:
                case.path_parameters[name] = dice.choice(ids)
        if isinstance(case.body, dict) and method == "POST":
            if path.endswith("/instances"):
                case.body["configuration"] = caller.configuration()
                case.body["element"] = {"key": "autotaskcrm"}
            elif path == "/authentication":
                case.body = caller.api.line["login"]

    @staticmethod
    def authorization(caller, raw, *, lost):
        schemes = {name for choice in raw["security"] for name in choice}
        if schemes == {"bearerToken"}:
            login = caller.platform("POST", "/authentication", caller.api.line["login"])
            return f"Bearer {login['token']}"
        if "elementToken" in schemes:
            token = caller.api.line["elementToken"]
            if lost:
                token = caller.spare_instance()["token"]
            return f"{caller.api.platform}, Element {token}"
        return caller.api.platform


def fuzzer(api, foreign):
    return Fuzzer(api.get("/openapi.json").json(), Caller(api), Caller(foreign))


def test_some_generated_requests_get_responses_as_described(api, foreign):
    fuzz = fuzzer(api, foreign)
    reading = [o for o in fuzz.operations if o.method.upper() == "GET"]

    for operation in random.Random(1).sample(reading, 26):
        fuzz.strain(operation, 2)

    assert sum(fuzz.statuses.values()) >= 50


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_many_generated_requests_get_responses_as_described(
    throwaway_api, throwaway_foreign
):
    fuzz = fuzzer(throwaway_api, throwaway_foreign)

    for operation in fuzz.operations:
        fuzz.strain(operation, sized(4, 24))
        if operation.body:
            fuzz.strain(
                operation, sized(2, 8), mode=schemathesis.GenerationMode.NEGATIVE
            )

    print(sorted(fuzz.statuses.items()), len(fuzz.succeeded), len(fuzz.operations))
    assert sum(fuzz.statuses.values()) >= sized(600, 4000)
    assert len(fuzz.succeeded) >= 0.8 * len(fuzz.operations)
    assert fuzz.statuses[502] == 0
    assert throwaway_api.get("/ping").status == 200
