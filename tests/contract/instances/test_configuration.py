"""Configuration entries: elements-api 2.5."""

import pytest

MASK = "********"
MEMBERS = {
    "id": int,
    "key": str,
    "name": str,
    "description": str,
    "propertyValue": str,
    "type": str,
    "active": bool,
    "required": bool,
    "hideFromConsole": bool,
}


@pytest.fixture
def spare(api, demo):
    """An instance whose configuration a test may change."""
    body = {
        "name": "Configured",
        "element": {"key": "autotaskcrm"},
        "configuration": {
            "crm.autotask.username": demo["username"],
            "crm.autotask.password": demo["password"],
            "crm.autotask.server.url": demo["sandboxUrl"],
            "tooling.own": 7,
        },
    }
    made = api.call("POST", "/instances", body, authorization=api.platform).json()
    yield made | {"secrets": f"User {demo['userSecret']}, Element {made['token']}"}
    api.call("DELETE", f"/instances/{made['id']}", authorization=api.platform)


def by_key(entries):
    return {entry["key"]: entry for entry in entries}


def test_every_key_has_an_entry_with_every_member(api, spare):
    answer = api.get(
        f"/instances/{spare['id']}/configuration", authorization=api.platform
    )

    entries = answer.json()
    assert answer.headers["elements-returned-count"] == str(len(entries))
    for entry in entries:
        assert {name: type(value) for name, value in entry.items()} == MEMBERS
    assert len({entry["id"] for entry in entries}) == len(entries)
    found = by_key(entries)
    assert found["filter.response.nulls"]["propertyValue"] == "true"
    assert found["event.notification.enabled"]["propertyValue"] == "false"
    assert found["crm.autotask.password"]["propertyValue"] == MASK
    assert found["crm.autotask.password"]["type"] == "PASSWORD"
    assert found["crm.autotask.username"]["propertyValue"]
    assert found["tooling.own"]["propertyValue"] == "7"


def test_the_token_form_answers_the_same(api, spare):
    by_id = api.get(
        f"/instances/{spare['id']}/configuration", authorization=api.platform
    )
    by_token = api.get("/instances/configuration", authorization=spare["secrets"])

    assert by_token.json() == by_id.json()
    entry = by_token.json()[3]
    one = api.get(
        f"/instances/configuration/{entry['id']}", authorization=spare["secrets"]
    )
    assert one.json() == entry


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("key", ["filter.response.nulls", "tooling.own"])
def test_an_entry_is_changed_and_shown_under_its_id(api, spare, whole, key):
    path = f"/instances/{spare['id']}/configuration"
    entry = by_key(api.get(path, authorization=api.platform).json())[key]
    body = (entry if whole else {}) | {"propertyValue": "false"}

    changed = api.call(
        "PATCH", f"{path}/{entry['id']}", body, authorization=api.platform
    )

    assert changed.status == 200
    assert changed.json() == entry | {"propertyValue": "false"}
    again = api.get(f"{path}/{entry['id']}", authorization=api.platform)
    assert again.json() == changed.json()


def test_a_masked_password_put_back_stays_the_password(api, spare):
    path = f"/instances/{spare['id']}/configuration"
    entries = by_key(api.get(path, authorization=api.platform).json())
    entry = entries["crm.autotask.password"]

    answer = api.call(
        "PATCH", f"{path}/{entry['id']}", entry, authorization=api.platform
    )

    assert answer.status == 200
    assert api.get("/ping", authorization=spare["secrets"]).status == 200


def test_nulls_are_shown_when_the_filter_is_off(api, spare):
    account = "/hubs/crm/accounts?pageSize=1"
    before = api.get(account, authorization=spare["secrets"]).json()[0]
    path = f"/instances/{spare['id']}/configuration"
    entries = by_key(api.get(path, authorization=api.platform).json())
    entry_id = entries["filter.response.nulls"]["id"]

    api.call(
        "PATCH",
        f"{path}/{entry_id}",
        {"propertyValue": "false"},
        authorization=api.platform,
    )

    after = api.get(account, authorization=spare["secrets"]).json()[0]
    udfs = {
        item["name"]: item for item in after["userDefinedFields"]["userDefinedField"]
    }
    for item in before.pop("userDefinedFields")["userDefinedField"]:
        assert udfs[item["name"]] == {"value": None} | item
    assert after | before == after
    extra = after.keys() - before.keys() - {"userDefinedFields"}
    assert extra
    assert all(after[name] is None for name in extra)


def test_unknown_entries_and_empty_changes_are_refused(api, spare):
    path = f"/instances/{spare['id']}/configuration"
    for config_id in ("1", "abc"):
        answer = api.get(f"{path}/{config_id}", authorization=api.platform)
        assert answer.status == 404
    entry = api.get(path, authorization=api.platform).json()[0]

    answer = api.call("PATCH", f"{path}/{entry['id']}", {}, authorization=api.platform)

    assert answer.status == 400
