"""Resources that an account adds to the element, and what they answer."""

import secrets

import pytest

HEAD = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://autotask.net/ATWS/v1_6/"><soapenv:Header/><soapenv:Body>'
)
TAIL = "</soapenv:Body></soapenv:Envelope>"
RESOURCES = "/elements/autotaskcrm/resources"


def envelope(inner):
    return f"{HEAD}{inner}{TAIL}"


def definition(text, **changes):
    return {
        "path": f"/own{secrets.token_hex(4)}",
        "method": "GET",
        "vendorPath": "https://elsewhere.example/ATServices/1.6/atws.asmx",
        "vendorMethod": "POST",
        "type": "api",
        "description": "How much of the hour is used",
        "rootKey": "|soapenv:Envelope.soapenv:Body",
        "response": {"contentType": "application/json"},
        "hooks": [],
        "parameters": [
            {
                "name": text,
                "vendorName": "body",
                "type": "value",
                "vendorType": "body",
            },
            {
                "name": "http://autotask.net/ATWS/v1_6/create",
                "vendorName": "Soapaction",
                "type": "value",
                "vendorType": "header",
            },
        ],
        **changes,
    }


USAGE = envelope("<v1:getThresholdAndUsageInfo/>")


@pytest.fixture
def add(api):
    """Add resources; they are removed again."""
    made = []

    def add(text=USAGE, **changes):
        answer = api.call(
            "POST",
            RESOURCES,
            definition(text, **changes),
            authorization=api.platform,
        )
        assert answer.status == 200, answer.body
        made.append(answer.json()["id"])
        return answer.json()

    yield add
    for number in made:
        api.call("DELETE", f"{RESOURCES}/{number}", authorization=api.platform)


def listed(caller, query=""):
    answer = caller.get(f"{RESOURCES}{query}", authorization=caller.platform)
    return [resource["id"] for resource in answer.json()]


def test_it_is_stored_as_sent_and_seen_by_its_account_alone(api, add, foreign):
    before = listed(api)
    body = definition(USAGE, path="/hubs/crm/newcontacts")
    made = add(**body, ownerAccountId=7)

    assert made == {**body, "id": made["id"]}
    assert listed(api) == [*before, made["id"]]
    assert listed(api, "?accountOnly=true")[-1] == made["id"]
    assert made["id"] not in listed(foreign)
    element = api.get("/elements/autotaskcrm/", authorization=api.platform).json()
    assert [r["id"] for r in element["resources"]] == [*before, made["id"]]
    anonymous = api.get("/elements/autotaskcrm", authorization=" ").json()
    assert made["id"] not in [r["id"] for r in anonymous["resources"]]
    path = f"{RESOURCES}/{made['id']}"
    assert api.get(path, authorization=api.platform).json() == made
    assert foreign.get(path, authorization=foreign.platform).status == 404


def test_it_answers_at_once_with_and_without_the_hub_for_one_call(api, add, vendor):
    path = add()["path"]
    vendor.forget()

    for prefix in ("", "/hubs/crm", "/hubs/nonsense"):
        answer = api.get(f"{prefix}{path}")
        assert answer.status == 200, answer.body
        result = answer.json()["getThresholdAndUsageInfoResponse"]
        result = result["getThresholdAndUsageInfoResult"]
        assert result["ReturnCode"] == "1"
        message = result["EntityReturnInfoResults"]["EntityReturnInfo"]["Message"]
        assert "numberOfExternalRequest" in message
    assert vendor.calls() == {"getThresholdAndUsageInfo": 3}


def test_a_path_stored_with_a_hub_is_the_same(api, add):
    name = f"own{secrets.token_hex(4)}"
    add(path=f"/hubs/crm/{name}/of/all")

    for path in (f"/{name}/of/all", f"/hubs/crm/{name}/of/all"):
        assert api.get(path).status == 200


