"""Responses without a vendor call: authentication, routing, methods, bodies."""

from __future__ import annotations

import re

import pytest

from bridge.services.access import Secrets
from bridge.web.http.route_auth import BASE, AuthRule, auth_rule

REFUSED = "Invalid Organization or User secret, or invalid Element token provided."
EXPOSED = (
    "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, "
    "Elements-Next-Page-Token, Elements-Trace-Id, Elements-Error, Content-Disposition"
)
ACCOUNTS = "/hubs/crm/accounts"


def assert_refused(answer, status):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.json["requestId"] == answer.headers["Elements-Request-Id"]
    assert re.fullmatch("[0-9a-f]{24}", answer.json["requestId"])
    assert answer.json["message"]


def every_route(gate, *families):
    """Yield method and filled-in path of the routes of some families."""
    parts = Secrets(user="any", organization="any", element="any")
    for rule in gate.client.application.url_map.iter_rules():
        path = re.sub("<[^>]*>", "7", rule.rule)
        if not path.startswith(f"{BASE}/"):
            continue
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            if auth_rule(method, path, parts) in families:
                yield method, path.removeprefix(BASE)


def test_every_route_refuses_a_call_without_secrets(gate):
    closed = (AuthRule.PLATFORM, AuthRule.TOKEN, AuthRule.HUB)
    for method, path in every_route(gate, *closed):
        answer = gate.call(method, path, body="{}")
        assert_refused(answer, 401)
        assert answer.json["message"] == REFUSED


def test_every_route_that_a_token_opens_refuses_a_foreign_one(gate):
    theirs = gate.authorization(gate.mine, gate.theirs)
    for method, path in every_route(gate, AuthRule.TOKEN, AuthRule.HUB):
        answer = gate.call(method, path, theirs, body="{}")

        assert (method, path, answer.status_code) == (method, path, 401)


def test_every_route_of_an_instance_is_404_for_another_accounts(gate):
    mine = gate.authorization(gate.mine)
    walked = 0
    for method, path in every_route(gate, AuthRule.PLATFORM):
        filled = path.replace("instances/7", f"instances/{gate.theirs.id}")
        filled = filled.replace("elements/7", "elements/autotaskcrm")
        if str(gate.theirs.id) in filled:
            walked += 1
            answer = gate.call(method, filled, mine, body="{}")

            assert (method, path, answer.status_code) == (method, path, 404)
    assert walked > 10


@pytest.mark.parametrize(
    "authorization",
    ["", "User", "Basic dXNlcjpwYXNz", "User x, Organization y, Element z", "Bearer x"],
)
@pytest.mark.parametrize(
    "path", [ACCOUNTS, "/instances", "/accounts", "/ping", "/nonsense/at/all", "/usage"]
)
def test_a_wrong_header_is_401_on_every_path_known_or_not(gate, authorization, path):
    answer = gate.call("GET", path, authorization)

    assert_refused(answer, 401)
    assert answer.json["message"] == REFUSED


def test_a_hub_call_without_an_element_part_is_401_before_routing(gate):
    for path in ("/hubs/crm/account?pageSize=1", ACCOUNTS, "/contacts", "/ping"):
        assert_refused(gate.call("GET", path, gate.platform), 401)


def test_an_element_token_without_user_is_401(gate):
    token = f"Element {gate.enabled.token}"

    assert_refused(gate.call("GET", ACCOUNTS, token), 401)
    assert_refused(gate.call("DELETE", "/instances", token), 401)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/accounts", 200), ("/accounts/7", 404), ("/users", 200), ("/users/7", 404)],
)
def test_bare_accounts_and_users_without_element_are_the_platforms(gate, path, status):
    answer = gate.call("GET", path, gate.platform)

    assert answer.status_code == status
    if status == 200:
        assert [item["active"] for item in answer.json] == [True]


def test_unknown_paths_are_404_after_the_secrets(gate):
    known = gate.authorization(instance=gate.enabled)

    for path in ("/hubs/crm/accounts/1/2/3/4/5", "/instances/1/2/3", "/hubs/7"):
        assert_refused(gate.call("GET", path, known), 404)
    assert_refused(gate.client.get("/no/such/page"), 404)


def test_the_hub_header_names_the_instance_and_platform_calls_have_none(gate):
    known = gate.authorization(instance=gate.enabled)
    name = "Elements-Element-Instance-Id"

    hub = gate.call("DELETE", f"{ACCOUNTS}/7", known)
    platform = gate.call("GET", "/instances", known)

    assert hub.headers[name] == str(gate.enabled.id)
    assert name not in platform.headers


