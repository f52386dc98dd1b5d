"""Hooks, parameters and models below a resource. Source: elements-api 3.5, row 33."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

RESOURCES = "/elements/autotaskcrm/resources"
PARTS = ("hooks", "parameters", "models")
HOOK = {
    "type": "postRequest",
    "mimeType": "application/javascript",
    "body": "done(response_body)",
    "isLegacy": False,
}
BODIES = {
    "hooks": HOOK,
    "parameters": {"name": "id", "vendorName": "accId", "type": "query"},
    "models": {"name": "own", "transform": False, "swagger": {}},
}


@pytest.fixture
def call(api):
    def call(method, path, body=None):
        return api.call(method, f"{RESOURCES}/{path}", body, authorization=api.platform)

    return call


@pytest.fixture
def number(add):
    return add()["id"]


def test_what_came_with_the_resource_is_listed_with_numbers(add, call):
    made = add(model={"name": "own"}, hooks=[HOOK])
    number = made["id"]

    for part, sent in (
        ("parameters", made["parameters"]),
        ("hooks", [HOOK]),
    ):
        listed = call("GET", f"{number}/{part}")
        assert listed.json() == [
            {**item, "id": place} for place, item in enumerate(sent, 1)
        ]
        assert listed.headers["elements-returned-count"] == str(len(sent))
        assert call("GET", f"{number}/{part}/1").json() == listed.json()[0]
    model = call("GET", f"{number}/models")
    assert model.json() == {"name": "own", "id": 1}
    assert "elements-returned-count" not in model.headers
    assert call("GET", f"{number}/models/1").json() == model.json()
    assert call("GET", str(number)).json() == made


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_added_read_replaced_and_removed(call, number, part):
    body = BODIES[part]
    before = call("GET", f"{number}/{part}").json()
    after = (lambda made: made) if part == "models" else (lambda made: [*before, made])

    added = call("POST", f"{number}/{part}", body)
    assert added.status == 200
    made = added.json()
    assert isinstance(made["id"], int)
    assert made == {**body, "id": made["id"]}
    assert call("GET", f"{number}/{part}").json() == after(made)
    held = call("GET", str(number)).json()["model" if part == "models" else part]
    assert made in ([held] if part == "models" else held)

    item = f"{number}/{part}/{made['id']}"
    changed = call("PUT", item, {**body, "name": "other", "id": 99})
    assert changed.json() == {**body, "name": "other", "id": made["id"]}
    assert call("GET", item).json() == changed.json()
    named = call("PUT", f"{number}/{part}", {**body, "id": made["id"]})
    assert named.json() == made

    removed = call("DELETE", item)
    assert (removed.status, removed.body) == (200, b"")
    assert call("GET", f"{number}/{part}").json() == before
    for method in ("GET", "PUT", "DELETE"):
        assert call(method, item, {} if method == "PUT" else None).status == 404


@pytest.mark.parametrize("part", PARTS)
def test_all_parts_of_a_kind_are_removed(call, number, part):
    call("POST", f"{number}/{part}", BODIES[part])

    assert call("DELETE", f"{number}/{part}").status == 200
    left = {} if part == "models" else []
    assert call("GET", f"{number}/{part}").json() == left


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({}, False),
        ({"isLegacy": None}, False),
        ({"isLegacy": False}, False),
        ({"isLegacy": True}, True),
    ],
)
def test_every_answer_says_whether_a_hook_is_a_legacy_one(add, call, sent, shown):
    hook = {"type": "event", "body": "done()", **sent}
    made = add(hooks=[hook])
    path = f"{made['id']}/hooks"
    added = call("POST", path, hook).json()
    put = call("PUT", f"{path}/{added['id']}", hook).json()
    listed = call("GET", path).json()
    whole = call("GET", str(made["id"])).json()
    back = call("PUT", str(made["id"]), whole).json()

    hooks = [*made["hooks"], added, put, *listed, *whole["hooks"], *back["hooks"]]
    assert [each["isLegacy"] for each in hooks] == [shown] * 9


def test_a_model_takes_the_place_of_another(call, number):
    call("POST", f"{number}/models", {"name": "one"})
    call("POST", f"{number}/models", {"name": "two"})

    assert call("GET", f"{number}/models").json() == {"name": "two", "id": 2}
    assert call("PUT", f"{number}/models", {"name": "three"}).status == 200
    assert call("GET", str(number)).json()["model"]["name"] == "three"


@pytest.mark.parametrize("part", ["hooks", "parameters"])
def test_what_to_replace_must_be_named(call, number, part):
    answer = call("PUT", f"{number}/{part}", BODIES[part])

    assert answer.status == 400
    assert "id" in answer.json()["message"]


def test_a_hook_becomes_no_legacy_hook(call, number):
    made = call("POST", f"{number}/hooks", HOOK).json()
    legacy = {**made, "isLegacy": True}

    assert call("PUT", f"{number}/hooks/{made['id']}", legacy).status == 400
    whole = call("GET", str(number)).json()
    assert call("PUT", str(number), {**whole, "hooks": [legacy]}).status == 400
    assert call("GET", f"{number}/hooks").json() == [made]
    assert call("PUT", str(number), {**whole, "hooks": [made]}).status == 200


def test_an_added_parameter_is_used_at_once(add, api, call, query, queryxml):
    made = add(query(queryxml("Account", "id", "{accId}")))
    assert api.get(f"{made['path']}?id=0").status == 400

    call("POST", f"{made['id']}/parameters", BODIES["parameters"])

    assert api.get(f"{made['path']}?id=0").status == 200


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [{"name": "x", "id": 1}, None])
def test_components_of_a_built_in_resource_are_read_only(call, part, method, body):
    for path in (f"88001/{part}", f"999999999/{part}"):
        assert call(method, path, body).status == 404
        if method != "POST":
            assert call(method, f"{path}/1", body).status == 404


def test_parts_of_a_built_in_resource_are_read(call):
    for part in PARTS:
        assert call("GET", f"88101/{part}").status == 200
    assert call("GET", "88101/parameters/1").json()["name"] == "where"


def test_parts_are_their_accounts_alone(api, call, number, foreign):
    call("POST", f"{number}/hooks", HOOK)
    path = f"{RESOURCES}/{number}/hooks"

    for method, tail in (("GET", ""), ("POST", ""), ("GET", "/1"), ("DELETE", "/1")):
        body = {} if method == "POST" else None
        answer = foreign.call(method, path + tail, body, authorization=foreign.platform)
        assert answer.status == 404
    assert api.get(path, authorization="none").status == 404
    assert api.call("POST", path, HOOK, authorization="none").status == 401
    assert len(call("GET", f"{number}/hooks").json()) == 1


def test_components_that_are_added_concurrently_are_all_stored(call, number):
    with ThreadPoolExecutor(8) as threads:
        made = [
            threads.submit(call, "POST", f"{number}/hooks", HOOK) for _ in range(24)
        ]

    numbers = {each.result().json()["id"] for each in made}
    assert len(numbers) == 24
    assert {hook["id"] for hook in call("GET", f"{number}/hooks").json()} == numbers


def test_a_verb_that_parts_lack_is_405(call, number):
    assert call("PATCH", f"{number}/hooks", {}).status == 405
