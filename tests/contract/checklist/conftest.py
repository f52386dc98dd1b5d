"""What the checklist's calls are made on: things of this run, made over HTTP."""

from __future__ import annotations

import secrets
from functools import cached_property

import pytest
from waiting import wait_until


class World:
    """Ids and secrets by the names that the checklist's paths use.

    Names that begin with `spare_` are created again each time: their calls end them.
    """

    def __init__(self, api, foreign, login):
        self.api = api
        self.foreign = foreign
        self.login = login
        self._made = []

    def close(self):
        for instance_id in self._made:
            self.platform("DELETE", f"/instances/{instance_id}")

    def platform(self, method, path, body=None):
        return self.api.call(method, path, body, authorization=self.api.platform)

    def hub(self, method, path, body=None):
        return self.api.call(method, path, body, authorization=self.token_secrets)

    def __getitem__(self, name):
        return getattr(self, name)

    @property
    def spare_instance(self):
        return self._add_instance()["id"]

    @property
    def spare_token(self):
        return self._add_instance()["token"]

    @cached_property
    def _instance(self):
        return self._add_instance()

    @property
    def instance(self):
        return self._instance["id"]

    @property
    def token_secrets(self):
        return f"{self.api.platform}, Element {self._instance['token']}"

    @property
    def bearer(self):
        answer = self.api.call("POST", "/authentication", self.login)
        return f"Bearer {answer.json()['token']}"

    @cached_property
    def config(self):
        entries = self.platform("GET", f"/instances/{self.instance}/configuration")
        return next(e["id"] for e in entries.json() if e["key"].startswith("filter."))

    @cached_property
    def user(self):
        return self.api.call("POST", "/authentication", self.login).json()["id"]

    @cached_property
    def account(self):
        return self.api.call("POST", "/authentication", self.login).json()["accountId"]

    @property
    def spare_account(self):
        body = {"name": f"Checklist {secrets.token_hex(4)}"}
        return self.platform("POST", "/accounts", body).json()["id"]

    @property
    def spare_user(self):
        body = self.new_user
        path = f"/accounts/{self.account}/users"
        return self.platform("POST", path, body).json()["id"]

    @property
    def new_user(self):
        return {
            "email": f"{secrets.token_hex(4)}@checklist.example",
            "firstName": "Ida",
            "lastName": "Moe",
            "password": "Correct-Horse-41207",
        }

    @property
    def instance_body(self):
        return {
            "name": "Checklist",
            "element": {"key": "autotaskcrm"},
            "configuration": {
                "crm.autotask.username": self.api.line["username"],
                "crm.autotask.password": self.api.line["password"],
                "crm.autotask.server.url": self.api.line["sandboxUrl"],
            },
        }

    @property
    def request(self):
        """The id of a request that is in the log, of any process."""
        answer = self.hub("GET", "/ping")
        request_id = answer.headers["elements-request-id"]
        path = f"/usage/{request_id}"
        wait_until(lambda: self.platform("GET", path).status == 200)
        return request_id

    def first(self, name):
        return self.hub("GET", f"/{name}?pageSize=1").json()[0]["id"]

    @property
    def contact_without_login(self):
        body = {"accountID": 0, "active": 1, "firstName": "Ida", "lastName": "Moe"}
        return self.hub("POST", "/contacts", body).json()["id"]

    @property
    def own_resource(self):
        body = {
            "path": f"/checklist{secrets.token_hex(4)}",
            "method": "GET",
            "vendorPath": "/ATServices/1.6/atws.asmx",
            "vendorMethod": "POST",
            "type": "api",
            "rootKey": "|soapenv:Envelope.soapenv:Body",
            "response": {"contentType": "application/json"},
            "parameters": [
                {
                    "name": USAGE_ENVELOPE,
                    "vendorName": "body",
                    "type": "value",
                    "vendorType": "body",
                    "dataType": "string",
                    "source": "request",
                }
            ],
            "hooks": [],
        }
        return self.platform("POST", "/elements/autotaskcrm/resources", body).json()

    @property
    def own_resource_id(self):
        return self.own_resource["id"]

    @property
    def own_resource_path(self):
        return self.own_resource["path"].lstrip("/")

    def _add_instance(self):
        made = self.platform("POST", "/instances", self.instance_body).json()
        self._made.append(made["id"])
        return made


USAGE_ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://autotask.net/ATWS/v1_6/"><soapenv:Header/><soapenv:Body>'
    "<v1:getThresholdAndUsageInfo/></soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture(scope="session")
def world(api, foreign, demo):
    world = World(api, foreign, demo["login"])
    assert world.request  # so that the log of requests is not empty
    yield world
    world.close()
