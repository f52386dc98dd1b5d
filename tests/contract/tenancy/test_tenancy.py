"""Organization, accounts and users of the platform, and who may do what."""

import re
import secrets

import pytest

PASSWORD = "Correct-Horse-41207"


class Caller:
    """A user of the demo's organization, by its own secret."""

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
    """A user of the second account, not an admin."""
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
        ("companyId={companyId} AND type='CompanyAccount'", True),
        ("companyId=1", False),
        ("type='Default'", False),
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
    for path in ("/accounts", "/users"):
        unknown = platform("GET", f"{path}?where=id=1%20OR%20nonsense=1")
        assert unknown.status == 400
        assert "there is no nonsense, only id, " in unknown.json()["message"]


def test_users_are_filtered_by_every_member(platform, member):
    found = platform("GET", f"/users?where=accountId={member.user['accountId']}")
    assert [user["id"] for user in found.json()] == [member.user["id"]]
    for where in ("organizationId=1", "lastLoginDate%20IS%20NULL%20AND%20id=1"):
        assert platform("GET", f"/users?where={where}").json() == []


def test_pages_by_offset_number_and_token(platform, account):
    whole = platform("GET", "/accounts").json()
    assert account in whole

    first = platform("GET", "/accounts?pageSize=1")
    token = first.headers["elements-next-page-token"]
    for query in ("offset=1", "pageOffset=1", "page=2", f"nextPage={token}"):
        assert platform("GET", f"/accounts?pageSize=1&{query}").json() == whole[1:2]
    last = platform("GET", f"/accounts?pageSize=1&offset={len(whole) - 1}")
    assert "elements-next-page-token" not in last.headers


def test_an_account_is_changed_member_by_member(platform, account):
    path = f"/accounts/{account['id']}"

    changed = platform("PATCH", path, {"description": "North", "externalId": "N-1"})

    assert changed.json() == {**account, "description": "North", "externalId": "N-1"}
    assert platform("GET", path).json() == changed.json()
    for wrong in ({"name": ""}, {"name": 7}, {"name": "\0"}, {"name": None}):
        assert platform("PATCH", path, wrong).status == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"active": False}, "active"),
        ({"active": "false"}, "active"),
        ({"active": "perhaps"}, "active must be true or false"),
        ({"active": None}, "active must be true or false"),
        ({"defaultAccount": True}, "defaultAccount cannot be changed"),
        ({"name": "North", "companyId": 1, "type": "Default"}, "companyId, type"),
        ({"id": None}, "id"),
    ],
)
def test_what_an_account_cannot_be_is_refused(platform, account, body, named):
    path = f"/accounts/{account['id']}"

    answer = platform("PATCH", path, body)

    assert answer.status == 400
    assert named in answer.json()["message"]
    assert platform("GET", path).json() == account


def test_a_put_of_an_unchanged_account_changes_nothing(platform, account):
    as_texts = {**account, "id": str(account["id"]), "active": "true"}
    for body in (account, as_texts):
        answer = platform("PUT", f"/accounts/{account['id']}", body)

        assert (answer.status, answer.json()) == (200, account)
        assert "elements-error" not in answer.headers


def test_members_without_effect_are_named(platform, account, member):
    body = {"nonsense": 1, "colour": None, "createdDate": "2019-03-14T09:26:53+0000"}
    new = {"name": f"Spare {secrets.token_hex(4)}", "defaultAccount": True, **body}
    made = platform("POST", "/accounts", new)
    assert platform("DELETE", f"/accounts/{made.json()['id']}").status == 200
    person_made = platform(
        "POST", f"/accounts/{account['id']}/users", person(**body, id=7)
    )

    for answer, more in (
        (made, ["defaultAccount"]),
        (person_made, ["id"]),
        (platform("PATCH", f"/accounts/{account['id']}", body), []),
        (platform("PATCH", f"/users/{member.user['id']}", body), []),
    ):
        assert answer.status == 200
        said = answer.headers["elements-error"]
        assert "ignored" in said
        for name in [*body, *more]:
            assert name in said
        assert "password" not in said


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


