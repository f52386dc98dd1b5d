"""Resources that an account adds to the element, and what they answer."""

import secrets

import pytest

RESOURCES = "/elements/autotaskcrm/resources"


def listed(caller, query=""):
    answer = caller.get(f"{RESOURCES}{query}", authorization=caller.platform)
    return [resource["id"] for resource in answer.json()]


def test_it_is_stored_as_sent_and_seen_by_its_account_alone(
    api, add, definition, foreign
):
    before = listed(api)
    changes = {"path": "/hubs/crm/newcontacts", "hooks": [{"type": "event"}]}
    body = definition(**changes)
    made = add(**changes, ownerAccountId=7)

    hooks = [{"type": "event", "isLegacy": False}]
    assert made == {**body, "id": made["id"], "hooks": hooks}
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
        assert result["ReturnCode"] == 1
        message = result["EntityReturnInfoResults"]["EntityReturnInfo"]["Message"]
        assert "numberOfExternalRequest" in message
    assert vendor.calls() == {"getThresholdAndUsageInfo": 3}


def test_a_path_stored_with_a_hub_is_the_same(api, add):
    name = f"own{secrets.token_hex(4)}"
    add(path=f"/hubs/crm/{name}/of/all")

    for path in (f"/{name}/of/all", f"/hubs/crm/{name}/of/all"):
        assert api.get(path).status == 200


def test_arguments_come_from_the_path_and_the_query(api, add, envelope):
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
        "{}<v1:create><v1:Entities/></v1:create>",
        "{}<v1:delete><v1:Entities/></v1:delete>",
        "{}<v1:nonsense/>",
        "{}",
        "not XML",
        "",
    ],
)
def test_what_does_not_read_is_refused_and_not_sent(api, add, vendor, envelope, text):
    wrapped = envelope(text[2:]) if text.startswith("{}") else text
    path = add(wrapped)["path"]
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
def test_a_built_in_resource_is_read_only(api, definition, method):
    number = listed(api)[0]

    answer = api.call(
        method,
        f"{RESOURCES}/{number}",
        definition(),
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
        {"path": "//"},
        {"path": "/a{"},
        {"path": "/a/{b}c"},
        {"path": "/<a>"},
        {"method": "STEAL"},
        {"method": None},
    ],
)
def test_a_path_or_method_of_no_use_is_refused(api, definition, changes):
    answer = api.call(
        "POST", RESOURCES, definition(**changes), authorization=api.platform
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


@pytest.mark.parametrize("stored", ["//zz{}//four//", "hubs/crm//zz{}/four/"])
def test_slashes_of_a_stored_path_count_once(api, add, stored):
    name = secrets.token_hex(4)
    made = add(path=stored.format(name))

    assert made["path"] == stored.format(name)
    for path in (f"/zz{name}/four", f"/hubs/crm//zz{name}//four/"):
        assert api.get(path).status == 200


def test_an_encoded_path_is_the_same_decoded(api, add):
    name = secrets.token_hex(4)
    add(path=f"/%C3%A9t%C3%A9{name}")

    assert api.get(f"/%c3%a9t%c3%a9{name}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/own{}", "/own{}/two", "/accounts/own{}", "/accounts/{}/own{}/a/b/c"]
)
def test_another_verb_on_its_path_is_405(api, add, method, path):
    path = path.replace("{}", secrets.token_hex(4))
    add(path=path)

    for prefix in ("", "/hubs/crm"):
        answer = api.call(method, prefix + path)
        assert answer.status == 405
        assert set(answer.json()) == {"requestId", "message"}
        assert "POST" not in answer.headers["allow"]
    assert api.call("HEAD", path).status == 200


def test_another_verb_on_a_path_that_is_built_in_as_well_is_what_it_was(api, add):
    add(path="/products")
    add(path="/accounts/{id}")
    add(path="/accounts/{id}/contacts")

    created = api.call("POST", "/products", {})
    assert created.status == 400
    assert "is required" in created.json()["message"]
    refused = api.call("PUT", "/products", {})
    assert (refused.status, "POST" in refused.headers["allow"]) == (405, True)
    assert api.call("PATCH", "/accounts/999999999", {"phone": "1"}).status == 404
    created = api.call("POST", "/accounts/0/contacts", {})
    assert created.status == 400


