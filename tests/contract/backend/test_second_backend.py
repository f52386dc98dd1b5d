"""The facade over the backend in memory: nothing above the protocol knows of it."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import pytest
from memory_backend import MemoryBackend
from memory_vendor import LIMITS, MemoryVendor

from bridge.app import create_app
from bridge.composition import BACKENDS, make_database, open_database
from bridge.interfaces import NO_CALLER
from bridge.settings import Settings
from bridge.store.organizations import add_tenant

HUB = "/elements/api-v2/hubs/crm"
COUNT = 3 * LIMITS.page + 2
TIER, WORTH = "3: Backup Contact & Phone", "Annual Contract Value"


class MemoryService:
    """Implements `interfaces.BackendService` for one tenant."""

    def __init__(self):
        self.vendor = MemoryVendor("Harbor")

    def open_backend(self, _credentials, _zone, _zone_changed, caller=NO_CALLER):
        return MemoryBackend(self.vendor, caller)

    def close(self):
        pass


class Client:
    """A caller of an instance that the backend in memory serves."""

    def __init__(self, client, vendor, authorization):
        self._client = client
        self.vendor = vendor
        self._headers = {"Authorization": authorization}

    def send(self, method, path, body=None, **headers):
        return self._client.open(
            HUB + path, method=method, json=body, headers=self._headers | headers
        )

    def get(self, path):
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer

    def find(self, where, **parameters):
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        return self.get(f"/accounts?where={quote(where)}{more}")


@pytest.fixture(scope="module")
def facade(tmp_path_factory):
    settings = Settings(data_dir=tmp_path_factory.mktemp("second"))
    make_database(settings)
    database = open_database(settings)
    tenant = add_tenant(
        database, organization="Own", email="own@bridge.example", password="own s3cret"
    )
    database.close()
    service = MemoryService()
    backends = {**BACKENDS, "memory": lambda *_, **__: service}
    client = create_app(settings, backends=backends).test_client()
    user = f"User {tenant.user_secret}, Organization {tenant.organization_secret}"
    body = {
        "name": "Memory",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": "ann",
            "crm.autotask.password": "s3cret",
            "crm.autotask.server.url": "https://ww3.autotask.net",
            "crm.autotask.backend": "memory",
        },
    }
    made = client.post(
        "/elements/api-v2/instances", json=body, headers={"Authorization": user}
    )
    assert made.status_code == 200, made.text
    return Client(client, service.vendor, f"{user}, Element {made.json['token']}")


@pytest.fixture(scope="module")
def accounts(facade):
    """The accounts that the tests read, as their creates returned them."""
    made = []
    for number in range(COUNT):
        udfs = [
            {"name": TIER, "value": f"Tier {number % 2}"},
            {"name": WORTH, "value": number},
            {"name": "Co-managed?", "value": number % 3 == 0},
            {"name": "Renewal Date", "value": f"2024-07-{number % 5 + 1:02}"},
        ]
        body = {
            "accountName": f"Account {number:02}",
            "phone": "1",
            "accountType": 1,
            "ownerResourceID": 4,
            "webAddress": "listed",
            "city": f"City {number % 4}",
            "userDefinedFields": udfs,
        }
        answer = facade.send("POST", "/accounts", body)
        assert answer.status_code == 200, answer.text
        made.append(answer.json)
    return made


def test_a_created_record_is_read_back(facade, accounts):
    shown = facade.get(f"/accounts/{accounts[3]['id']}").json

    assert shown == accounts[3]
    assert shown["accountName"] == "Account 03"
    values = {
        item["name"]: item["value"]
        for item in shown["userDefinedFields"]["userDefinedField"]
    }
    assert values[TIER] == "Tier 1"
    assert values["Renewal Date"] == "2024-07-04T00:00:00+0000"


@pytest.mark.parametrize("size", [1, LIMITS.page, LIMITS.page + 1, 200])
def test_pages_by_token_join_to_the_whole(facade, accounts, size):
    ids, token = [], ""
    while token is not None:
        more = {"nextPage": token} if token else {}
        page = facade.find("webAddress='listed'", pageSize=size, **more)
        ids += [record["id"] for record in page.json]
        token = page.headers.get("Elements-Next-Page-Token")

    assert ids == [record["id"] for record in accounts]


def test_pages_by_number_are_those_of_the_list(facade, accounts):
    page = facade.find("webAddress='listed'", pageSize=5, page=3)

    assert [record["id"] for record in page.json] == [
        record["id"] for record in accounts[10:15]
    ]


@pytest.mark.parametrize(
    ("where", "test"),
    [
        ("city='City 1'", lambda number: number % 4 == 1),
        ("accountName like 'account 1%'", lambda number: 10 <= number < 20),
        ("city in ('City 0','City 2')", lambda number: number % 2 == 0),
        # One UDF more than a query of this vendor can filter by.
        (
            (
                f"`{TIER}`='Tier 1' and `{WORTH}`>4 and `Co-managed?`=true and "
                "`Renewal Date`='2024-07-05'"
            ),
            lambda number: (
                number % 2 and number > 4 and not number % 3 and number % 5 == 4
            ),
        ),
    ],
)
def test_filters_find_what_they_mean(facade, accounts, where, test):
    found = facade.find(f"webAddress='listed' and {where}").json

    assert [record["id"] for record in found] == [
        record["id"] for number, record in enumerate(accounts) if test(number)
    ]


def test_an_in_list_is_divided_by_the_limits_of_this_vendor(facade, accounts):
    ids = [record["id"] for record in accounts]
    others = range(10**6, 10**6 + 2 * LIMITS.alternatives)
    listed = ",".join(map(str, itertools.chain(ids, others)))

    found = facade.find(f"id in ({listed})", pageSize=200).json

    assert [record["id"] for record in found] == ids


def test_a_sorted_list_is_read_in_pages_of_this_vendor(facade, accounts):
    found = facade.find("webAddress='listed'", orderBy="-accountName").json

    assert [record["id"] for record in found] == [
        record["id"] for record in reversed(accounts)
    ]


def test_a_list_is_counted_by_the_vendor_with_one_call(facade, accounts):
    before = facade.vendor.calls

    answer = facade.find(
        "webAddress='listed' and phone='1'", pageSize=1, returnTotalCount="true"
    )

    assert int(answer.headers["Elements-Total-Count"]) == COUNT == len(accounts)
    assert facade.vendor.calls == before + 2


def test_an_update_changes_what_it_names(facade, accounts):
    before = accounts[5]
    path = f"/accounts/{before['id']}"

    answer = facade.send("PATCH", path, {"city": None, "fax": "7"})

    assert answer.status_code == 200, answer.text
    rest = {name: value for name, value in before.items() if name != "city"}
    assert facade.get(path).json == {**rest, "fax": "7"}
    facade.send("PATCH", path, {"city": before["city"], "fax": None})


def test_a_dry_run_sends_nothing(facade, accounts):
    path = f"/accounts/{accounts[0]['id']}?dryRun=true"

    shown = facade.send("PATCH", path, {"city": "Nowhere"}).json

    assert "Nowhere" in shown["request"]
    assert facade.find("city='Nowhere'").json == []


def test_a_refused_create_names_the_field(facade):
    answer = facade.send("POST", "/accounts", {"accountName": "No phone"})

    assert answer.status_code == 400
    assert "phone is required" in answer.json["message"]


def test_metadata_is_that_of_this_vendor(facade):
    shown = facade.get("/objects/accounts/metadata").json

    names = {field["vendorPath"] for field in shown["fields"]}
    assert "webAddress" in names
    assert "stockSymbol" not in names