@pytest.mark.parametrize(
    "email",
    ["not an email", "nobody", "@x.example", "a@", "a@b@c.example", "a b@c.example"],
)
def test_an_address_must_look_like_one(platform, account, member, email):
    path = f"/accounts/{account['id']}/users"
    for answer in (
        platform("POST", path, person(email=email)),
        platform("PATCH", f"/users/{member.user['id']}", {"email": email}),
    ):
        assert answer.status == 400
        assert "email" in answer.json()["message"]


def test_an_address_is_changed_and_stays_unique(api, platform, member):
    path, email = f"/users/{member.user['id']}", f"{secrets.token_hex(6)}@x.example"

    changed = platform("PATCH", path, {"email": f" {email} "})

    assert changed.json()["email"] == email
    for name, status in ((email, 200), (member.user["email"], 401)):
        login = {"username": name, "password": PASSWORD}
        assert api.call("POST", "/authentication", login).status == status
    taken = api.call("POST", "/authentication", api.line["login"]).json()["username"]
    assert platform("PATCH", path, {"email": taken.upper()}).status == 409
    assert platform("GET", path).json()["email"] == email


def test_secrets_of_a_deactivated_user_do_not_work(api, platform, member):
    login = {"username": member.user["email"], "password": PASSWORD}
    session = api.call("POST", "/authentication", login).json()["token"]
    body = {
        "name": "Of a member",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": api.line["username"],
            "crm.autotask.password": api.line["password"],
            "crm.autotask.server.url": api.line["sandboxUrl"],
        },
    }
    instance = member.call("POST", "/instances", body).json()
    path = f"/users/{member.user['id']}"
    ways = (
        (member.secrets, "/organizations/me"),
        (f"{member.secrets}, Element {instance['token']}", "/hubs/crm/ping"),
        (f"Bearer {session}", "/organizations/me"),
    )

    def opened():
        return [api.get(where, authorization=by).status for by, where in ways]

    assert opened() == [200, 200, 200]
    gone = platform("PATCH", path, {"active": "false"})
    assert gone.json()["active"] is False
    inactive = platform("GET", "/users?where=active=false").json()
    assert not any(user["active"] for user in inactive)
    [listed] = [user for user in inactive if user["id"] == member.user["id"]]
    assert listed | {"lastLoginDate": gone.json()["lastLoginDate"]} == gone.json()
    assert opened() == [401, 401, 401]
    assert api.call("POST", "/authentication", login).status == 401
    back = platform("PATCH", path, {"active": True})
    assert back.json()["active"] is True
    assert opened() == [200, 200, 401]
    assert api.call("POST", "/authentication", login).status == 200
    assert member.call("DELETE", f"/instances/{instance['id']}").status == 200


def test_a_user_is_made_inactive(api, platform, account):
    path = f"/accounts/{account['id']}/users"

    made = platform("POST", path, person(active=False))

    assert made.json()["active"] is False
    caller = Caller(api, made.json())
    assert caller.call("GET", "/organizations/me").status == 401
    assert platform("POST", path, person(active="no")).status == 400


def test_users_cannot_deactivate_themselves(api, platform, demo, member):
    me = api.call("POST", "/authentication", demo["login"]).json()["id"]

    for call, number in ((platform, me), (member.call, member.user["id"])):
        answer = call("PATCH", f"/users/{number}", {"active": False})
        assert answer.status == 400
        assert "yourself" in answer.json()["message"]
        assert call("PATCH", f"/users/{number}", {"active": True}).status == 200


def test_an_admin_sets_a_new_password_for_another(api, platform, member):
    path = f"/users/{member.user['id']}"
    login = {"username": member.user["email"], "password": PASSWORD}
    session = api.call("POST", "/authentication", login).json()["token"]

    assert platform("PATCH", path, {"password": "short"}).status == 400
    changed = platform("PATCH", path, {"password": "Staple-Battery-7"})

    assert changed.status == 200
    assert b"Staple" not in changed.body
    assert "elements-error" not in changed.headers
    by = f"Bearer {session}"
    assert api.get("/organizations/me", authorization=by).status == 401
    assert api.call("POST", "/authentication", login).status == 401
    login["password"] = "Staple-Battery-7"
    assert api.call("POST", "/authentication", login).status == 200


