"""Secrets and tokens: what each call needs, on every route."""

import uuid

import pytest

REFUSED = "Invalid Organization or User secret, or invalid Element token provided."

HUB_ROUTES = [
    ("GET", "/hubs/crm/accounts"),
    ("POST", "/hubs/crm/accounts"),
    ("GET", "/hubs/crm/accounts/0"),
    ("PATCH", "/hubs/crm/accounts/0"),
    ("PUT", "/hubs/crm/accounts/0"),
    ("DELETE", "/hubs/crm/accounts/0"),
    ("GET", "/hubs/crm/contacts"),
    ("POST", "/hubs/crm/contacts"),
    ("GET", "/hubs/crm/contacts/4"),
    ("PATCH", "/hubs/crm/contacts/4"),
    ("GET", "/hubs/documents/contacts"),
    ("GET", "/contacts"),
    ("GET", "/ping"),
    ("GET", "/hubs/crm/ping"),
    ("GET", "/hubs/crm/account?pageSize=1"),
    ("GET", "/hubs/crm/no/such/path"),
]
TOKEN_ROUTES = [
    ("PUT", "/instances"),
    ("PATCH", "/instances"),
    ("DELETE", "/instances"),
    ("PUT", "/instances/enabled"),
    ("DELETE", "/instances/enabled"),
]
PLATFORM_ROUTES = [
    ("GET", "/instances"),
    ("POST", "/instances"),
    ("GET", "/instances/{id}"),
    ("PUT", "/instances/{id}"),
    ("PATCH", "/instances/{id}"),
    ("DELETE", "/instances/{id}"),
    ("PUT", "/instances/{id}/enabled"),
    ("DELETE", "/instances/{id}/enabled"),
    ("GET", "/elements/autotaskcrm/instances"),
    ("POST", "/elements/autotaskcrm/instances"),
    ("GET", "/elements/50/instances/{id}"),
    ("PUT", "/elements/50/instances/{id}"),
    ("DELETE", "/elements/50/instances/{id}"),
]


def refused(answer):
    assert answer.status == 401, answer.body
    assert answer.json()["message"] == REFUSED
    assert answer.json()["requestId"] == answer.headers["elements-request-id"]


@pytest.mark.parametrize(("method", "path"), HUB_ROUTES + TOKEN_ROUTES)
def test_a_wrong_or_missing_part_is_401(api, demo, method, path):
    body = None if method in ("GET", "DELETE") else {}
    user, token = f"User {demo['userSecret']}", f"Element {demo['elementToken']}"
    organization = f"Organization {demo['organizationSecret']}"

    for authorization in (
        "nonsense",
        f"User {uuid.uuid4().hex}, {token}",
        f"{user}, Element {uuid.uuid4().hex}",
        f"{user}, {organization}",
        f"{token}",
        f"{user}, Organization {'0' * 32}, {token}",
    ):
        refused(api.call(method, path, body, authorization=authorization))


@pytest.mark.parametrize(("method", "path"), PLATFORM_ROUTES)
def test_platform_calls_need_user_and_organization(api, demo, method, path):
    body = None if method in ("GET", "DELETE") else {}
    path = path.format(id=demo["instanceId"])
    user = f"User {demo['userSecret']}"
    organization = f"Organization {demo['organizationSecret']}"

    for authorization in (
        "nonsense",
        user,
        organization,
        f"{user}, Organization {'0' * 32}",
        f"User {'x' * 44}, {organization}",
        f"Element {demo['elementToken']}",
    ):
        refused(api.call(method, path, body, authorization=authorization))


@pytest.mark.parametrize(
    "form",
    [
        "User {u}, Organization {o}, Element {e}",
        "Element {e}, User {u}",
        "Element {e},User {u},Organization {o}",
        "user {u} ,  ORGANIZATION {o}  ,element {e}",
        "User {u}, Organization {o}, Element: {e}",
        "User {u}, Token {e}",
    ],
)
def test_every_spelling_of_the_header_opens_the_instance(api, demo, form):
    authorization = form.format(
        u=demo["userSecret"], o=demo["organizationSecret"], e=demo["elementToken"]
    )

    answer = api.get(
        "/hubs/crm/accounts?pageSize=1",
        authorization=authorization,
        headers={"Elements-Session": "true"},
    )

    assert answer.status == 200, answer.body
    assert answer.headers["elements-element-instance-id"] == str(demo["instanceId"])