def test_arguments_come_from_the_path_and_the_query(api, add):
    text = envelope(
        "<v1:GetFieldInfo><v1:psObjectType>{entity}</v1:psObjectType></v1:GetFieldInfo>"
    )
    name = f"own{secrets.token_hex(4)}"
    add(text, path=f"/{name}/{{entity}}/fields")
    add(text, path=f"/{name}")

    for path in (f"/{name}/Country/fields", f"/{name}?entity=Country"):
        answer = api.get(path).json()
        found = answer["GetFieldInfoResponse"]["GetFieldInfoResult"]["Field"]
        assert "id" in [field["Name"] for field in found]
    missing = api.get(f"/{name}")
    assert missing.status == 400
    assert "entity is required" in missing.json()["message"]
    odd = api.get(f"/{name}?entity=%3C/x%3E%26")
    assert odd.status == 400
    assert odd.json()["providerMessage"]


def test_it_overrides_what_is_built_in_for_its_account(api, add, foreign):
    add(path="/products")

    assert "getThresholdAndUsageInfoResponse" in api.get("/hubs/crm/products").json()
    assert isinstance(foreign.get("/hubs/crm/products").json(), list)
    # Another verb, and one record, are what they were.
    assert api.get("/hubs/crm/products/999999999").status == 404


@pytest.mark.parametrize(
    "text",
    [
        envelope("<v1:create><v1:Entities/></v1:create>"),
        envelope("<v1:delete><v1:Entities/></v1:delete>"),
        envelope("<v1:nonsense/>"),
        envelope(""),
        "not XML",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + USAGE,
        "",
    ],
)
def test_what_does_not_read_is_refused_and_not_sent(api, add, vendor, text):
    path = add(text)["path"]
    vendor.forget()

    answer = api.get(path)

    assert answer.status == 400
    assert answer.json()["message"]
    assert vendor.calls() == {}


def test_the_action_alone_names_an_operation(api, add):
    action = {
        "name": '"http://autotask.net/ATWS/v1_6/getThresholdAndUsageInfo"',
        "vendorName": "SOAPAction",
        "type": "value",
        "vendorType": "header",
    }
    path = add(parameters=[action])["path"]

    assert "getThresholdAndUsageInfoResponse" in api.get(path).json()


def test_it_is_changed_and_removed(api, add):
    made = add()
    path = f"{RESOURCES}/{made['id']}"

    changed = api.call(
        "PUT", path, {**made, "path": "/renamed"}, authorization=api.platform
    )
    assert changed.json() == {**made, "path": "/renamed"}
    assert api.get(made["path"]).status == 404
    assert api.get("/renamed").status == 200
    assert api.call("DELETE", path, authorization=api.platform).status == 200
    assert api.get("/renamed").status == 404
    assert api.get(path, authorization=api.platform).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_built_in_resource_is_nobodys_to_change(api, method):
    number = listed(api)[0]

    answer = api.call(
        method,
        f"{RESOURCES}/{number}",
        definition(USAGE),
        authorization=api.platform,
    )

    assert answer.status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"path": ""},
        {"path": 7},
        {"path": "/a b"},
        {"path": "/{a}/{a}"},
        {"path": "/{1}"},
        {"method": "STEAL"},
        {"method": None},
    ],
)
def test_a_path_or_method_of_no_use_is_refused(api, changes):
    answer = api.call(
        "POST", RESOURCES, definition(USAGE, **changes), authorization=api.platform
    )

    assert answer.status == 400


def test_a_disabled_instance_answers_403(api, add):
    path = add()["path"]
    assert api.call("DELETE", "/instances/enabled").status == 200
    try:
        assert api.get(path).status == 403
        assert api.get("/objects").status == 200
    finally:
        assert api.call("PUT", "/instances/enabled").status == 200


def test_its_parts_are_listed(api, add):
    made = add(model={"name": "own"})
    for part, expected in (
        ("parameters", made["parameters"]),
        ("hooks", []),
        ("models", [{"name": "own"}]),
    ):
        path = f"{RESOURCES}/{made['id']}/{part}"
        assert api.get(path, authorization=api.platform).json() == expected