def test_ones_own_password_is_changed_elsewhere(member):
    body = {"password": "Staple-Battery-7", "firstName": "Ada"}

    answer = member.call("PATCH", f"/users/{member.user['id']}", body)

    assert answer.status == 400
    assert "POST /authentication/passwords" in answer.json()["message"]
    me = member.call("GET", f"/users/{member.user['id']}").json()
    assert me["firstName"] == member.user["firstName"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"accountId": 1}, "accountId"),
        ({"id": 1, "organizationId": "x"}, "id, organizationId"),
        ({"active": "perhaps"}, "active"),
        ({"active": None}, "active"),
        ({"email": None}, "email"),
        ({"password": " "}, "password"),
        ({"firstName": "", "lastName": None}, "firstName, lastName"),
        ({"firstName": 7}, "firstName"),
    ],
)
def test_what_a_user_cannot_be_is_refused(platform, member, body, named):
    answer = platform("PATCH", f"/users/{member.user['id']}", body)

    assert answer.status == 400
    assert named in answer.json()["message"]


def test_a_put_of_an_unchanged_user_changes_nothing(api, platform, member):
    path = f"/users/{member.user['id']}"
    api.call(
        "POST",
        "/authentication",
        {"username": member.user["email"], "password": PASSWORD},
    )
    whole = platform("GET", path).json()

    same = platform("PUT", path, whole)
    stale = platform("PUT", path, {**whole, "lastLoginDate": None})

    assert (same.json(), stale.json()) == (whole, whole)
    assert "elements-error" not in same.headers
    assert "lastLoginDate" in stale.headers["elements-error"]


def test_times_of_the_platform_have_one_form(api, platform, account, member):
    login = {"username": member.user["email"], "password": PASSWORD}
    session = api.call("POST", "/authentication", login).json()
    user = platform("GET", f"/users/{member.user['id']}").json()
    found = platform("GET", f"/accounts/{account['id']}/users").json()

    assert user["createdDate"] == session["createdDate"]
    assert [each["createdDate"] for each in found] == [user["createdDate"]]
    for time in (user["createdDate"], user["lastLoginDate"], account["createdDate"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)


@pytest.mark.parametrize(
    "path",
    [
        "/accounts",
        "/accounts?where=defaultAccount=true",
        "/users",
        "/accounts/{account}/users",
        "/usage?searchText={name}",
        "/usage/analytics/statuses?searchText={name}",
        "/objects",
        "/elements",
        "/elements/keys",
        "/hubs",
    ],
)
def test_a_total_is_returned_on_request(api, platform, member, noted, path):
    name = secrets.token_hex(8)
    for _ in range(2):
        noted(platform("GET", f"/usage/{name}"))
    path = path.format(account=member.user["accountId"], name=name)
    query = "&" if "?" in path else "?"
    by = api.secrets if path == "/objects" else api.platform

    plain = api.get(path, authorization=by)
    for name in ("returnTotalCount", "returnCount"):
        counted = api.get(f"{path}{query}{name}=true", authorization=by)
        total = int(counted.headers["elements-total-count"])
        assert total == len(plain.json()) > 0

    assert "elements-total-count" not in plain.headers
    refused = api.get(f"{path}{query}returnTotalCount=false", authorization=by)
    assert "elements-total-count" not in refused.headers


def test_the_total_is_that_of_all_pages(platform, account):
    whole = len(platform("GET", "/accounts").json())
    assert whole > 1

    first = platform("GET", "/accounts?pageSize=1&returnTotalCount=true")
    token = first.headers["elements-next-page-token"]
    second = platform(
        "GET", f"/accounts?pageSize=1&returnTotalCount=true&nextPage={token}"
    )

    for page in (first, second):
        assert page.headers["elements-total-count"] == str(whole)
        assert page.headers["elements-returned-count"] == "1"


def test_an_account_has_no_roles(platform, member, foreign, account):
    path = f"/accounts/{account['id']}/roles"

    answer = platform("GET", path)

    assert (answer.status, answer.json()) == (200, [])
    assert answer.headers["elements-returned-count"] == "0"
    theirs = foreign.platform
    for method, tail, unknown in (
        ("GET", "", 200),
        ("PUT", "/org-admin", 400),
        ("DELETE", "/org-admin", 400),
    ):
        assert platform(method, path + tail).status == unknown
        assert foreign.call(method, path + tail, authorization=theirs).status == 403
        assert platform(method, f"/accounts/-1/roles{tail}").status == 404
        assert member.call(method, path + tail).status == (403 if tail else 200)


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
        ("PATCH", f"/users/{other}", {"active": False}),
        ("PATCH", f"/users/{other}", {"password": "Staple-Battery-7"}),
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
    own = api.get("/accounts?where=defaultAccount=true", authorization=api.platform)
    shown = member.call("GET", f"/accounts/{own.json()[0]['id']}/instances")
    assert (shown.status, api.line["elementToken"] in shown.body.decode()) == (
        403,
        False,
    )


def test_an_admin_lists_the_instances_of_every_account(api, platform, member, account):
    assert platform("GET", f"/accounts/{account['id']}/instances").status == 404
    listed = platform("GET", "/accounts/instances?pageSize=1")
    assert len(listed.json()) == 1
    assert platform("GET", "/accounts/instances?pageSize=1&page=9999").json() == []
    bare = platform("GET", "/accounts/instances?hydrate=false").json()
    assert all("configuration" not in instance for instance in bare)


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


def test_users_cannot_remove_themselves(platform, api, demo):
    me = api.call("POST", "/authentication", demo["login"]).json()["id"]

    assert platform("DELETE", f"/users/{me}").status == 400


def test_settings_are_stored_and_validated(platform, account):
    path = f"/accounts/{account['id']}/settings"
    policy = "notification.webhook.failure.policy"

    assert platform("GET", path).json() == {policy: "retry"}
    changed = platform("PATCH", path, {policy: "queue", "colour": True}).json()
    assert changed == {policy: "queue", "colour": "true"}
    assert platform("POST", path, {}).json() == changed
    for wrong in ({policy: "never"}, {policy: None}, {"a": []}):
        assert platform("PATCH", path, wrong).status == 400


def test_allow_names_no_verb_that_is_refused(platform):
    for path, allowed in (
        ("/accounts/instances", "GET, HEAD, OPTIONS"),
        ("/accounts/settings", "GET, HEAD, OPTIONS, PATCH, POST"),
    ):
        refused = platform("DELETE", path)
        assert (refused.status, refused.headers["allow"]) == (405, allowed)


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


def connection(api, **changes):
    return {
        "name": f"Of a member {secrets.token_hex(3)}",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": api.line["username"],
            "crm.autotask.password": api.line["password"],
            "crm.autotask.server.url": api.line["sandboxUrl"],
        },
        **changes,
    }


