"""Models of added resources, in the forms that they come in."""

import pytest

from bridge.services.extended_resources.model_schemas import model_schema

CONTACT = {
    "id": "contact",
    "required": ["id", "gone", 7],
    "properties": {
        "id": {"type": "long"},
        "name": {"type": "string", "title": "Name", "x-samplevalue": "Ida"},
        "since": {"type": "date"},
        "kind": {"type": ["null", "string"], "enum": ["a", "b", "a", None]},
        "home": {"$ref": "#/definitions/address"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "odd": {"type": "nonsense"},
        "$ref": {"type": "string"},
    },
}
ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}}
NAMED = {"contact": CONTACT, "address": ADDRESS}
READ = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer", "format": "int64"},
        "name": {"type": "string", "description": "Name"},
        "since": {"type": "string", "format": "date-time"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "home": ADDRESS,
        "tags": {"type": "array", "items": {"type": "string"}},
        "odd": {},
    },
}


@pytest.mark.parametrize(
    "swagger",
    [
        NAMED,
        {"definitions": NAMED, "swagger": "2.0", "paths": {}},
        {"components": {"schemas": NAMED}},
        {**CONTACT, "definitions": NAMED},
        {"list": {"type": "array", "items": {"$ref": "contact"}}, **NAMED},
        {"Contact": {"$ref": "#/definitions/other"}, "other": CONTACT, **NAMED},
    ],
)
def test_a_model_is_read_wherever_its_schema_stands(swagger):
    for name in ("contact", "list", "CONTACT", "unknown"):
        assert model_schema({"name": name, "swagger": swagger}) == READ


def test_fields_make_a_model_as_well():
    fields = [{"path": "a", "type": "integer"}, {"name": "b"}, {}, 7]

    assert model_schema({"swagger": {}, "fields": fields}) == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {}},
    }


@pytest.mark.parametrize(
    "model",
    [
        None,
        "x",
        [],
        {},
        {"name": "x"},
        {"name": "x", "swagger": "x", "fields": "y"},
        {"name": "x", "swagger": {"x": {"$ref": "#/definitions/x"}}},
        {"name": "x", "swagger": {"x": {"type": "string"}}},
        {"name": "x", "swagger": {"properties": {}, "x": 7}},
        {"name": "x", "swagger": {"definitions": {"x": [1]}}},
    ],
)
def test_junk_is_not_a_model(model):
    assert model_schema(model) == {}


def test_a_model_within_itself_ends():
    inside = {"type": "object", "properties": {}}
    swagger = {"x": inside}
    for number in range(5):
        inside["properties"][f"x{number}"] = {"$ref": "#/definitions/x"}

    schema = model_schema({"name": "x", "swagger": swagger})

    assert len(str(schema)) < 100_000
    depth = 0
    while schema:
        schema = schema.get("properties", {}).get("x0")
        depth += 1
    assert 5 < depth < 20
