"""Swagger 2.0 of element, hub, instance and object. Source: elements-api section 9."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

REQUIRED = {"basePath", "paths", "host", "definitions", "swagger", "info", "tags"}
STATUSES = {200, 400, 401, 403, 404, 405, 406, 409, 415, 500, 502}
IDS = {
    "getObjects": ("get", "/objects"),
    "getObjectsObjectNameMetadata": ("get", "/objects/{objectName}/metadata"),
    "getObjectsObjectNameDocs": ("get", "/objects/{objectName}/docs"),
    "getPing": ("get", "/ping"),
    "getByObjectName": ("get", "/{objectName}"),
    "createByObjectName": ("post", "/{objectName}"),
    "getObjectNameByObjectId": ("get", "/{objectName}/{objectId}"),
    "updateObjectNameByObjectId": ("patch", "/{objectName}/{objectId}"),
    "replaceObjectNameByObjectId": ("put", "/{objectName}/{objectId}"),
    "deleteObjectNameByObjectId": ("delete", "/{objectName}/{objectId}"),
    "getObjectNameByChildObjectName": (
        "get",
        "/{objectName}/{objectId}/{childObjectName}",
    ),
    "getObjectNameByChildObjectId": (
        "get",
        "/{objectName}/{objectId}/{childObjectName}/{childObjectId}",
    ),
    "getAccounts": ("get", "/accounts"),
    "createAccount": ("post", "/accounts"),
    "getOpportunities": ("get", "/opportunities"),
    "createOpportunity": ("post", "/opportunities"),
    "getBillingItemById": ("get", "/billing-items/{id}"),
    "updateSalesOrderById": ("patch", "/sales-orders/{id}"),
    "replaceAccountById": ("put", "/accounts/{id}"),
}
PATHS = (
    "/instances/docs",
    "/instances/docs?resolveReferences=true",
    "/instances/docs?basic=true&discovery=false&version=-1",
    "/instances/docs/getAccounts",
    "/elements/50/docs",
    "/elements/autotaskcrm/lbdocs?force=true",
    "/docs/crm",
    "/objects/accounts/docs",
    "/hubs/crm/objects/Ticket/docs?resolveReferences=true",
    "/hubs/crm//objects/account/docs/",
)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_valid_and_complete(api, path):
    answer = api.get(path)

    assert answer.status == 200, answer.body
    document = answer.json()
    validate(document)
    assert document["swagger"] == "2.0"
    assert set(document) >= REQUIRED
    assert document["basePath"] == "/elements/api-v2"
    assert ("$ref" in answer.body.decode()) == ("resolve" not in path)


def test_it_names_its_element(api, swagger):
    assert swagger["info"] == {
        "title": "autotaskcrm",
        "version": "api-v2",
        "contact": {"email": "support@bridge.example"},
        "x-element-id": 50,
        "x-element-key": "autotaskcrm",
        "x-element-name": "Autotask CRM",
        "x-element-hub": "crm",
    }
    assert api.get("/docs/crm").json()["info"]["x-element-hub"] == "crm"
    host = api.base_url.split("/")[2]
    assert (swagger["host"], swagger["schemes"]) == (host, ["http"])


def test_every_operation_has_secrets_statuses_and_a_path_without_hub(swagger):
    ids = []
    for path, methods in swagger["paths"].items():
        assert not path.startswith("/hubs")
        for operation in methods.values():
            ids.append(operation["operationId"])
            first = operation["parameters"][0]
            assert (first["name"], first["in"]) == ("Authorization", "header")
            assert (first["type"], first["required"]) == ("string", True)
            assert {int(status) for status in operation["responses"]} - {
                413
            } == STATUSES
            assert all(each["description"] for each in operation["responses"].values())
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", IDS)
def test_operations_have_the_names_callers_know(swagger, name):
    method, path = IDS[name]

    assert swagger["paths"][path][method]["operationId"] == name


def test_what_is_not_offered_is_not_described(swagger):
    assert set(swagger["paths"]["/accounts/{id}"]) == {"get", "patch", "put"}
    assert set(swagger["paths"]["/billing-items"]) == {"get"}


def test_the_tenants_fields_are_definitions(api, swagger):
    definitions = swagger["definitions"]
    fields = api.get("/objects/accounts/metadata").json()["fields"]
    [type_field] = [field for field in fields if field["path"] == "accountType"]

    values = [int(item["value"]) for item in type_field["picklistValues"]]

    assert definitions["AccountCreate"]["properties"]["accountType"]["enum"] == values
    named = definitions["AccountUserDefinedFieldInput"]["properties"]["name"]["enum"]
    assert named == [field["path"] for field in fields if field["custom"]]
    cleared = definitions["AccountUpdate"]["properties"]["city"]
    assert (cleared["type"], cleared["x-nullable"]) == ("string", True)


def test_an_object_is_described_with_its_own_paths(api):
    document = api.get("/objects/Ticket/docs").json()

    assert set(document["paths"]) == {"/Ticket", "/Ticket/{id}"}
    assert "issueType" in document["definitions"]["Ticket"]["properties"]


def test_an_element_has_the_tenants_fields_when_its_token_is_sent(api, swagger):
    anonymous = api.get("/elements/50/docs", authorization="none").json()
    wrong = f"{api.platform}, Element gone"

    assert "AccountCreate" not in anonymous["definitions"]
    assert api.get("/elements/50/docs").json()["definitions"] == swagger["definitions"]
    for path in ("/elements/50/docs", "/docs/crm"):
        document = api.get(path, authorization=wrong).json()
        assert document["definitions"] == anonymous["definitions"]


@pytest.mark.parametrize(
    ("url", "host", "base_path", "scheme"),
    [
        ("https://gw.example", "gw.example", "/elements/api-v2", "https"),
        ("http://gw.example:8080/", "gw.example:8080", "/elements/api-v2", "http"),
        ("https://gw.example/crm", "gw.example", "/crm/elements/api-v2", "https"),
        (
            "https://gw.example/elements/api-v2",
            "gw.example",
            "/elements/api-v2",
            "https",
        ),
    ],
)
def test_base_url_is_the_host(api, url, host, base_path, scheme):
    document = api.get(f"/docs/crm?baseUrl={url}").json()

    assert (document["host"], document["basePath"]) == (host, base_path)
    assert document["schemes"] == [scheme]


def test_behind_a_gateway_every_call_has_its_key(api):
    where = "baseUrl=https://gw.example/stage"
    plain = api.get(f"/docs/crm?{where}").json()

    document = api.get(f"/docs/crm?{where}&provider=AWS").json()

    validate(document)
    assert (document["host"], document["basePath"]) == (
        "gw.example",
        "/stage/elements/api-v2",
    )
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            [key] = [p for p in operation["parameters"] if p["name"] == "x-api-key"]
            assert (key["in"], key["type"], key["required"]) == (
                "header",
                "string",
                True,
            )
            operation["parameters"].remove(key)
            assert operation == plain["paths"][path][method]
    assert api.get(f"/docs/crm?{where}&provider=nonsense").json() == plain


def test_user_defined_fields_can_be_left_out(api):
    definitions = api.get("/instances/docs?discovery=false").json()["definitions"]

    assert (
        "enum" not in definitions["AccountUserDefinedFieldInput"]["properties"]["name"]
    )
    assert "accountName" in definitions["Account"]["properties"]


def test_the_basic_document_needs_no_vendor_call(api, spare, vendor):
    secrets = f"{api.platform}, Element {spare()['token']}"
    vendor.forget()

    document = api.get("/instances/docs?basic=true", authorization=secrets).json()

    assert vendor.calls() == {}
    assert set(document["definitions"]) >= {"Error", "Record"}
    assert "Account" not in document["definitions"]


@pytest.mark.parametrize(
    "name",
    [
        "getContactById",
        "getcontactbyid",
        "GET-contacts-id",
        "get-contacts-id",
        "GET-contacts-{id}",
        "get-contacts-%7Bid%7D",
    ],
)
def test_one_operation_is_found_in_either_spelling(api, name):
    of_token = api.get(f"/instances/docs/{name}").json()
    instance = api.line["instanceId"]
    of_id = api.get(f"/instances/{instance}/docs/{name}", authorization=api.platform)

    assert [*of_token["paths"]] == ["/contacts/{id}"]
    assert [*of_token["paths"]["/contacts/{id}"]] == ["get"]
    assert of_id.json() == of_token
    chosen = api.get(f"/instances/docs?operationId={name}").json()
    assert chosen == of_token
    definitions = api.get(f"/instances/docs/{name}/definitions").json()
    assert definitions == of_token["definitions"]
    assert {"Contact", "Error"} <= set(definitions)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/instances/docs/getNonsense", 404),
        ("/instances/docs/getNonsense/definitions", 404),
        ("/instances/999999999/docs", 404),
        ("/elements/999/docs", 404),
        ("/elements/50/docs?version=7", 404),
        ("/elements/50/docs?operationId=getNonsense", 404),
        ("/docs/nonsense", 404),
        ("/objects/nonsense/docs", 404),
        ("/docs/crm?baseUrl=gw.example", 400),
        ("/docs/crm?baseUrl=ftp://gw.example", 400),
        ("/docs/crm?baseUrl=https://me:pw@gw.example", 400),
        ("/docs/crm?baseUrl=https://%5B", 400),
        ("/docs/crm?baseUrl=https://a%20b", 400),
    ],
)
def test_what_cannot_be_described_is_refused(api, path, status):
    by = api.platform if path.startswith("/instances/9") else None

    answer = api.get(path, authorization=by)

    assert answer.status == status
    assert set(answer.json()) == {"requestId", "message"}


def test_a_disabled_instance_is_described(api, spare):
    instance = spare()
    secrets = f"{api.platform}, Element {instance['token']}"
    path = f"/instances/{instance['id']}/enabled"
    api.call("DELETE", path, authorization=api.platform)

    assert api.get("/accounts", authorization=secrets).status == 403
    for path in ("/objects/accounts/docs", "/instances/docs"):
        assert api.get(path, authorization=secrets).status == 200


def test_an_instance_of_another_organization_is_not_described(api, foreign):
    path = f"/instances/{api.line['instanceId']}/docs"

    assert foreign.get(path, authorization=foreign.platform).status == 404