def test_verbs_of_several_resources_on_one_path_are_offered(api, add):
    path = add()["path"]
    add(path=path, method="POST")

    assert api.call("POST", path).status == 200
    answer = api.call("DELETE", path)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_whole_numbers_are_numbers_and_other_texts_are_texts(
    api, add, query, queryxml, envelope
):
    asked = query(queryxml("Account", "id", 0))
    record = api.get(add(asked)["path"]).json()["queryResponse"]["queryResult"]
    assert record["ReturnCode"] == 1
    account = record["EntityResults"]["Entity"]
    assert account["id"] == 0
    shown = api.get("/accounts/0").json()
    assert account["AccountNumber"] == shown["accountNumber"]
    assert account["PostalCode"] == shown["postalCode"]

    fields = envelope(
        "<v1:GetFieldInfo><v1:psObjectType>Account</v1:psObjectType></v1:GetFieldInfo>"
    )
    found = api.get(add(fields)["path"]).json()["GetFieldInfoResponse"]
    [name] = [
        field
        for field in found["GetFieldInfoResult"]["Field"]
        if field["Name"] == "AccountType"
    ]
    item = name["PicklistValues"]["PickListValue"][0]
    assert isinstance(name["Length"], int)
    assert isinstance(item["SortOrder"], int)
    assert isinstance(item["Value"], str)
    assert name["IsRequired"] == "true"


def test_the_reply_has_the_names_that_the_vendor_has_for_it(api, add, envelope):
    path = add(envelope("<v1:GetEntityInfo/>"))["path"]

    answer = api.get(path).json()

    found = answer["GetEntityInfoResponse"]["GetEntityInfoResult"]["EntityInfo"]
    assert "Account" in [entity["Name"] for entity in found]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("/twin{}", "/twin{}"),
        ("/twin{}", "/hubs/crm/twin{}/"),
        ("/twin{}/{{id}}", "/twin{}/{{name}}"),
        ("/twin{}/a%20b", "//twin{}/a b".replace(" ", "%20")),
    ],
)
def test_of_two_with_one_path_and_verb_the_newer_answers(
    api, add, definition, envelope, older, newer
):
    word = secrets.token_hex(4)
    first = add(path=older.format(word))
    body = definition(envelope("<v1:GetWsdlVersion/>"), path=newer.format(word))

    made = api.call("POST", RESOURCES, body, authorization=api.platform)

    number = made.json()["id"]
    told = made.headers["elements-error"]
    assert f": {first['id']}. The newest one, {number}, answers." in told
    url = older.format(word).replace("{id}", "7")
    assert [*api.get(url).json()] == ["GetWsdlVersionResponse"]
    again = f"{RESOURCES}/{first['id']}"
    put = api.call("PUT", again, first, authorization=api.platform)
    assert f"The newest one, {number}, answers." in put.headers["elements-error"]
    removed = api.call("DELETE", f"{RESOURCES}/{number}", authorization=api.platform)
    assert removed.status == 200
    assert [*api.get(url).json()] == ["getThresholdAndUsageInfoResponse"]


def test_another_verb_or_path_does_not_match_a_resource(api, add, definition):
    path = f"/single{secrets.token_hex(4)}"
    add(path=path)

    for changes in (
        {"path": path, "method": "POST"},
        {"path": f"{path}/x"},
        {"path": path.upper()},
    ):
        made = api.call(
            "POST", RESOURCES, definition(**changes), authorization=api.platform
        )
        assert "elements-error" not in made.headers
        number = made.json()["id"]
        api.call("DELETE", f"{RESOURCES}/{number}", authorization=api.platform)


def test_the_newer_of_two_models_describes_an_object(api, add):
    word = secrets.token_hex(4)
    for name in ("old", "new"):
        fields = [{"path": name, "type": "string"}]
        add(path=f"/both{word}", model={"name": "x", "fields": fields})

    described = api.get(f"/objects/both{word}/metadata").json()
    assert [field["vendorPath"] for field in described["fields"]] == ["new"]
    document = api.get("/instances/docs").json()["paths"][f"/both{word}"]["get"]
    schema = document["responses"]["200"]["schema"]
    assert [*schema["properties"]] == ["new"]
