"""Organization, accounts and users of the platform, and who may do what."""

import secrets

import pytest

PASSWORD = "Correct-Horse-41207"


class Caller:
    """A user of the demo's organization, by his own secret."""

    def __init__(self, api, user):
        self.user = user
        organization = api.platform.partition(", ")[2]
        self.secrets = f"User {user['secret']}, {organization}"
        self._api = api

    def call(self, method, path, body=None):
        return self._api.call(method, path, body, authorization=self.secrets)


@pytest.fixture
def platform(api):
    def call(method, path, body=None):
        return api.call(method, path, body, authorization=api.platform)

    return call


@pytest.fixture
def account(platform):
    """A second account of the organization; empty again afterwards."""
    made = platform("POST", "/accounts", {"name": f"Branch {secrets.token_hex(4)}"})
    number = made.json()["id"]
    yield made.json()
    for user in platform("GET", f"/accounts/{number}/users").json():
        assert platform("DELETE", f"/users/{user['id']}").status == 200
    assert platform("DELETE", f"/accounts/{number}").status == 200


@pytest.fixture
def member(api, platform, account):
    """A user of the second account, who is no admin."""
    answer = platform("POST", f"/accounts/{account['id']}/users", person())
    assert answer.status == 200, answer.body
    return Caller(api, answer.json())


def person(**changes):
    return {
        "email": f"{secrets.token_hex(6)}@branch.example",
        "firstName": "Ida",
        "lastName": "Moe",
        "password": PASSWORD,
        **changes,
    }


def test_there_is_exactly_one_default_account(platform, account):
    listed = platform("GET", "/accounts").json()
    default = platform("GET", "/accounts?where=defaultAccount=true").json()

    assert account in listed
    assert [a["id"] for a in listed] == sorted(a["id"] for a in listed)
    assert default == [a for a in listed if a["defaultAccount"]]
    assert len(default) == 1
    refused = platform("DELETE", f"/accounts/{default[0]['id']}")
    assert refused.status == 400
    assert "default account" in refused.json()["message"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("name='{name}'", True),
        ("name='{name}' AND nonsense='x'", True),
        ("name='nobody'", False),
        ("defaultAccount=true", False),
        ("createdDate>='2020-01-01'", True),
        ("createdDate<'2020-01-01'", False),
        ("name LIKE 'Branch%25' AND id={id}", True),
    ],
)
def test_accounts_are_filtered(platform, account, where, found):
    text = where.format(**account).replace(" ", "%20")
    listed = platform("GET", f"/accounts?where={text}").json()

    assert (account in listed) is found


def test_a_wrong_filter_is_refused(platform):
    for where in ("name=", "createdDate>'soon'", "id='x'"):
        assert platform("GET", f"/accounts?where={where}").status == 400


def test_pages_by_offset_number_and_token(platform, account):
    whole = platform("GET", "/accounts").json()
    assert account in whole

    first = platform("GET", "/accounts?pageSize=1")
    token = first.headers["elements-next-page-token"]
    for query in ("offset=1", "page=2", f"nextPage={token}"):
        assert platform("GET", f"/accounts?pageSize=1&{query}").json() == whole[1:2]
    last = platform("GET", f"/accounts?pageSize=1&offset={len(whole) - 1}")
    assert "elements-next-page-token" not in last.headers


def test_an_account_is_changed_member_by_member(platform, account):
    path = f"/accounts/{account['id']}"

    changed = platform("PATCH", path, {"description": "North", "externalId": "N-1"})

    assert changed.json() == {**account, "description": "North", "externalId": "N-1"}
    assert platform("GET", path).json() == changed.json()
    for wrong in ({"name": ""}, {"name": 7}, {"active": False}, {"name": "\0"}):
        assert platform("PATCH", path, wrong).status == 400


def test_an_account_needs_a_name(platform):
    for body in ({}, {"name": ""}, {"name": None}):
        assert platform("POST", "/accounts", body).status == 400


def test_a_user_has_a_secret_only_once(platform, account):
    body = person()
    made = platform("POST", f"/accounts/{account['id']}/users", body).json()

    assert made["secret"]
    assert "secret" not in platform("GET", f"/users/{made['id']}").json()
    again = platform("POST", f"/accounts/{account['id']}/users", body)
    assert again.status == 409