@pytest.fixture
def colleague(api, platform):
    """A user of the demo's own account, not an admin."""
    [own] = platform("GET", "/accounts?where=defaultAccount=true").json()
    made = platform("POST", f"/accounts/{own['id']}/users", person()).json()
    yield Caller(api, made)
    platform("DELETE", f"/users/{made['id']}")


@pytest.fixture
def theirs(api, platform, colleague):
    """An instance of that user's."""
    made = colleague.call("POST", "/instances", connection(api)).json()
    yield made
    platform("DELETE", f"/instances/{made['id']}")


def test_a_member_sees_its_own_instances_an_admin_the_accounts(
    api, platform, colleague, theirs
):
    admins = api.line["instanceId"]

    def listed(call, path):
        return {each["id"] for each in call("GET", path).json()}

    for path in (
        "/instances",
        "/elements/autotaskcrm/instances",
        "/accounts/instances",
        f"/accounts/{colleague.user['accountId']}/instances",
    ):
        assert listed(colleague.call, path) == {theirs["id"]}
        assert listed(platform, path) >= {theirs["id"], admins}
    counted = colleague.call("GET", "/instances/count").json()
    assert counted["totalInstances"] == 1
    assert platform("GET", "/instances/count").json()["totalInstances"] > 1
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/configuration", None),
        ("PUT", "/trace-logging", None),
    ):
        refused = colleague.call(method, f"/instances/{admins}{tail}", body)
        assert (method, tail, refused.status) == (method, tail, 404)
    assert platform("GET", f"/instances/{theirs['id']}").status == 200


def test_any_user_of_the_account_may_use_its_tokens(api, colleague):
    by = f"{colleague.secrets}, Element {api.line['elementToken']}"

    assert api.get("/hubs/crm/ping", authorization=by).status == 200


@pytest.mark.parametrize(
    "path", ["/instances?searchText=no-such", "/instances?tags[]=no-such"]
)
def test_an_empty_list_that_is_404_says_so_in_the_known_text(platform, path):
    answer = platform("GET", path)

    assert answer.status == 404
    assert re.fullmatch("No (.*) found", answer.json()["message"])


