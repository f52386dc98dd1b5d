"""The contract's checklist, walked call by call over HTTP.

Every row that is served stands here as calls with their answers. The row numbers are
the contract's own; `{names}` in a path are those of `World`.
Source: elements-api section 10.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

NUMBER = (int, float)

INSTANCE = {
    "id": int,
    "name": str,
    "createdDate": str,
    "token": str,
    "element": dict,
    "elementId": int,
    "tags": list,
    "provisionInteractions": list,
    "valid": bool,
    "disabled": bool,
    "maxCacheSize": int,
    "cacheTimeToLive": int,
    "configuration": dict,
    "eventsEnabled": bool,
    "traceLoggingEnabled": bool,
    "cachingEnabled": bool,
    "externalAuthentication": str,
    "user": dict,
}
ENTRY = {
    "id": int,
    "key": str,
    "name": str,
    "propertyValue": str,
    "type": str,
    "active": bool,
    "required": bool,
    "hideFromConsole": bool,
}
ELEMENT = {
    "id": int,
    "name": str,
    "hookName": str,
    "key": str,
    "description": str,
    "image": str,
    "active": bool,
    "deleted": bool,
    "typeOauth": bool,
    "trialAccount": bool,
    "configDescription": str,
    "signupURL": str,
    "transformationsEnabled": bool,
    "bulkDownloadEnabled": bool,
    "bulkUploadEnabled": bool,
    "cloneable": bool,
    "extendable": bool,
    "beta": bool,
    "authentication": dict,
    "extended": bool,
    "hub": str,
    "protocolType": str,
    "parameters": list,
    "private": bool,
}
WHOLE_ELEMENT = {**ELEMENT, "resources": list, "configuration": list}
KEY = {
    "id": int,
    "name": str,
    "key": str,
    "description": str,
    "resellerConfig": bool,
    "companyConfig": bool,
    "active": bool,
    "internal": bool,
    "groupControl": bool,
    "displayOrder": int,
    "type": str,
    "hideFromConsole": bool,
    "required": bool,
}
METADATA = {
    "id": int,
    "key": str,
    "name": str,
    "description": str,
    "events": dict,
}
EXPANDED = {
    **METADATA,
    "image": str,
    "displayOrder": int,
    "active": bool,
    "beta": bool,
    "transformations": bool,
    "elementType": str,
    "normalizedPaging": bool,
    "swaggerValidated": bool,
    "cloneable": bool,
    "authenticationType": str,
    "discovery": dict,
    "bulk": dict,
    "api": dict,
    "hub": str,
    "resources": list,
}
RESOURCE = {"id": int, "path": str, "method": str, "type": str}
HUB = {"id": int, "key": str, "name": str, "description": str}
SWAGGER = {
    "swagger": str,
    "basePath": str,
    "host": str,
    "paths": dict,
    "definitions": dict,
    "info": dict,
    "tags": list,
}
FIELD = {
    "type": str,
    "path": str,
    "vendorPath": str,
    "vendorNativeType": str,
    "vendorRequired": bool,
    "vendorReadOnly": bool,
    "custom": bool,
}
OBJECT = {"name": str, "vendorName": str, "type": str}
FIGURES = {"count": int, "success": int, "failed": int}
RECORD = {"id": int}
ACCOUNT = {"id": int, "name": str, "active": bool, "defaultAccount": bool}
USER = {
    "id": int,
    "email": str,
    "firstName": str,
    "lastName": str,
    "fullName": str,
    "roles": list,
    "active": bool,
}
USAGE = {
    "user_id": int,
    "account_id": int,
    "company_id": int,
    "process_time": NUMBER,
    "traffic_id": str,
    "request_status": str,
    "company_external_id": str,
    "request_uri": str,
    "request_id": str,
    "traffic_date": (str, int),
}


def one(members):
    """Expect an object with these members of these types."""

    def check(answer):
        holds(answer.json(), members)

    return check


def many(members):
    """Expect a bare array, not empty, of such objects; a header has their number.

    A type instead of members expects plain values.
    """

    def check(answer):
        items = answer.json()
        assert isinstance(items, list)
        assert items
        assert answer.headers["elements-returned-count"] == str(len(items))
        for item in items:
            if isinstance(members, type):
                assert isinstance(item, members)
            else:
                holds(item, members)

    return check


def listed(answer):
    """Expect a bare array, which may be empty."""
    items = answer.json()
    assert isinstance(items, list)
    assert answer.headers["elements-returned-count"] == str(len(items))


def nothing(answer):
    """Expect no body."""
    assert answer.body == b""


def holds(document, members):
    assert isinstance(document, dict)
    for name, kind in members.items():
        assert name in document, name
        value = document[name]
        assert isinstance(value, kind), (name, value)
        if kind is int:
            assert not isinstance(value, bool), (name, value)


def fields(answer):
    document = answer.json()
    assert document["fields"]
    for field in document["fields"]:
        holds(field, FIELD)
    assert any(field["custom"] is False for field in document["fields"])


def only_custom(answer):
    assert all(field["custom"] is True for field in answer.json()["fields"])


def of_both_kinds(answer):
    many(OBJECT)(answer)
    assert {each["type"] for each in answer.json()} == {"vendor", "ceCanonical"}


def behind_gateway(answer):
    one(SWAGGER)(answer)
    document = answer.json()
    assert document["host"] == "gw.example"
    for methods in document["paths"].values():
        for operation in methods.values():
            named = {each["name"] for each in operation["parameters"]}
            assert {"Authorization", "x-api-key"} <= named


def one_operation(answer):
    one(SWAGGER)(answer)
    [path] = answer.json()["paths"].items()
    assert path[0] == "/accounts"
    assert [*path[1]] == ["get"]


def definitions(answer):
    assert {"Account", "Error"} <= set(answer.json())


def hour_by_hour(answer):
    many({"timestamp": str, **FIGURES})(answer)
    assert len(answer.json()) == 25


def token_of_login(answer):
    assert answer.json()["token"]


@dataclass(frozen=True)
class Call:
    """One call of a row, who may make it, and its expected response.

    `by` is who calls: `anyone`, `platform` (User, Organization), `token` and `hub`
    (User, Element), or `bearer`. `unknown` is the path with an id that is none;
    `status` is that of the right answer where it is no success; `headers` go with it.
    """

    row: int
    method: str
    path: str
    by: str
    check: Callable[[object], None]
    body: Callable[[object], object] | None = None
    unknown: str | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def shape(self):
        """The path with nothing left of its names, and without a query."""
        path = self.path.split("?")[0].rstrip("/")
        path = re.sub(r"^/elements/50(?=/|$)", "/elements/autotaskcrm", path)
        return re.sub(r"\{[^}]*\}", "{}", path)

    def __str__(self):
        words = [str(self.row), self.method, self.path]
        return "-".join([*words, *(value for _, value in self.headers)])


def sending(document):
    """Send this body."""
    return lambda _world: document


def portal_user(world):
    contact = world.contact_without_login
    return {
        "contactID": contact,
        "id": "0",
        "userName": f"ida{contact}@harbor.example",
        "password": "Abc12345",
        "securityLevel": 5,
        "dateFormat": 1,
        "timeFormat": 19,
        "numberFormat": 22,
        "clientPortalActive": True,
    }


NAMED = {
    # resource: (a body for a create, a change), None where the verb is not offered
    "accounts": (
        lambda _w: {
            "accountName": "Harbor Cafe",
            "accountType": 1,
            "phone": "202-555-0147",
            "ownerResourceID": 4,
        },
        {"phone": "202-555-0188"},
    ),
    "contacts": (
        lambda _w: {
            "accountID": 0,
            "active": 1,
            "firstName": "Ida",
            "lastName": "Moe",
        },
        {"lastName": "Berg"},
    ),
    "opportunities": (
        lambda _w: {
            "accountID": 0,
            "amount": "980.00",
            "cost": "410",
            "createDate": "3/1/19",
            "ownerResourceID": 4,
            "probability": "40",
            "projectedCloseDate": "6/30/2019",
            "stage": "29682774",
            "status": 0,
            "title": "Lobby screens",
            "useQuoteTotals": False,
        },
        {"title": "Hall screens"},
    ),
    "tasks": (
        lambda _w: {"projectID": 4, "status": 1, "taskType": 1, "title": "Survey site"},
        {"title": "Survey the site"},
    ),
    "users": (
        portal_user,
        {"clientPortalActive": True},
    ),
    "customers": (
        portal_user,
        {"clientPortalActive": True},
    ),
    "products": (
        lambda w: {
            "name": f"Screen {w.contact_without_login}",
            "active": True,
            "serialized": False,
            "productAllocationCodeID": w.hub("GET", "/products?pageSize=1").json()[0][
                "productAllocationCodeID"
            ],
        },
        {"description": "For lobbies"},
    ),
    "billing-items": (None, None),
    "invoices": (None, {"invoiceNumber": "41207"}),
    "sales-orders": (None, {"shipToAddress1": "1 Quay"}),
}
NAMED_ROWS = {
    "accounts": (42, 43),
    "contacts": (44, 45),
    "opportunities": (46, 47),
    "tasks": (48, 48),
    "users": (49, 49),
    "customers": (50, 50),
    "products": (51, 51),
    "billing-items": (52, 52),
    "invoices": (53, 53),
    "sales-orders": (53, 53),
}


def named_resources():
    for name, (create, change) in NAMED.items():
        whole, single = NAMED_ROWS[name]
        item = f"/hubs/crm/{name}/{{first:{name}}}"
        unknown = f"/hubs/crm/{name}/999999999"
        yield Call(whole, "GET", f"/hubs/crm/{name}", "hub", many(RECORD))
        yield Call(single, "GET", item, "hub", one(RECORD), unknown=unknown)
        if create is not None:
            yield Call(whole, "POST", f"/hubs/crm/{name}", "hub", one(RECORD), create)
        if change is not None:
            own = f"/hubs/crm/{name}/{{made:{name}}}"
            for method in ("PATCH", "PUT"):
                yield Call(
                    single, method, own, "hub", one(RECORD), sending(change), unknown
                )


def instances():
    here, spare = "/instances/{instance}", "/instances/{spare_instance}"
    below = "/elements/autotaskcrm/instances"
    none = "/instances/999999999"
    made = lambda world: world.instance_body  # noqa: E731 - short
    tags = sending({"name": "Checklist", "tags": ["walked"]})
    yield Call(4, "GET", "/instances", "platform", many(INSTANCE))
    yield Call(4, "GET", "/instances?searchText=AUTOTASK", "platform", many(INSTANCE))
    yield Call(5, "POST", "/instances", "platform", one(INSTANCE), made)
    yield Call(6, "PUT", "/instances", "token", one(INSTANCE), tags)
    yield Call(6, "PATCH", "/instances", "token", one(INSTANCE), tags)
    yield Call(6, "DELETE", "/instances", "spare", nothing)
    yield Call(7, "GET", "/instances/count", "platform", one({"totalInstances": int}))
    yield Call(8, "GET", here, "platform", one(INSTANCE), unknown=none)
    yield Call(8, "PUT", here, "platform", one(INSTANCE), tags, none)
    yield Call(8, "PATCH", here, "platform", one(INSTANCE), tags, none)
    yield Call(8, "DELETE", spare, "platform", nothing, unknown=none)
    for method in ("DELETE", "PUT"):
        yield Call(
            9,
            method,
            f"{spare}/enabled",
            "platform",
            nothing,
            unknown=f"{none}/enabled",
        )
        yield Call(9, method, "/instances/enabled", "spare", nothing)
    entries, entry = f"{here}/configuration", f"{here}/configuration/{{config}}"
    nulls = sending({"propertyValue": "true"})
    yield Call(
        10, "GET", entries, "platform", many(ENTRY), unknown=f"{none}/configuration"
    )
    yield Call(10, "GET", "/instances/configuration", "token", many(ENTRY))
    missing = f"{here}/configuration/999"
    yield Call(11, "GET", entry, "platform", one(ENTRY), unknown=missing)
    yield Call(11, "PATCH", entry, "platform", one(ENTRY), nulls, missing)
    by_token = "/instances/configuration/{config}"
    missing = "/instances/configuration/999"
    yield Call(11, "GET", by_token, "token", one(ENTRY), unknown=missing)
    yield Call(11, "PATCH", by_token, "token", one(ENTRY), nulls, missing)
    minutes = sending({"duration": 1})
    for by, path in (("platform", spare), ("spare", "/instances")):
        missing = f"{none}/trace-logging" if by == "platform" else None
        tracing = f"{path}/trace-logging"
        yield Call(12, "PUT", tracing, by, lambda _answer: None, minutes, missing)
        yield Call(12, "DELETE", tracing, by, lambda _answer: None, unknown=missing)
    yield Call(29, "GET", below, "platform", many(INSTANCE), unknown=none)
    yield Call(29, "POST", below, "platform", one(INSTANCE), made)
    unknown = f"{below}/999999999"
    same = f"{below}/{{instance}}"
    yield Call(30, "GET", same, "platform", one(INSTANCE), unknown=unknown)
    yield Call(
        30,
        "PUT",
        f"{same}?reAuthenticate=false",
        "platform",
        one(INSTANCE),
        tags,
        unknown,
    )
    yield Call(
        30,
        "DELETE",
        f"{below}/{{spare_instance}}",
        "platform",
        nothing,
        unknown=unknown,
    )
    objects = f"{here}/objects"
    yield Call(24, "GET", objects, "platform", many(str), unknown=f"{none}/objects")
    yield Call(24, "GET", "/instances/objects", "token", many(str))
    yield Call(
        24,
        "GET",
        f"{objects}/Account/metadata",
        "platform",
        fields,
        unknown=f"{objects}/Nonsense/metadata",
    )
    yield Call(
        24,
        "GET",
        "/instances/objects/Account/metadata",
        "token",
        fields,
        unknown="/instances/objects/Nonsense/metadata",
    )
    yield Call(24, "GET", "/instance", "token", one(INSTANCE))


def descriptions():
    here, none = "/instances/{instance}/docs", "/instances/999999999/docs"
    yield Call(13, "GET", here, "platform", one(SWAGGER), unknown=none)
    yield Call(13, "GET", "/instances/docs", "token", one(SWAGGER))
    for tail, check in (("", one_operation), ("/definitions", definitions)):
        for prefix, by in ((here, "platform"), ("/instances/docs", "token")):
            yield Call(
                14,
                "GET",
                f"{prefix}/getAccounts{tail}",
                by,
                check,
                unknown=f"{prefix}/getNonsense{tail}",
            )
    for path in ("docs", "lbdocs?force=true"):
        yield Call(
            34,
            "GET",
            f"/elements/50/{path}",
            "anyone",
            one(SWAGGER),
            unknown=f"/elements/999/{path}",
        )
    for path, check in (
        ("/docs/crm", one(SWAGGER)),
        ("/docs/crm?baseUrl=https://gw.example&provider=aws", behind_gateway),
    ):
        yield Call(37, "GET", path, "platform", check, unknown="/docs/nonsense")
    yield Call(
        41,
        "GET",
        "/hubs/crm/objects/accounts/docs",
        "hub",
        one(SWAGGER),
        unknown="/hubs/crm/objects/nonsense/docs",
    )


def catalogue():
    for call in (
        (25, "/elements", many(ELEMENT), None),
        (25, "/elements/keys", many(str), None),
        (26, "/elements/autotaskcrm", one(WHOLE_ELEMENT), "/elements/nonsense"),
        (26, "/elements/50/", one(WHOLE_ELEMENT), "/elements/999"),
        (27, "/elements/50/metadata", one(METADATA), "/elements/999/metadata"),
        (
            27,
            "/elements/50/metadata?expand=true",
            one(EXPANDED),
            "/elements/999/metadata?expand=true",
        ),
        (27, "/elements/metadata", many(METADATA), None),
        (
            28,
            "/elements/autotaskcrm/configuration",
            many(KEY),
            "/elements/nonsense/configuration",
        ),
        (
            28,
            "/elements/autotaskcrm/export",
            one({**ELEMENT, "resources": list}),
            "/elements/nonsense/export",
        ),
        (
            28,
            "/elements/autotaskcrm/transformations",
            one({}),
            "/elements/nonsense/transformations",
        ),
        (36, "/hubs", many(HUB), None),
        (36, "/hubs?hydrate=true", many({**HUB, "resources": list}), None),
        (36, "/hubs/keys", many(str), None),
        (36, "/hubs/crm", one({**HUB, "active": bool}), "/hubs/nonsense"),
        (36, "/hubs/crm/elements", many(ELEMENT), "/hubs/nonsense/elements"),
    ):
        row, path, check, unknown = call
        yield Call(row, "GET", path, "anyone", check, unknown=unknown)
    resources = "/elements/autotaskcrm/resources"
    unknown = "/elements/nonsense/resources"
    body = lambda world: {  # noqa: E731 - short
        **world.own_resource,
        "id": None,
        "path": f"/again{world.request}",
    }
    yield Call(31, "GET", resources, "platform", many(RESOURCE), unknown=unknown)
    yield Call(
        31, "POST", resources, "platform", one({"id": int, "path": str}), body, unknown
    )
    item, none = f"{resources}/{{own_resource_id}}", f"{resources}/999999999"
    yield Call(32, "GET", item, "platform", one(RESOURCE), unknown=none)
    yield Call(
        32, "PUT", item, "platform", one(RESOURCE), lambda w: w.own_resource, none
    )
    yield Call(32, "DELETE", item, "platform", lambda _answer: None, unknown=none)
    for name in ("hooks", "parameters", "models"):
        yield Call(
            33,
            "GET",
            f"{item}/{name}",
            "platform",
            one({}) if name == "models" else listed,
            unknown=f"{none}/{name}",
        )
    yield Call(59, "GET", "/{own_resource_path}", "hub", one({}))
    yield Call(59, "GET", "/hubs/crm/{own_resource_path}", "hub", one({}))


def builder():
    """Yield what builds elements: lists to read, and calls that are always refused."""
    version = {"version": str, "active": bool}
    for name, check in (
        ("objects", many(str)),
        ("hooks", listed),
        ("parameters", listed),
        ("models", listed),
        ("versions", many(version)),
        ("authentication-types", many(str)),
    ):
        path, unknown = f"/elements/50/{name}", f"/elements/999/{name}"
        yield Call(35, "GET", path, "anyone", check, unknown=unknown)
    empty = sending({})
    for method, tail, status in (
        ("PUT", "", 403),
        ("PATCH", "", 403),
        ("DELETE", "", 403),
        ("POST", "/clone", 403),
        ("PUT", "/active", 403),
        ("DELETE", "/active", 403),
        ("POST", "/configuration", 403),
        ("PUT", "/configuration/event.objects", 403),
        ("DELETE", "/configuration/event.objects", 403),
        ("GET", "/oauth/url", 400),
        ("POST", "/oauth/url", 400),
        ("GET", "/oauth/token", 400),
    ):
        for name in ("50", "autotaskcrm"):
            yield Call(
                35,
                method,
                f"/elements/{name}{tail}",
                "anyone" if method == "GET" else "platform",
                lambda _answer: None,
                empty if method in {"POST", "PUT", "PATCH"} else None,
                f"/elements/999{tail}",
                status=status,
            )
    for path in ("/elements", "/elements/validate"):
        yield Call(
            35, "POST", path, "platform", lambda _answer: None, empty, status=403
        )


def objects():
    helium = (("Elements-Version", "Helium"),)
    ping = {"dateTime": str, "endpoint": str, "valid": bool}
    yield Call(38, "GET", "/hubs/crm/ping", "hub", one(ping))
    path = "/hubs/crm/objects"
    yield Call(39, "GET", path, "hub", many(str))
    yield Call(39, "GET", path, "hub", of_both_kinds, headers=helium)
    for name in ("accounts", "Account", "Ticket"):
        path = f"/hubs/crm/objects/{name}/metadata"
        unknown = "/hubs/crm/objects/Nonsense/metadata"
        yield Call(40, "GET", path, "hub", fields, unknown=unknown)
        yield Call(40, "GET", path, "hub", fields, unknown=unknown, headers=helium)
        path += "?customFieldsOnly=true"
        yield Call(40, "GET", path, "hub", only_custom, unknown=unknown)
    person = NAMED["contacts"][0]
    yield Call(55, "GET", "/hubs/crm/Contact", "hub", many(RECORD))
    yield Call(55, "POST", "/hubs/crm/Contact", "hub", one(RECORD), person)
    item, none = "/hubs/crm/Contact/{contact_without_login}", "/hubs/crm/Contact/99999"
    change = sending({"lastName": "Berg"})
    yield Call(56, "GET", item, "hub", one(RECORD), unknown=none)
    yield Call(56, "PATCH", item, "hub", one(RECORD), change, none)
    yield Call(56, "PUT", item, "hub", one(RECORD), change, none)
    yield Call(56, "DELETE", item, "hub", nothing, unknown=none)
    children, none = "/hubs/crm/Account/0/Contact", "/hubs/crm/Account/99999/Contact"
    yield Call(57, "GET", children, "hub", many(RECORD), unknown=none)
    child = sending({"active": 1, "firstName": "Ida", "lastName": "Moe"})
    yield Call(57, "POST", children, "hub", one(RECORD), child, none)
    item = f"{children}/{{contact_without_login}}"
    none = f"{children}/99999"
    yield Call(58, "GET", item, "hub", one(RECORD), unknown=none)
    yield Call(58, "PATCH", item, "hub", one(RECORD), change, none)
    yield Call(58, "PUT", item, "hub", one(RECORD), change, none)
    yield Call(58, "DELETE", item, "hub", nothing, unknown=none)


def members_of(users):
    """Yield the calls on one user by its account, its organization and its roles."""
    unknown = f"{users}/999999999"
    yield Call(
        83, "GET", f"{users}/{{spare_user}}", "platform", one(USER), unknown=unknown
    )
    for method in ("PATCH", "PUT"):
        yield Call(
            83,
            method,
            f"{users}/{{spare_user}}",
            "platform",
            one(USER),
            sending({"lastName": "Berg"}),
            unknown,
        )
    path, unknown = "/organizations/users/{spare_user}", "/organizations/users/a@b.cd"
    yield Call(83, "GET", path, "platform", one(USER), unknown=unknown)
    yield Call(83, "DELETE", path, "platform", nothing, unknown=unknown)
    path, unknown = "/users/{spare_user}/roles", "/users/999999999/roles"
    yield Call(83, "GET", path, "platform", listed, unknown=unknown)
    for method in ("PUT", "DELETE"):
        yield Call(
            83,
            method,
            f"{path}/sys-admin",
            "platform",
            lambda _answer: None,
            unknown=f"{unknown}/sys-admin",
            status=403,
        )


def tenancy():
    account, user = "/accounts/{account}", "/users/{user}"
    nobody = "/accounts/-1"
    policy = "notification.webhook.failure.policy"
    settings = sending({policy: "retry"})
    yield Call(
        1, "POST", "/authentication", "anyone", token_of_login, lambda w: w.login
    )
    secrets = {"userSecret": str, "organizationSecret": str}
    yield Call(2, "GET", "/authentication/secrets", "bearer", one(secrets))
    for method, body in (("GET", None), ("POST", settings), ("PATCH", settings)):
        check = one({policy: str})
        own, none = f"{account}/settings", f"{nobody}/settings"
        yield Call(80, method, own, "platform", check, body, none)
        yield Call(80, method, "/accounts/settings", "platform", check, body)
    yield Call(83, "GET", "/accounts", "platform", many(ACCOUNT))
    yield Call(
        83, "GET", "/accounts?where=defaultAccount=true", "platform", many(ACCOUNT)
    )
    yield Call(
        83,
        "POST",
        "/accounts",
        "platform",
        one(ACCOUNT),
        lambda world: {"name": f"New {world.request}"},
    )
    yield Call(83, "GET", account, "platform", one(ACCOUNT), unknown=nobody)
    rename = sending({"description": "Walked"})
    for method in ("PATCH", "PUT"):
        yield Call(
            83,
            method,
            "/accounts/{spare_account}",
            "platform",
            one(ACCOUNT),
            rename if method == "PATCH" else sending({"name": "Renamed"}),
            nobody,
        )
    yield Call(
        83,
        "DELETE",
        "/accounts/{spare_account}",
        "platform",
        lambda _answer: None,
        unknown=nobody,
    )
    users = f"{account}/users"
    yield Call(83, "GET", users, "platform", many(USER), unknown=f"{nobody}/users")
    created = {**USER, "secret": str}
    yield Call(83, "POST", users, "platform", one(created), lambda w: w.new_user)
    yield Call(83, "GET", "/users", "platform", many(USER))
    yield Call(83, "GET", user, "platform", one(USER), unknown="/users/999999999")
    yield Call(
        83,
        "DELETE",
        "/users/{spare_user}",
        "platform",
        nothing,
        unknown="/users/999999999",
    )
    for method in ("PATCH", "PUT"):
        yield Call(
            83,
            method,
            "/users/{spare_user}",
            "platform",
            one(USER),
            sending({"lastName": "Berg"}),
            "/users/999999999",
        )
    yield from members_of(users)
    roles, none = f"{account}/roles", f"{nobody}/roles"
    yield Call(83, "GET", roles, "platform", listed, unknown=none)
    for method in ("PUT", "DELETE"):
        yield Call(
            83,
            method,
            f"{roles}/nonsense",
            "platform",
            lambda _answer: None,
            unknown=f"{none}/nonsense",
            status=400,
        )
    yield Call(84, "GET", "/accounts/instances", "platform", many(INSTANCE))
    yield Call(
        84,
        "GET",
        f"{account}/instances",
        "platform",
        many(INSTANCE),
        unknown=f"{nobody}/instances",
    )
    organization = {"id": int, "name": str, "active": bool, "vdrVersion": str}
    yield Call(85, "GET", "/organizations/me", "platform", one(organization))
    yield Call(86, "GET", "/usage", "platform", many(USAGE))
    yield Call(
        86, "GET", "/usage/{request}", "platform", one(USAGE), unknown="/usage/none"
    )
    analytics, none = "/usage/analytics", "/usage/analytics/nonsense"
    for path in (analytics, f"{analytics}/times"):
        yield Call(86, "GET", path, "platform", hour_by_hour, unknown=none)
    activity, created = f"{analytics}/activity/element-instances", "created-count"
    check = one({"usage": list})
    yield Call(86, "GET", activity, "platform", check, unknown=f"{activity}/x")
    check = one({"instancesCreatedCount": int})
    yield Call(86, "GET", f"{activity}/{created}", "platform", check, unknown=none)
    for tail, member in (
        ("accounts", {"accountId": int}),
        ("elements", {"elementKey": (str, type(None))}),
        ("statuses", {"timestamp": str, "status": int}),
    ):
        check = many({**member, **FIGURES})
        yield Call(86, "GET", f"{analytics}/{tail}", "platform", check, unknown=none)


ELSEWHERE = {3, 54}
"""Rows with tests of their own: a changed password ends what the others use; no
named resource can be deleted, which `test_wrong_verb` walks."""

LATER = {
    *(15, 16, 17, 18, 71, 81, 82, 87),  # events
    *(19, 20, 21, 22, 23, *range(73, 80)),  # definitions and transformations
    *(*range(60, 71), 72),  # bulk
}
"""Rows that are not served yet."""

CALLS = [
    *instances(),
    *descriptions(),
    *catalogue(),
    *builder(),
    *objects(),
    *named_resources(),
    *tenancy(),
]

CONTRACT = Path(__file__).parents[4] / "shared" / "reference" / "elements-api.md"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
JSON_TYPE = "application/json;charset=UTF-8"

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


def made(name, world):
    """Return the id of a record that is the walk's own, where one can be made."""
    create, _ = NAMED[name]
    if create is None:
        return world.first(name)
    return world.hub("POST", f"/hubs/crm/{name}", create(world)).json()["id"]