@pytest.mark.parametrize("name", ["email", "firstName", "lastName", "password"])
def test_a_blank_member_of_a_user_is_named(platform, account, name):
    answer = platform("POST", f"/accounts/{account['id']}/users", person(**{name: " "}))

    assert answer.status == 400
    assert name in answer.json()["message"]


def test_a_member_may_read_but_not_rule(member, account, platform):
    assert member.call("GET", "/organizations/me").json()["vdrVersion"] == "v1"
    assert member.call("GET", f"/users/{member.user['id']}").status == 200
    me = member.call("PATCH", f"/users/{member.user['id']}", {"firstName": "Ada"})
    assert me.json()["firstName"] == "Ada"
    others = platform("GET", "/users").json()
    other = next(u["id"] for u in others if u["id"] != member.user["id"])
    for method, path, body in (
        ("POST", "/accounts", {"name": "x"}),
        ("PATCH", f"/accounts/{account['id']}", {"name": "x"}),
        ("DELETE", f"/accounts/{account['id']}", None),
        ("POST", f"/accounts/{account['id']}/users", person()),
        ("PATCH", f"/users/{other}", {"firstName": "x"}),
        ("DELETE", f"/users/{other}", None),
    ):
        answer = member.call(method, path, body)
        assert (method, path, answer.status) == (method, path, 403)


def test_accounts_do_not_see_each_others_instances(member, api):
    instance = api.line["instanceId"]

    assert member.call("GET", "/instances").status == 404
    assert member.call("GET", f"/instances/{instance}").status == 404
    stolen = f"{member.secrets}, Element {api.line['elementToken']}"
    assert api.get("/hubs/crm/accounts", authorization=stolen).status == 401
    assert member.call("GET", "/accounts/instances").status == 404
    assert member.call("GET", "/instances/count").json()["totalInstances"] == 0


def test_a_foreign_organizations_account_is_forbidden(foreign, platform, account):
    path = f"/accounts/{account['id']}"
    for method, tail in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/instances"),
        ("GET", "/settings"),
    ):
        body = {} if method in {"PATCH", "POST"} else None
        answer = foreign.call(method, path + tail, body, authorization=foreign.platform)
        assert (method, tail, answer.status) == (method, tail, 403)
    listed = foreign.get("/accounts", authorization=foreign.platform).json()
    assert account not in listed
    users = foreign.get("/users", authorization=foreign.platform).json()
    assert {u["organizationId"] for u in users} == {listed[0]["companyId"]}


def test_an_account_with_users_stays(platform, member, account):
    answer = platform("DELETE", f"/accounts/{account['id']}")

    assert answer.status == 409
    assert str(member.user["id"]) in answer.json()["message"]


def test_nobody_removes_himself(platform, api, demo):
    me = api.call("POST", "/authentication", demo["login"]).json()["id"]

    assert platform("DELETE", f"/users/{me}").status == 400


def test_settings_are_kept_and_checked(platform, account):
    path = f"/accounts/{account['id']}/settings"
    policy = "notification.webhook.failure.policy"

    assert platform("GET", path).json() == {policy: "retry"}
    changed = platform("PATCH", path, {policy: "queue", "colour": True}).json()
    assert changed == {policy: "queue", "colour": "true"}
    assert platform("POST", path, {}).json() == changed
    for wrong in ({policy: "never"}, {policy: None}, {"a": []}):
        assert platform("PATCH", path, wrong).status == 400


def test_a_password_is_changed_and_sessions_end(api, member):
    login = {"username": member.user["email"], "password": PASSWORD}
    token = api.call("POST", "/authentication", login).json()["token"]
    bearer = f"Bearer {token}"

    def change(body):
        path = "/authentication/passwords"
        return api.call("POST", path, body, authorization=bearer)

    assert change({"password": PASSWORD, "newPassword": "short"}).status == 400
    assert change({"password": "wrong one", "newPassword": "x" * 12}).status == 400
    new = {"password": PASSWORD, "newPassword": "Staple-Battery-7"}
    assert change(new).status == 200
    assert change(new).status == 401
    assert api.call("POST", "/authentication", login).status == 401
    login["password"] = "Staple-Battery-7"
    assert api.call("POST", "/authentication", login).status == 200