def test_instances_of_a_removed_user_pass_to_the_admin(
    api, platform, demo, colleague, theirs
):
    me = api.call("POST", "/authentication", demo["login"]).json()["id"]
    by = f"{api.platform}, Element {theirs['token']}"

    assert platform("DELETE", f"/users/{colleague.user['id']}").status == 200

    kept = platform("GET", f"/instances/{theirs['id']}").json()
    assert kept["user"]["id"] == me
    assert (kept["token"], kept["tags"]) == (theirs["token"], theirs["tags"])
    assert api.get("/hubs/crm/accounts?pageSize=1", authorization=by).status == 200
    assert colleague.call("GET", "/instances").status == 401
    for method in ("GET", "DELETE"):
        assert platform(method, f"/users/{colleague.user['id']}").status == 404


def test_instances_of_another_account_pass_to_the_caller(api, platform, member):
    made = member.call("POST", "/instances", connection(api)).json()

    assert platform("DELETE", f"/organizations/users/{member.user['id']}").status == 200

    assert platform("GET", f"/instances/{made['id']}").status == 200
    listed = platform("GET", f"/instances?searchText={made['name'][-6:]}").json()
    assert [each["id"] for each in listed] == [made["id"]]
    by = f"{api.platform}, Element {made['token']}"
    assert api.get("/hubs/crm/ping", authorization=by).status == 200
    assert platform("DELETE", f"/instances/{made['id']}").status == 200


@pytest.mark.parametrize(
    ("query", "body", "stays"),
    [
        ("?permanent=true", {"active": False}, False),
        ("?permanent=TRUE", {"active": "false", "firstName": "Ada"}, False),
        ("?permanent=true", {"active": True}, True),
        ("?permanent=true", {"firstName": "Ada"}, True),
        ("?permanent=false", {"active": False}, True),
        ("", {"active": False}, True),
    ],
)
def test_a_permanent_deactivation_removes_the_instances(
    platform, colleague, theirs, query, body, stays
):
    answer = platform("PATCH", f"/users/{colleague.user['id']}{query}", body)

    assert answer.status == 200
    kept = platform("GET", f"/instances/{theirs['id']}").status
    assert kept == (200 if stays else 404)


def test_accounts_have_texts_or_no_member(platform, account):
    path = f"/accounts/{account['id']}"
    listed = next(a for a in platform("GET", "/accounts").json() if a == account)

    assert not {"description", "externalId"} & set(listed)
    own = secrets.token_hex(4)
    whole = platform("PATCH", path, {"description": "North", "externalId": own}).json()
    assert (whole["description"], whole["externalId"]) == ("North", own)
    cleared = platform("PUT", path, {**whole, "description": None}).json()
    assert cleared == {**account, "externalId": own}
    where = f"externalId='{own}'%20AND%20description%20IS%20NULL"
    assert platform("GET", f"/accounts?where={where}").json() == [cleared]