def test_delete_of_a_named_resource_is_405_with_the_methods_that_are_left(gate):
    known = gate.authorization(instance=gate.enabled)

    for path in (f"{ACCOUNTS}/7", "/accounts/7", "/hubs/nonsense/contacts/7"):
        answer = gate.call("DELETE", path, known, body="null")
        assert_refused(answer, 405)
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, PATCH, PUT"
    assert "Method DELETE is not supported for contacts." in answer.json["message"]


def test_delete_of_an_unknown_resource_is_404(gate):
    known = gate.authorization(instance=gate.enabled)

    assert_refused(gate.call("DELETE", "/hubs/crm/no-such-thing/7", known), 404)


def test_methods_that_a_path_lacks_are_405_after_the_secrets(gate):
    known = gate.authorization(instance=gate.enabled)

    answer = gate.call("DELETE", ACCOUNTS, known)

    assert_refused(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert_refused(gate.call("DELETE", ACCOUNTS), 401)


def test_a_disabled_instance_is_403_on_resources(gate):
    known = gate.authorization(instance=gate.disabled)

    for path in (ACCOUNTS, "/accounts", f"{ACCOUNTS}/7", "/ping"):
        assert_refused(gate.call("GET", path, known), 403)
    assert_refused(gate.call("POST", ACCOUNTS, known, body="{}"), 403)


@pytest.mark.parametrize("path", ["//instances", "/instances/", "///instances//"])
def test_slashes_are_collapsed_without_a_redirect(gate, path):
    answer = gate.call("GET", path, gate.platform)

    assert answer.status_code == 200
    assert answer.headers["Elements-Returned-Count"] == "2"


def test_instances_are_listed_bare_with_their_counts(gate):
    answer = gate.call("GET", "/instances?pageSize=1", gate.platform)

    assert [item["id"] for item in answer.json] == [gate.enabled.id]
    assert answer.headers["Elements-Returned-Count"] == "1"
    assert answer.headers["Elements-Total-Count"] == "2"

    token = answer.headers["Elements-Next-Page-Token"]
    last = gate.call("GET", f"/instances?pageSize=1&nextPage={token}", gate.platform)

    assert [item["id"] for item in last.json] == [gate.disabled.id]
    assert "Elements-Next-Page-Token" not in last.headers


@pytest.mark.parametrize("element", ["autotaskcrm", "50"])
def test_instances_are_found_below_their_element_by_key_and_by_id(gate, element):
    path = f"/elements/{element}/instances"

    listed = gate.call("GET", path, gate.platform)
    read = gate.call("GET", f"{path}/{gate.enabled.id}", gate.platform)

    assert len(listed.json) == 2
    assert read.json["id"] == gate.enabled.id


def test_another_element_has_no_instances_of_this_one(gate):
    path = "/elements/nonsense/instances"

    assert_refused(gate.call("GET", path, gate.platform), 404)
    assert_refused(gate.call("GET", f"{path}/{gate.enabled.id}", gate.platform), 404)


def test_an_empty_search_is_404(gate):
    assert_refused(gate.call("GET", "/instances?tags[]=none", gate.platform), 404)


def test_a_clamped_page_size_is_named_as_ignored(gate):
    answer = gate.call("GET", "/instances?pageSize=6000", gate.platform)

    assert answer.status_code == 200
    assert "ignored" in answer.headers["Elements-Error"]


def test_a_page_size_that_is_not_a_number_is_refused_by_name(gate):
    answer = gate.call("GET", "/instances?pageSize=many", gate.platform)

    assert_refused(answer, 400)
    assert "pageSize" in answer.json["message"]


def test_head_is_like_get_without_a_body(gate):
    answer = gate.call("HEAD", "/instances", gate.platform)

    assert answer.status_code == 200
    assert answer.headers["Elements-Returned-Count"] == "2"
    assert answer.data == b""


def test_an_instance_is_switched_and_switched_back_by_its_token(gate):
    known = gate.authorization(instance=gate.enabled)

    off = gate.call("DELETE", "/instances/enabled", known, body="null")
    refused = gate.call("GET", ACCOUNTS, known)
    on = gate.call("PUT", f"/instances/{gate.enabled.id}/enabled", gate.platform)

    assert (off.status_code, off.data) == (200, b"")
    assert refused.status_code == 403
    assert (on.status_code, on.data) == (200, b"")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json"])
def test_a_body_is_json_whatever_its_type_says(gate, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    path = f"/instances/{gate.disabled.id}"

    answer = gate.call(
        "PATCH", path, gate.platform, body='{"tags":["psa"]}', headers=headers
    )

    assert answer.status_code == 200
    assert answer.json["tags"] == ["psa"]


@pytest.mark.parametrize("body", ["", "null", "[]", "{", '{"a":NaN}', b'{"a":"\xff"}'])
def test_a_body_that_is_not_a_json_object_is_400(gate, body):
    for path in ("/instances", f"/instances/{gate.enabled.id}"):
        method = "POST" if path == "/instances" else "PATCH"
        assert_refused(gate.call(method, path, gate.platform, body=body), 400)


def padded(length):
    return b'{"name":"psa"}' + b" " * (length - len(b'{"name":"psa"}'))


def test_a_body_may_be_as_large_as_the_setting_and_no_larger(gate):
    path = f"/instances/{gate.disabled.id}"
    limit = gate.client.application.config["MAX_CONTENT_LENGTH"] - 1

    fits = gate.call("PATCH", path, gate.platform, body=padded(limit))
    too_large = [
        gate.call("PATCH", path, gate.platform, body=padded(limit + extra))
        for extra in (1, 5000)
    ]

    assert fits.status_code == 200
    for answer in too_large:
        assert_refused(answer, 413)
        assert str(limit) in answer.json["message"]


@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_cut_short_is_refused(gate, terminated):
    answer = gate.client.patch(
        f"/elements/api-v2/instances/{gate.disabled.id}",
        data='{"name":"cut"}',
        headers={"Authorization": gate.platform},
        environ_overrides={
            "CONTENT_LENGTH": "99",
            "wsgi.input_terminated": terminated,
        },
    )

    assert_refused(answer, 400)


def test_a_compressed_body_is_415(gate):
    answer = gate.call(
        "POST",
        "/instances",
        gate.platform,
        body=b"\x1f\x8b",
        headers={"Content-Encoding": "gzip"},
    )

    assert_refused(answer, 415)


def test_other_media_types_than_json_are_406(gate):
    headers = {"Accept": "application/xml"}

    answer = gate.call("GET", "/instances", gate.platform, headers=headers)

    assert_refused(answer, 406)
    assert_refused(gate.call("GET", "/instances", headers=headers), 401)


def test_cors_headers_follow_an_origin_and_only_then(gate):
    headers = {"Origin": "https://app.example"}

    with_origin = [
        gate.call("GET", "/instances", secrets, headers=headers)
        for secrets in (gate.platform, "")
    ]
    without = gate.call("GET", "/instances", gate.platform)

    for answer in with_origin:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert answer.headers["Access-Control-Expose-Headers"] == EXPOSED
    assert not [name for name in without.headers if "Access-Control" in name]
    assert "X-Frame-Options" not in without.headers


@pytest.mark.parametrize("path", [ACCOUNTS, "/instances", "/nonsense/at/all"])
def test_a_preflight_is_200_without_secrets(gate, path):
    answer = gate.call(
        "OPTIONS",
        path,
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Headers": "authorization, elements-version, x-any",
        },
    )

    assert answer.status_code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert allowed[:3] == ["Authorization", "Content-Type", "Accept"]
    assert allowed[3:] == ["elements-version", "x-any"]
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_health_needs_no_secrets(gate):
    answer = gate.client.get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_a_login_leads_to_the_secrets(gate):
    body = {"username": "mine@bridge.example", "password": "pw"}

    token = gate.client.post("/elements/api-v2/authentication", json=body).json["token"]
    secrets = gate.call("GET", "/authentication/secrets", f"Bearer {token}")

    assert secrets.json == {
        "userSecret": gate.mine.user_secret,
        "organizationSecret": gate.mine.organization_secret,
    }
    assert gate.call("GET", "/instances", f"Bearer {token}").status_code == 200


def test_a_wrong_password_is_401_and_a_missing_one_400(gate):
    path = "/elements/api-v2/authentication"
    wrong = {"username": "mine@bridge.example", "password": "no"}

    assert_refused(gate.client.post(path, json=wrong), 401)
    assert_refused(gate.client.post(path, json={"username": "mine"}), 400)
    assert_refused(gate.call("GET", "/authentication/secrets"), 401)
