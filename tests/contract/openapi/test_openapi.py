"""The OpenAPI 3.1 description is valid, correct, and has the tenant's fields."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.exceptions import HTTPException

from bridge.web.http.route_auth import BASE

METHODS = {"get", "post", "put", "patch", "delete"}
FAILURES = {"400", "401", "403", "404", "405", "406", "409", "415", "500", "502"}
RESOURCES = ["accounts", "contacts", "opportunities", "tasks", "sales-orders"]
PLACEHOLDER = re.compile(r"<[^>]*>|\{[^}]*\}")


def shape(path):
    return PLACEHOLDER.sub("{}", path)


def operations(document):
    """Yield method, path and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield method.upper(), path, operation


def resolved(document, operation, status="200"):
    """Return the schema of a response together with the document's components."""
    content = operation["responses"][status]["content"]["application/json"]
    return {**content["schema"], "components": document["components"]}


def test_it_is_valid_openapi(generic, own):
    assert generic["openapi"] == own["openapi"] == "3.1.0"
    validate(generic)
    validate(own)


def test_every_described_operation_is_served(application):
    document = application.test_client().get(f"{BASE}/openapi.json").json
    adapter = application.url_map.bind("bridge.example")

    for method, path, _ in operations(document):
        try:
            adapter.match(BASE + shape(path), method)
        except HTTPException:
            pytest.fail(f"{method} {path} is described, and not served")


def test_ids_are_unique_and_every_failure_has_its_schema(generic):
    ids = [operation["operationId"] for _, _, operation in operations(generic)]
    assert len(set(ids)) == len(ids)

    for method, path, operation in operations(generic):
        extra = {"413"} if "requestBody" in operation else set()
        assert set(operation["responses"]) - {"200"} == FAILURES | extra, (method, path)
    assert set(generic["components"]["responses"]) == FAILURES | {"413"}
    error = generic["components"]["schemas"]["Error"]
    assert error["required"] == ["requestId", "message"]


def test_operations_require_the_credentials_that_it_names(api, generic):
    for method, path, operation in operations(generic):
        open_to_all = not operation["security"] or {} in operation["security"]
        if path == "/authentication":
            continue

        answer = api.call(method, quote(path), authorization="none")

        assert (answer.status == 401) is not open_to_all, (method, path, answer.status)


def test_it_needs_no_vendor_call_and_no_secrets(api, vendor):
    answer = api.get("/openapi.json", authorization="none")

    assert answer.status == 200
    assert vendor.calls() == {}


def test_an_invalid_token_is_refused(api):
    answer = api.get("/openapi.json", authorization=f"{api.platform}, Element nope")

    assert answer.status == 401
    assert set(answer.json()) == {"requestId", "message"}


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_tenants_fields_are_those_of_its_metadata(api, own, resource):
    fields = api.get(f"/objects/{resource}/metadata").json()["fields"]
    schemas = own["components"]["schemas"]
    path = own["paths"][f"/hubs/crm/{resource}/{{id}}"]
    name = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answered = schemas[name["$ref"].rsplit("/", 1)[1]]
    changed = schemas[f"{name['$ref'].rsplit('/', 1)[1]}Update"]

    standard = {field["path"]: field for field in fields if not field["custom"]}
    assert set(answered["properties"]) - {"userDefinedFields"} == set(standard)
    for name, schema in changed["properties"].items():
        if name == "userDefinedFields":
            continue
        assert standard[name]["updateable"]
        values = [item["value"] for item in standard[name].get("picklistValues", [])]
        shown = [str(v) for v in schema.get("enum", []) if v is not None]
        assert shown == (values if len(values) <= 200 else [])
        if "maxLength" in standard[name]:
            assert schema["maxLength"] == standard[name]["maxLength"]


def test_the_tenants_user_defined_fields_are_named(api, own):
    fields = api.get("/objects/accounts/metadata?customFieldsOnly=true").json()
    schemas = own["components"]["schemas"]

    names = schemas["AccountUserDefinedFieldInput"]["properties"]["name"]["enum"]

    assert names == [field["path"] for field in fields["fields"]]
    known = schemas["AccountUserDefinedFields"]["x-userDefinedFields"]
    assert [udf["name"] for udf in known] == names
    assert any("values" in udf for udf in known)


def test_a_create_names_what_is_required(api, own):
    schemas = own["components"]["schemas"]

    required = schemas["AccountCreate"]["required"]

    answer = api.call("POST", "/accounts", {})
    assert answer.status == 400
    for name in required:
        assert f"{name} is required" in answer.json()["message"]
    assert schemas["LeadCreate"]["properties"]["accountType"]["enum"] == [2]
    assert "accountType" not in schemas["LeadCreate"]["required"]


def test_nulls_are_described_where_they_are_returned(api, spare):
    instance = spare(**{"filter.response.nulls": "false"})
    secrets = f"{api.platform}, Element {instance['token']}"

    document = api.get("/openapi.json", authorization=secrets).json()

    records = api.get("/accounts?pageSize=50", authorization=secrets).json()
    assert any(value is None for record in records for value in record.values())
    operation = document["paths"]["/hubs/crm/accounts"]["get"]
    Draft202012Validator(resolved(document, operation)).validate(records)


def test_a_tenants_description_costs_two_calls_an_entity_once(api, spare, vendor):
    secrets = f"{api.platform}, Element {spare()['token']}"
    vendor.forget()

    api.get("/openapi.json", authorization=secrets)
    first = vendor.calls()
    api.get("/openapi.json", authorization=secrets)
    api.get("/instances/docs", authorization=secrets)

    assert first == vendor.calls() == {"GetFieldInfo": 9, "getUDFInfo": 9}


def test_a_resource_of_the_account_is_described(api, own):
    body = {
        "path": "/hubs/crm/budget/{of}",
        "method": "GET",
        "operationId": "getBudget",
    }
    path = "/elements/50/resources"
    made = api.call("POST", path, body, authorization=api.platform).json()
    try:
        document = api.get("/openapi.json").json()
    finally:
        gone = f"{path}/{made['id']}"
        api.call("DELETE", gone, authorization=api.platform)

    validate(document)
    operation = document["paths"]["/hubs/crm/budget/{of}"]["get"]
    assert operation["operationId"] == "getBudget"
    assert operation["parameters"][0]["name"] == "of"
    assert "/hubs/crm/budget/{of}" not in own["paths"]


@pytest.mark.campaign
def test_strict_statuses_are_described(strict_application):
    document = strict_application.test_client().get(f"{BASE}/openapi.json").json

    validate(document)
    assert {"429", "503", "504"} <= set(document["paths"]["/usage"]["get"]["responses"])


def test_its_size_is_limited(api):
    for path in ("/openapi.json", "/instances/docs"):
        assert len(api.get(path).body) < 600_000