def test_a_user_is_shown_with_name_and_roles(api, platform, member):
    made = member.user
    assert (made["fullName"], made["roles"]) == ("Ida Moe", [])
    assert "lastLoginDate" not in made

    login = {"username": made["email"], "password": PASSWORD}
    api.call("POST", "/authentication", login)
    last_name = f"Berg-{secrets.token_hex(4)}"
    changed = platform("PATCH", f"/users/{made['id']}", {"lastName": last_name}).json()

    assert changed["fullName"] == f"Ida {last_name}"
    for path in ("/users", f"/accounts/{made['accountId']}/users"):
        listed = platform("GET", f"{path}?where=fullName='Ida%20{last_name}'").json()
        assert [each["id"] for each in listed] == [made["id"]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", listed[0]["lastLoginDate"])
        put = platform("PUT", f"/users/{made['id']}", listed[0])
        assert (put.status, put.json()["id"]) == (200, made["id"])


def test_roles_are_refused_and_never_dropped(platform, account, member):
    path = f"/accounts/{account['id']}/users"
    for roles, status in (
        ([{"key": "sys-admin"}], 403),
        ([{"key": "nothing"}, {"key": "ORG-ADMIN "}], 400),
        ([{"key": "org-admin"}], 403),
        ([{"name": "admin"}], 403),
        (["admin"], 403),
        (["reader"], 400),
        ([{}], 400),
        ([None], 400),
        ("sys-admin", 400),
        ({"key": "sys-admin"}, 400),
        ([], 200),
        (None, 200),
    ):
        body = person(roles=roles)

        made = platform("POST", path, body)
        changed = platform("PATCH", f"/users/{member.user['id']}", {"roles": roles})

        for answer in (made, changed):
            assert (roles, answer.status) == (roles, status)
            assert "elements-error" not in answer.headers
        found = platform("GET", f"/organizations/users/{body['email']}")
        assert found.status == (200 if status == 200 else 404)


def test_a_user_is_found_below_its_account(platform, foreign, account, member):
    number = member.user["id"]
    path = f"/accounts/{account['id']}/users/{number}"
    [own] = platform("GET", "/accounts?where=defaultAccount=true").json()
    [other] = foreign.get("/accounts", authorization=foreign.platform).json()

    assert platform("GET", path).json() == platform("GET", f"/users/{number}").json()
    for method, name in (("PATCH", "Ada"), ("PUT", "Eva")):
        changed = platform(method, path, {"firstName": name})
        assert (changed.status, changed.json()["firstName"]) == (200, name)
        elsewhere = f"/accounts/{own['id']}/users/{number}"
        assert platform(method, elsewhere, {"firstName": "x"}).status == 404
        abroad = f"/accounts/{other['id']}/users/{number}"
        assert platform(method, abroad, {"firstName": "x"}).status == 403
    for wrong in (f"/accounts/{account['id']}/users/x", "/accounts/-1/users/1"):
        assert platform("GET", wrong).status == 404
    for method in ("DELETE", "POST"):
        refused = platform(method, path, {})
        assert (refused.status, refused.headers["allow"]) == (
            405,
            "GET, HEAD, OPTIONS, PATCH, PUT",
        )
    hidden = foreign.get(path, authorization=foreign.platform)
    assert hidden.status == 403


def test_a_user_of_the_organization_is_found_by_address(
    platform, foreign, member, colleague
):
    path = "/organizations/users/"
    email = member.user["email"]

    for name in (email, email.upper(), email.replace("@", "%40"), member.user["id"]):
        found = platform("GET", f"{path}{name}")
        assert (found.status, found.json()["id"]) == (200, member.user["id"])
    assert member.call("GET", f"{path}{colleague.user['email']}").status == 200
    assert member.call("DELETE", f"{path}{colleague.user['id']}").status == 403
    for method in ("GET", "DELETE"):
        unknown = platform(method, f"{path}nobody@x.example")
        hidden = foreign.call(method, path + email, authorization=foreign.platform)
        assert (unknown.status, hidden.status) == (404, 404)
        told = [each.json()["message"] for each in (unknown, hidden)]
        assert told[0].replace("nobody@x.example", email) == told[1]
    assert platform("PATCH", path + email, {}).status == 405
    assert platform("DELETE", path + email).status == 200
    assert platform("GET", path + email).status == 404


def test_roles_of_a_user_are_the_platforms_without_a_token(api, platform, member):
    path = f"/users/{member.user['id']}/roles"

    listed = platform("GET", path)
    assert (listed.status, listed.json()) == (200, [])
    assert platform("GET", "/users/999999999/roles").status == 404
    for method, tail, status in (
        ("PUT", "/sys-admin", 403),
        ("DELETE", "/sys-admin", 403),
        ("PUT", "/reader", 400),
        ("DELETE", "/reader", 400),
        ("GET", "/reader", 405),
        ("PATCH", "/reader", 405),
        ("POST", "", 405),
    ):
        body = {} if method in {"PATCH", "POST"} else None
        answer = platform(method, path + tail, body)
        assert (method, tail, answer.status) == (method, tail, status)
    assert member.call("PUT", f"{path}/reader").status == 403
    assert api.get("/users/1/roles", authorization="nonsense").status == 401
    assert api.get("/hubs/crm/users/1/roles", authorization=api.platform).status == 401
    assert api.get("/users/1/other", authorization=api.platform).status == 401
    with_token = api.get("/users/1/roles")
    assert (with_token.status, b"roles" in with_token.body) == (404, True)