def test_a_bearer_stands_for_user_and_organization(api, demo):
    login = api.call("POST", "/authentication", demo["login"], authorization="none")
    assert login.status == 200, login.body
    bearer = f"Bearer {login.json()['token']}"

    secrets = api.get("/authentication/secrets", authorization=bearer)

    assert secrets.json() == {
        "userSecret": demo["userSecret"],
        "organizationSecret": demo["organizationSecret"],
    }
    assert api.get("/instances", authorization=bearer).status == 200


def test_a_wrong_password_is_401(api, demo):
    body = {"username": demo["login"]["username"], "password": "wrong"}

    assert api.call("POST", "/authentication", body).status == 401


@pytest.fixture
def spare(api, demo):
    """An instance of the demo user's that a test may disable or delete."""
    body = {
        "name": f"Spare {uuid.uuid4().hex[:6]}",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": demo["username"],
            "crm.autotask.password": demo["password"],
            "crm.autotask.server.url": demo["sandboxUrl"],
        },
    }
    instance = api.call("POST", "/instances", body, authorization=api.platform).json()
    secrets = f"User {demo['userSecret']}, Element {instance['token']}"
    yield instance, secrets
    api.call("DELETE", f"/instances/{instance['id']}", authorization=api.platform)


@pytest.mark.parametrize("by_token", [True, False])
def test_a_disabled_instance_is_403_on_every_resource(api, spare, by_token):
    instance, secrets = spare
    path = "/instances/enabled" if by_token else f"/instances/{instance['id']}/enabled"
    authorization = secrets if by_token else api.platform
    assert api.call("DELETE", path, authorization=authorization).status == 200

    for method, route in HUB_ROUTES[:-2]:
        body = None if method in ("GET", "DELETE") else {}
        answer = api.call(method, route, body, authorization=secrets)
        assert answer.status == 403, (method, route, answer.body)

    assert api.call("PUT", path, authorization=authorization).status == 200
    assert api.get("/ping", authorization=secrets).status == 200


def test_a_deleted_instance_is_401_everywhere_whatever_the_path(api, spare):
    instance, secrets = spare

    deleted = api.call(
        "DELETE",
        f"/instances/{instance['id']}",
        b"null",
        authorization=api.platform,
    )

    assert deleted.status == 200
    assert deleted.body == b""
    for method, route in HUB_ROUTES + TOKEN_ROUTES:
        body = None if method in ("GET", "DELETE") else {}
        refused(api.call(method, route, body, authorization=secrets))
    gone = api.get(f"/instances/{instance['id']}", authorization=api.platform)
    assert gone.status == 404


def test_an_extra_element_part_is_ignored_on_platform_calls(api, demo):
    authorization = f"{api.platform}, Element {uuid.uuid4().hex}"

    answer = api.get(f"/instances/{demo['instanceId']}", authorization=authorization)

    assert answer.status == 200


@pytest.mark.parametrize(("method", "path"), HUB_ROUTES + TOKEN_ROUTES)
def test_a_foreign_token_opens_nothing(demo, api, foreign, method, path):
    body = None if method in ("GET", "DELETE") else {}

    refused(
        api.call(
            method,
            path,
            body,
            authorization=f"User {demo['userSecret']}, "
            f"Element {foreign.line['elementToken']}",
        )
    )


@pytest.mark.parametrize(
    ("method", "path"), [route for route in PLATFORM_ROUTES if "{id}" in route[1]]
)
def test_a_foreign_instance_is_404_by_id(api, foreign, method, path):
    body = None if method in ("GET", "DELETE") else {}

    answer = api.call(
        method,
        path.format(id=foreign.line["instanceId"]),
        body,
        authorization=api.platform,
    )

    assert answer.status == 404
    still = foreign.get(
        f"/instances/{foreign.line['instanceId']}", authorization=foreign.platform
    )
    assert still.status == 200
    assert still.json()["disabled"] is False


def test_two_users_see_their_own_instances_only(api, foreign):
    mine = api.get("/instances", authorization=api.platform).json()
    theirs = foreign.get("/instances", authorization=foreign.platform).json()

    assert not {i["id"] for i in mine} & {i["id"] for i in theirs}
    assert [i["name"] for i in theirs] == ["Foreign"]
