"""Added resources in the descriptions of the API, always valid."""

from __future__ import annotations

import secrets

import pytest
from openapi_spec_validator import validate

RESOURCES = "/elements/autotaskcrm/resources"
OPENAPI = "/openapi.json"
SWAGGERS = ("/instances/docs", "/docs/crm", "/elements/50/docs")
DOCUMENTS = (*SWAGGERS, "/instances/docs?resolveReferences=true", OPENAPI)
WORD = secrets.token_hex(4)
PROPERTIES = {"id": {"type": "integer"}, "name": {"type": "string"}}
QUERY = {"name": "id", "type": "query", "required": True, "description": "Which"}
MEMBERS = (
    {"name": "id", "required": True},
    {"name": "id"},
    {"name": "name"},
)
ODD = {
    "type": "object",
    "required": "id",
    "enum": [],
    "anyOf": 7,
    "default": {"a": []},
    "properties": {
        word: {"type": "string", "format": ["x"], "enum": [{}, "a"], "pattern": "("}
        for word in ("anyOf", "$ref", "required", "type", "exclusiveMinimum", "")
    },
}
JUNK_MODELS = (
    "junk",
    {"swagger": "junk"},
    {"name": "a", "swagger": {"a": {"properties": "junk"}}},
    {"name": "a", "swagger": {"a": {"$ref": "#/definitions/gone"}}},
    {"name": "a", "swagger": {"a": {"$ref": {"properties": {}}}}},
    {"name": ["a"], "swagger": {"a": {"type": "array", "items": {"type": 7}}}},
)
STORED = (
    {
        "path": f"/parameters{WORD}/{{key}}",
        "parameters": [
            QUERY,
            {**QUERY, "required": False},
            {"name": "more", "type": "query", "description": ["x"]},
            {"name": "X-One", "type": "header", "required": "true"},
            {"name": "x-one", "type": "header"},
            {"name": "authorization", "type": "header"},
            {"name": "key", "type": "path"},
            {"name": "other", "type": "path"},
            {"name": "", "type": "query"},
            {"name": 7, "type": "query"},
            {"name": {"a": 1}, "type": ["query"]},
            {"type": "query"},
            "junk",
            None,
            7,
        ],
    },
    {"path": f"/nothing{WORD}", "parameters": {"name": "id"}, "description": {"a": 1}},
    *(
        {
            "path": f"/{kind}{WORD}",
            "method": "POST",
            "parameters": [{**member, "type": kind} for member in MEMBERS],
        }
        for kind in ("body", "form")
    ),
    {
        "path": f"/model{WORD}",
        "model": {
            "name": "own",
            "swagger": {
                "own": {
                    "required": ["id"],
                    "properties": {**PROPERTIES, "up": {"$ref": "own"}},
                }
            },
        },
    },
    {"path": f"/odd{WORD}", "model": {"name": "odd", "swagger": {"odd": ODD}}},
    *(
        {"path": f"/junk{number}{WORD}", "model": model}
        for number, model in enumerate(JUNK_MODELS)
    ),
    {"path": f"//twice{WORD}//{{a}}", "operationId": "getAccounts"},
    {"path": f"/twice{WORD}/{{b}}", "operationId": "getAccounts"},
    {"path": f"/twice{WORD}", "operationId": "!!!", "method": "get"},
    {"path": f"/twice{WORD}", "operationId": ["x"]},
    {"path": "/products/{productId}", "operationId": "getOwnProduct"},
)


@pytest.fixture(scope="module")
def made(api):
    """Add all that is stored in this module, and remove it again."""
    numbers = []
    for body in STORED:
        answer = api.call(
            "POST", RESOURCES, {"method": "GET", **body}, authorization=api.platform
        )
        assert answer.status == 200, answer.body
        numbers.append(answer.json()["id"])
    yield numbers
    for number in numbers:
        api.call("DELETE", f"{RESOURCES}/{number}", authorization=api.platform)


@pytest.fixture(scope="module", params=DOCUMENTS)
def document(request, api, made):
    """One of the documents, found valid; its paths without a hub."""
    answer = api.get(request.param)
    assert answer.status == 200, answer.body
    validate(answer.json())
    paths = answer.json()["paths"]
    return {path.removeprefix("/hubs/crm"): methods for path, methods in paths.items()}


def named(operation, place):
    return [
        (each["name"], each["required"])
        for each in operation["parameters"]
        if each["in"] == place
    ]


def answered(operation):
    """Return the schema of a success in either dialect."""
    success = operation["responses"]["200"]
    if "content" in success:
        return success["content"]["application/json"]["schema"]
    return success["schema"]


def test_parameters_are_unique_and_junk_is_left_out(document):
    described = document[f"/parameters{WORD}/{{key}}"]["get"]

    assert named(described, "query") == [("id", True), ("more", False)]
    headers = named(described, "header")
    assert [each for each in headers if each[0] != "Authorization"] == [("X-One", True)]
    assert named(described, "path") == [("key", True)]
    assert named(document[f"/nothing{WORD}"]["get"], "query") == []


@pytest.mark.parametrize("kind", ["body", "form"])
def test_a_body_and_a_form_are_described(document, kind):
    described = document[f"/{kind}{WORD}"]["post"]

    if "requestBody" in described:
        [content] = described["requestBody"]["content"].values()
        assert content["schema"]["required"] == ["id"]
        assert described["requestBody"]["required"] is True
    elif kind == "body":
        [body] = [each for each in described["parameters"] if each["in"] == "body"]
        assert body["schema"]["required"] == ["id"]
    else:
        assert named(described, "formData") == [("id", True), ("name", False)]


def test_the_model_is_the_schema_of_a_success(document):
    schema = answered(document[f"/model{WORD}"]["get"])

    assert schema["type"] == "object"
    assert {name: schema["properties"][name] for name in PROPERTIES} == PROPERTIES


def test_a_model_of_no_use_leaves_the_general_schema(document):
    for number in range(len(JUNK_MODELS)):
        schema = answered(document[f"/junk{number}{WORD}"]["get"])
        assert schema == {"type": "object", "additionalProperties": True}


def test_odd_words_in_a_model_do_no_harm(document):
    assert answered(document[f"/odd{WORD}"]["get"])["type"] == "object"


def test_ids_paths_and_methods_that_collide_stay_apart(api, document):
    twice = document[f"/twice{WORD}/{{a}}"]
    assert twice["get"]["operationId"] == "getAccounts2"
    assert f"/twice{WORD}/{{b}}" not in document
    assert document[f"/twice{WORD}"]["get"]["operationId"]
    product = document["/products/{id}"]
    assert product["get"]["operationId"] == "getOwnProduct"
    assert product["patch"]["operationId"] == "updateProductById"
    assert "/products/{productId}" not in document


def test_one_operation_of_ones_own_is_found(api, made):
    for path in ("/instances/docs/getAccounts2", "/docs/crm?operationId=getAccounts2"):
        assert [*api.get(path).json()["paths"]] == [f"/twice{WORD}/{{a}}"]


@pytest.mark.parametrize("path", SWAGGERS[1:])
def test_user_and_organization_are_enough_to_see_ones_own(api, foreign, made, path):
    def describes(authorization=None):
        paths = api.get(f"{path}?basic=true", authorization=authorization).json()
        return f"/model{WORD}" in paths["paths"]

    assert describes()
    assert describes(api.platform)
    assert describes(f"{api.platform}, Element gone")
    assert not describes(foreign.platform)
    assert not describes(foreign.secrets)
    if not path.startswith("/docs"):
        assert not describes("none")
