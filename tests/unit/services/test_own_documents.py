"""Descriptions stay valid whatever an account stored as a resource of its own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from bridge.services.openapi.definition import load_api
from bridge.services.openapi.extended_paths import add_extended_resources
from bridge.services.openapi.swagger import inline, to_swagger

WORDS = (
    "a",
    "b",
    "id",
    "",
    "$ref",
    "#/definitions/a",
    "type",
    "properties",
    "items",
    "enum",
    "required",
    "format",
    "description",
    "definitions",
    "swagger",
    "anyOf",
    "object",
    "array",
    "string",
    "integer",
    "date",
    "null",
    "exclusiveMinimum",
    "query",
    "header",
    "path",
    "body",
    "form",
    "value",
    "name",
    "vendorName",
    "vendorType",
)
words = st.sampled_from(WORDS) | st.text(max_size=3)
scalars = st.none() | st.booleans() | st.integers() | words
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5)
    ),
    max_leaves=20,
)
parameters = st.lists(
    junk
    | st.fixed_dictionaries(
        {"name": words, "type": words},
        optional={"required": scalars, "description": junk, "vendorName": junk},
    ),
    max_size=6,
)
schemas = st.fixed_dictionaries(
    {},
    optional={
        "type": words | junk,
        "properties": st.dictionaries(words, junk, max_size=4),
        "items": junk,
        "enum": junk,
        "format": junk,
        "required": junk,
        "$ref": junk,
    },
)
models = junk | st.fixed_dictionaries(
    {"name": words},
    optional={"swagger": st.dictionaries(words, schemas, max_size=3), "fields": junk},
)
paths = st.sampled_from(
    [
        "/x",
        "//x//",
        "/hubs/crm/x",
        "/x/{a}",
        "/x/{b}",
        "/y/{a}/z",
        "/{a}",
        "/",
        "",
        "/{",
    ]
) | st.text(max_size=8)
stored = st.fixed_dictionaries(
    {"path": paths, "method": st.sampled_from(["GET", "get", "POST", "PUT", "DELETE"])},
    optional={
        "operationId": words | junk,
        "description": junk,
        "parameters": parameters | junk,
        "model": models,
    },
)
API = load_api(strict=False)
BUILT_IN = {
    "/hubs/crm/x/{attachmentId}": API["paths"]["/hubs/crm/attachments/{attachmentId}"],
    "/hubs/crm/x": API["paths"]["/hubs/crm/attachments"],
    "/x": API["paths"]["/hubs"],
}


@settings(max_examples=15)
@given(st.lists(stored, max_size=5))
def test_both_formats_stay_valid(documents):
    rows = [{"id": number, **row} for number, row in enumerate(documents, 1)]

    paths = add_extended_resources(BUILT_IN, rows, API["x-extended-operation"])

    info = {"title": "x", "version": "1"}
    swagger = {"swagger": "2.0", "info": info, **to_swagger(paths, API["components"])}
    openapi = {
        "openapi": API["openapi"],
        "info": info,
        "paths": paths,
        "components": API["components"],
    }
    validate(swagger)
    validate(openapi)
    validate({**swagger, "paths": inline(swagger["paths"], swagger["definitions"])})
    ids = [each["operationId"] for item in paths.values() for each in item.values()]
    assert len(set(ids)) == len(ids)