def filled(path, world):
    """Return the path with its names filled in, each name made once for it."""

    def fill(match):
        name, _, argument = match[1].partition(":")
        if name == "made":
            return str(made(argument, world))
        return str(getattr(world, name)(argument) if argument else world[name])

    return re.sub(r"\{([^}]*)\}", fill, path)


def authorization(call, world, of=None):
    """Return the header for a call; `of` makes it that of another organization."""
    if of is not None:
        return of.platform if call.by in {"platform", "anyone"} else of.secrets
    match call.by:
        case "platform":
            return world.api.platform
        case "spare":
            return f"{world.api.platform}, Element {world.spare_token}"
        case "bearer":
            return world.bearer
        case "anyone":
            return " "
    return world.token_secrets


def send(call, world, path=None, headers=None, **options):
    body = call.body(world) if call.body else None
    header = options.get("authorization") or authorization(call, world)
    path = filled(path or call.path, world)
    headers = {**dict(call.headers), **(headers or {})}
    return world.api.call(
        call.method, path, body, authorization=header, headers=headers
    )


def assert_envelope(answer, *statuses):
    assert answer.status in statuses, answer.body
    assert answer.headers["content-type"] == JSON_TYPE
    assert answer.json()["message"]
    assert answer.json()["requestId"] == answer.headers["elements-request-id"]


