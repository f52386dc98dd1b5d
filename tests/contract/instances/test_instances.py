"""Instances as the documented curl makes them and old clients change them."""

import uuid

import pytest

MASK = "********"

DOCUMENTED_MEMBERS = {
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
DOCUMENTED_ELEMENT_MEMBERS = {
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
    "defaultTransformations": list,
    "objectMetadata": list,
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


def body_of(demo, **changes):
    body = {
        "name": f"Northwind {uuid.uuid4().hex[:6]}",
        "element": {"key": "autotaskcrm"},
        "tags": ["acme-sync"],
        "configuration": {
            "crm.autotask.username": demo["username"],
            "crm.autotask.password": demo["password"],
            "crm.autotask.server.url": demo["sandboxUrl"],
        },
    }
    return body | changes


@pytest.fixture
def create(api, demo):
    """Create instances that are deleted when the test is over."""
    made = []

    def create(**changes):
        answer = api.call(
            "POST", "/instances", body_of(demo, **changes), authorization=api.platform
        )
        if answer.status == 200:
            made.append(answer.json()["id"])
        return answer

    yield create
    for instance_id in made:
        api.call("DELETE", f"/instances/{instance_id}", authorization=api.platform)


def test_the_documented_answer_has_every_member_and_type(create, demo):
    answer = create()

    assert answer.status == 200, answer.body
    document = answer.json()
    assert list(document) == list(DOCUMENTED_MEMBERS)
    for name, kind in DOCUMENTED_MEMBERS.items():
        assert type(document[name]) is kind, name
    assert list(document["element"]) == list(DOCUMENTED_ELEMENT_MEMBERS)
    for name, kind in DOCUMENTED_ELEMENT_MEMBERS.items():
        assert type(document["element"][name]) is kind, name
    assert document["element"]["authentication"] == {"type": "basic"}
    assert document["elementId"] == document["element"]["id"] == 50
    assert document["tags"] == ["acme-sync"]
    assert document["configuration"] == {
        "crm.autotask.username": demo["username"],
        "crm.autotask.password": MASK,
        "crm.autotask.server.url": demo["sandboxUrl"],
        "event.notification.enabled": "false",
        "filter.response.nulls": "true",
    }
    assert sorted(document["user"]) == ["emailAddress", "firstName", "id", "lastName"]
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


def test_without_tags_the_sanitised_name_is_the_only_tag(create, api, demo):
    body = body_of(demo, name="<a onClick=x>n1</a>")
    del body["tags"]

    document = api.call("POST", "/instances", body, authorization=api.platform).json()

    assert document["name"] == "n1"
    assert document["tags"] == ["n1"]
    api.call("DELETE", f"/instances/{document['id']}", authorization=api.platform)


def test_values_of_any_kind_are_stored_as_texts(create, demo):
    configuration = {
        **body_of(demo)["configuration"],
        "event.notification.enabled": True,
        "event.poller.refresh_interval": 15,
        "event.poller.configuration": {"accounts": {"idField": "id"}},
        "tooling.list": [1, 2],
        "nothing": None,
    }

    document = create(configuration=configuration).json()

    shown = document["configuration"]
    assert shown["event.notification.enabled"] == "true"
    assert shown["event.poller.refresh_interval"] == "15"
    assert shown["event.poller.configuration"] == '{"accounts":{"idField":"id"}}'
    assert shown["tooling.list"] == "[1,2]"
    assert "nothing" not in shown
    assert document["eventsEnabled"] is True


def test_every_missing_key_is_named(api, demo):
    answer = api.call(
        "POST",
        "/instances",
        body_of(demo, configuration={"crm.autotask.username": "x"}),
        authorization=api.platform,
    )

    assert answer.status == 400
    for key in ("crm.autotask.password", "crm.autotask.server.url"):
        assert key in answer.json()["message"]


@pytest.mark.parametrize(
    ("key", "value", "status", "fragment"),
    [
        ("crm.autotask.password", "wrong", 400, "password"),
        ("crm.autotask.username", "nobody@nowhere.example", 400, "user name"),
        ("crm.autotask.integration.code", "X" * 27, 400, "integration code"),
        ("crm.autotask.server.url", "https://evil.example", 400, "autotask.net"),
        ("crm.autotask.server.url", "http://169.254.169.254/", 400, "autotask.net"),
        (
            "crm.autotask.server.url",
            "http://127.0.0.1:9",
            502,
            ":9 cannot be reached: c",
        ),
        ("crm.autotask.timezone", "Mars/Olympus", 400, "crm.autotask.timezone"),
    ],
)
def test_refused_credentials_leave_no_instance(api, demo, key, value, status, fragment):
    before = api.get("/instances", authorization=api.platform).json()
    configuration = {**body_of(demo)["configuration"], key: value}

    answer = api.call(
        "POST",
        "/instances",
        body_of(demo, configuration=configuration),
        authorization=api.platform,
    )

    assert answer.status == status, answer.body
    assert fragment in answer.json()["message"].lower()
    assert demo["password"] not in answer.body.decode()
    after = api.get("/instances", authorization=api.platform).json()
    assert len(after) == len(before)


def test_an_unknown_element_is_404(api, demo):
    answer = api.call(
        "POST",
        "/instances",
        body_of(demo, element={"key": "salesforce"}),
        authorization=api.platform,
    )

    assert answer.status == 404


def test_a_whole_document_put_back_changes_only_what_was_flipped(create, api):
    document = create().json()
    flipped = {
        **document,
        "tags": ["other"],
        "configuration": {
            **document["configuration"],
            "event.notification.enabled": "true",
        },
    }

    answer = api.call(
        "PUT", f"/instances/{document['id']}", flipped, authorization=api.platform
    )

    assert answer.status == 200, answer.body
    after = answer.json()
    assert after["token"] == document["token"]
    assert after["id"] == document["id"]
    assert after["tags"] == ["other"]
    assert after["eventsEnabled"] is True
    secrets = f"User {api.line['userSecret']}, Element {document['token']}"
    assert api.get("/ping", authorization=secrets).status == 200


def test_put_without_configuration_does_not_change_it_or_call_the_vendor(
    create, api, vendor
):
    document = create().json()
    vendor.forget()

    answer = api.call(
        "PUT",
        f"/instances/{document['id']}",
        {"name": "New name", "tags": []},
        authorization=api.platform,
    )

    assert answer.status == 200
    assert vendor.calls() == {}
    read = api.get(f"/instances/{document['id']}", authorization=api.platform).json()
    assert read["name"] == "New name"
    assert read["tags"] == []
    assert read["configuration"] == document["configuration"]


def test_patch_merges_configuration_by_key(create, api):
    document = create().json()
    secrets = f"User {api.line['userSecret']}, Element {document['token']}"

    answer = api.call(
        "PATCH",
        "/instances",
        {
            "id": 1,
            "configuration": {
                "event.notification.callback.url": "https://rx.example/q"
            },
        },
        authorization=secrets,
    )

    assert answer.status == 200
    assert answer.json()["id"] == document["id"]
    assert answer.json()["configuration"] == {
        **document["configuration"],
        "event.notification.callback.url": "https://rx.example/q",
    }


def test_a_wrong_new_password_is_refused_and_the_old_one_stays(create, api):
    document = create().json()
    secrets = f"User {api.line['userSecret']}, Element {document['token']}"

    answer = api.call(
        "PATCH",
        f"/instances/{document['id']}",
        {"configuration": {"crm.autotask.password": "wrong"}},
        authorization=api.platform,
    )

    assert answer.status == 400
    assert api.get("/ping", authorization=secrets).status == 200


def test_reauthenticate_false_stores_without_a_vendor_call(create, api, vendor):
    document = create().json()
    vendor.forget()

    answer = api.call(
        "PUT",
        f"/elements/autotaskcrm/instances/{document['id']}?reAuthenticate=false",
        document,
        authorization=api.platform,
    )

    assert answer.status == 200
    assert vendor.calls() == {}


def test_listing_by_tag_and_text_and_pages(create, api):
    mark = uuid.uuid4().hex[:8]
    made = [create(name=f"{mark} {n}", tags=[mark, str(n)]).json() for n in range(3)]

    def listed(query):
        return api.get(f"/instances?{query}", authorization=api.platform)

    by_tag = listed(f"tags%5B%5D={mark}")
    assert [i["id"] for i in by_tag.json()] == [i["id"] for i in made]
    assert by_tag.headers["elements-total-count"] == "3"
    assert by_tag.headers["elements-returned-count"] == "3"
    both = listed(f"tags[]={mark}&tags[]=1")
    assert [i["id"] for i in both.json()] == [made[1]["id"]]
    assert len(listed(f"searchText={mark.upper()}").json()) == 3
    assert listed(f"searchText={mark}&tags[]=2").json()[0]["id"] == made[2]["id"]
    first = listed(f"tags[]={mark}&pageSize=2")
    token = first.headers["elements-next-page-token"]
    rest = listed(f"tags[]={mark}&pageSize=2&nextPage={token}")
    assert first.json() + rest.json() == by_tag.json()
    assert "elements-next-page-token" not in rest.headers
    light = listed(f"tags[]={mark}&hydrate=false").json()[0]
    assert {"id", "name", "token", "tags", "valid", "createdDate", "user"} <= set(light)


def test_no_match_is_404(api):
    answer = api.get("/instances?tags[]=no-such-tag", authorization=api.platform)

    assert answer.status == 404
    assert answer.json()["message"] == "No element instances found"


@pytest.mark.parametrize(
    "path", ["/elements/autotaskcrm/instances", "/elements/50/instances"]
)
def test_instances_below_an_element(api, demo, path):
    answer = api.get(path, authorization=api.platform)

    assert answer.status == 200
    assert int(demo["instanceId"]) in [item["id"] for item in answer.json()]


def test_unknown_or_odd_ids_are_404(api):
    for instance_id in ("1", "abc", "0x1", "9" * 30):
        answer = api.get(f"/instances/{instance_id}", authorization=api.platform)
        assert answer.status == 404
