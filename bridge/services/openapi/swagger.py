"""Conversion to Swagger 2.0, which the retired service served.

It converts what our description uses, not every document. Source: elements-api
section 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.catalog.model import JSON
from bridge.services.openapi.definition import HUB
from bridge.services.openapi.resource_paths import RECORD
from bridge.services.openapi.schema import (
    JSON_MEDIA,
    Components,
    Operation,
    Paths,
    component_of,
    referenced,
)

_DEFINITIONS = "#/definitions/"
_AUTHORIZATION: JSON = {
    "name": "Authorization",
    "in": "header",
    "description": "`User <secret>, Organization <secret>, Element <token>`",
    "type": "string",
    "required": True,
}
_FORM = "multipart/form-data"
_PARAMETER_MEMBERS = (
    "type",
    "items",
    "collectionFormat",
    "format",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
)
"""What stands in a parameter's schema in 3.1, and beside its name in 2.0."""


def to_swagger(paths: Paths, components: Components) -> dict[str, JSON]:
    """Return tags, paths without the hub, and definitions of a Swagger document."""
    written: dict[str, JSON] = {}
    tags: dict[str, None] = {}
    examples: dict[str, JSON] = {}
    for path, item in paths.items():
        methods: dict[str, JSON] = {}
        for method, operation in item.items():
            methods[method] = _operation(operation, components)
            tags |= dict.fromkeys(operation["tags"])
            examples |= _example(operation)
        written[path.removeprefix(HUB)] = methods
    schemas = {name: _schema(each) for name, each in components["schemas"].items()}
    # From the converted paths: what only an alternative refers to is not in them.
    definitions = referenced([written], {"definitions": schemas})["definitions"]
    for name, example in examples.items():
        definitions[name]["example"] = example
    return {
        "tags": [{"name": tag} for tag in tags],
        "paths": written,
        "definitions": {**definitions},
    }


def inline(part: JSON, definitions: Mapping[str, JSON]) -> JSON:
    """Return a part of a document with definitions in place of references.

    No schema of ours contains itself, so this ends.
    """
    if isinstance(part, list):
        return [inline(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    target = part.get("$ref")
    if isinstance(target, str):
        return inline(definitions[target.removeprefix(_DEFINITIONS)], definitions)
    return {name: inline(item, definitions) for name, item in part.items()}


def _operation(operation: Operation, components: Components) -> JSON:
    body = operation.get("requestBody", {})
    written: dict[str, JSON] = {
        name: operation[name]
        for name in ("tags", "summary", "description", "operationId")
        if name in operation
    }
    parameters = map(_parameter, operation["parameters"])
    written["parameters"] = [_AUTHORIZATION, *parameters, *_body(body)]
    written["responses"] = {
        status: _response(response, components)
        for status, response in operation["responses"].items()
    }
    produced = [*operation["responses"]["200"].get("content", ())]
    if produced not in ([], [JSON_MEDIA]):
        written["produces"] = produced
    if _FORM in body.get("content", ()):
        written["consumes"] = [_FORM]
    return written


def _example(operation: Operation) -> dict[str, JSON]:
    """Return the example of a body by the definition that gets it.

    2.0 has no other place for one. The definition that many operations share gets
    none: it would be right for one of them only.
    """
    body = operation.get("requestBody", {}).get("content", {}).get(JSON_MEDIA, {})
    _, name = component_of(body.get("schema")) or ("", RECORD)
    return {name: body["example"]} if "example" in body and name != RECORD else {}


def _body(body: Mapping[str, Any]) -> Iterator[JSON]:
    """Yield the parameters that make the body; a form has one for each member."""
    if not body:
        return
    form = body["content"].get(_FORM)
    if form is None:
        [content] = body["content"].values()
        schema = _schema(content["schema"])
        required = body["required"]
        yield {"name": "body", "in": "body", "required": required, "schema": schema}
        return
    for name, schema in form["schema"]["properties"].items():
        yield _parameter(
            {
                "name": name,
                "in": "formData",
                "description": schema.get("description") or name,
                "required": name in form["schema"].get("required", ()),
                "schema": schema,
            }
        )


def _response(response: Mapping[str, Any], components: Components) -> JSON:
    """Return a response. Failures are references in 3.1; 2.0 had no headers there."""
    failure = component_of(response)
    if failure is not None:
        response = components[failure[0]][failure[1]]
    written: dict[str, JSON] = {"description": response["description"]}
    if failure is None:
        written["headers"] = {
            name: _header(header, components)
            for name, header in response["headers"].items()
        }
    for content in response.get("content", {}).values():
        written["schema"] = _schema(content["schema"])
    return written


def _header(header: Mapping[str, Any], components: Components) -> JSON:
    kind, name = component_of(header) or ("", "")
    described = components[kind][name]
    return {
        "type": described["schema"]["type"],
        "description": described["description"],
    }


def _parameter(parameter: Mapping[str, Any]) -> JSON:
    schema = _schema(parameter["schema"])
    if parameter["in"] == "formData" and schema.get("format") == "binary":
        schema = {"type": "file"}
    if schema.get("type") == "array":
        schema["collectionFormat"] = "multi"
    return {
        **{name: value for name, value in parameter.items() if name != "schema"},
        **{name: schema[name] for name in _PARAMETER_MEMBERS if name in schema},
    }


def _schema(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    converted = _dialect({**schema})
    return converted if isinstance(converted, dict) else {}


def _dialect(part: JSON) -> JSON:
    """Return a piece of a 3.1 schema as 2.0 writes it.

    2.0 has no null, hence `x-nullable`, and no alternatives, hence the empty schema,
    which any value fits.
    """
    if isinstance(part, list):
        return [_dialect(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part:
        return {}
    written = {name: _dialect(item) for name, item in part.items()}
    target = written.get("$ref")
    if isinstance(target, str):
        return {"$ref": _DEFINITIONS + target.rsplit("/", 1)[-1]}
    kinds = written.get("type")
    if isinstance(kinds, list):
        written["type"] = kinds[0]
        written["x-nullable"] = True
    if "x-nullable" in written and isinstance(enum := written.get("enum"), list):
        written["enum"] = [value for value in enum if value is not None]
    if isinstance(least := written.pop("exclusiveMinimum", None), int | float):
        written |= {"minimum": least, "exclusiveMinimum": True}
    return written