@each_call
def test_right_verb(call, world):
    answer = send(call, world)

    if call.status != 200:
        assert_envelope(answer, call.status)
    assert answer.status == call.status, answer.body
    assert answer.headers["elements-request-id"]
    assert answer.headers["content-type"] == JSON_TYPE
    call.check(answer)


@pytest.mark.parametrize("call", [c for c in CALLS if c.unknown], ids=str)
def test_unknown(call, world):
    assert_envelope(send(call, world, call.unknown), 404)


def lacking():
    """Yield one call for each path, with each verb that no call has on that path."""
    offered = {}
    for call in CALLS:
        if call.row not in ANY_VERB:
            offered.setdefault(call.shape, (call, set()))[1].add(call.method)
    for shape, (call, methods) in offered.items():
        for method in METHODS:
            if method not in methods:
                yield pytest.param(call, method, id=f"{method}-{shape}")


ANSWERS_MOVE = {38, 59}
"""Rows whose responses have times, or numbers of calls."""

ANY_VERB = {33}
"""Rows that are walked for reading only: added resources have tests of their own."""

HUB = "/hubs/crm"


@pytest.mark.parametrize(("call", "method"), list(lacking()))
def test_wrong_verb(call, method, world):
    path = filled(call.path, world)
    header = authorization(call, world)
    if call.by == "anyone":
        header = world.api.platform

    assert_envelope(world.api.call(method, path, {}, authorization=header), 405)
    if path.startswith(HUB) and call.by == "hub":
        bare = path.removeprefix(HUB)
        assert_envelope(world.api.call(method, bare, {}, authorization=header), 405)


SHARED = ("/accounts", "/accounts/{}", "/users", "/users/{}")
"""Paths without a hub that are the platform's where no token is sent."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "shape",
    [
        *dict.fromkeys(call.shape for call in CALLS if call.by == "hub"),
        *("/hubs/crm/account", "/hubs/crm/accounts/0/contacts", "/hubs/crm/users/4/x"),
        *("/hubs/crm/contacts/4/foo", "/hubs/crm/accounts/0/contacts/4/x/y"),
    ],
)
def test_the_hub_is_not_described_without_a_token(shape, method, world):
    bare = shape.removeprefix(HUB)
    for path in {shape, bare} - set(SHARED):
        body = None if method == "GET" else {}
        answer = world.platform(method, path.replace("{}", "4"), body)
        assert_envelope(answer, 401)


@pytest.mark.parametrize(
    "call",
    [
        c
        for c in CALLS
        if c.by not in {"anyone", "bearer"} and re.search(r"\{|hubs/", c.path)
    ],
    ids=str,
)
def test_a_foreign_caller_gets_nothing(call, world, foreign):
    theirs = foreign.platform
    if call.by != "platform":
        theirs += f", Element {world.token_secrets.rpartition(' ')[2]}"

    answer = send(call, world, authorization=theirs)

    assert_envelope(answer, 401, 403, 404)


READING = [call for call in CALLS if call.method == "GET" and call.status == 200]


@pytest.mark.parametrize("call", READING, ids=str)
def test_odd_spellings(call, world):
    path = filled(call.path, world)
    path, _, query = path.partition("?")
    doubled = path.replace("/", "//", 1) + "/"
    header = authorization(call, world)
    odd = re.sub(r", *", "   ,", header.replace("User", "uSER").replace("Org", "ORG"))

    answer = world.api.call(
        "GET",
        f"{doubled}?{query}&nextPage=&q=anything",
        authorization=odd,
        headers={
            **dict(call.headers),
            "Content-Type": "text/plain",
            "Elements-Session": "true",
        },
    )

    assert answer.status == 200, answer.body
    call.check(answer)


@pytest.mark.parametrize(
    "call",
    [c for c in READING if c.path.startswith(f"{HUB}/") and c.by == "hub"],
    ids=str,
)
def test_the_hub_is_not_looked_at(call, world):
    path = filled(call.path, world)
    bare = path.removeprefix(HUB)
    asked = {"authorization": world.token_secrets, "headers": dict(call.headers)}
    first = world.api.get(path, **asked).json()

    for other in (f"/hubs/nonsense{bare}", bare):
        again = world.api.get(other, **asked).json()
        if call.row not in ANSWERS_MOVE:
            assert again == first


def test_no_row_is_forgotten():
    if not CONTRACT.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the contract is missing")
        pytest.skip("the contract is not beside this checkout")
    text = CONTRACT.read_text("utf-8")
    checklist = text[text.index("\n## 10. Checklist") :]
    rows = {int(number) for number in re.findall(r"(?m)^\| (\d+) \|", checklist)}

    assert len(rows) == 87
    assert {call.row for call in CALLS} | ELSEWHERE | LATER == rows
