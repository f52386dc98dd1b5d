"""Conversion to Swagger 2.0, which the retired service served.

It converts what our description uses, not every document. Source: elements-api
section 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.services.openapi.definition import HUB
from bridge.services.openapi.resource_paths import RECORD
from bridge.services.openapi.schema import (
    FORM_MEDIA,
    JSON_MEDIA,
    Object,
    Paths,
    Schema,
)
from bridge.types import JSON

_DEFINITIONS = "#/definitions/"
_AUTHORIZATION: JSON = {
    "name": "Authorization",
    "in": "header",
    "description": "`User <secret>, Organization <secret>, Element <token>`",
    "type": "string",
    "required": True,
}


def to_swagger(
    paths: Paths, components: Object, *, key: Object | None = None
) -> Object:
    """Return tags, paths without the hub, and definitions of a Swagger document.

    `key` is a parameter to add to each operation.
    """
    converter = _Converter(components, key)
    converted = {
        path.removeprefix(HUB): {
            method: converter.operation(operation) for method, operation in item.items()
        }
        for path, item in paths.items()
    }
    operations = [each for item in paths.values() for each in item.values()]
    tags = dict.fromkeys(tag for each in operations for tag in each["tags"])
    definitions = converter.definitions()
    for operation in operations:
        _add_example(operation, definitions)
    return {
        "tags": [{"name": tag} for tag in tags],
        "paths": converted,
        "definitions": definitions,
    }


def inline(part: Any, definitions: Object) -> Any:  # noqa: ANN401 - any JSON
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


class _Converter:
    """Converts operations, and notes which schemas they refer to."""

    def __init__(self, components: Object, key: Object | None) -> None:
        self._components = components
        self._used: set[str] = set()
        self._keys = [] if key is None else [self._parameter(key)]
        # All operations have the same failures.
        self._failures = {
            status: {
                "description": failure["description"],
                "schema": self._schema(failure["content"][JSON_MEDIA]["schema"]),
            }
            for status, failure in components["responses"].items()
        }

    def operation(self, operation: Object) -> Object:
        """Return an operation of Swagger."""
        body = operation.get("requestBody", {})
        parameters = [self._parameter(each) for each in operation["parameters"]]
        # Generated clients take arguments in this order, and so do their users.
        at = sum(each["in"] == "path" for each in parameters)
        parameters[at:at] = self._keys
        success = operation["responses"].get("200", {"headers": {}})
        converted: Object = {
            name: operation[name]
            for name in ("tags", "summary", "description", "operationId")
            if name in operation
        }
        converted["parameters"] = [_AUTHORIZATION, *parameters, *self._body(body)]
        converted["responses"] = {
            status: self._failures.get(status) or self._success(response)
            for status, response in operation["responses"].items()
        }
        # Named only where they differ from those of the whole document.
        produced = [*success.get("content", ())]
        if produced not in ([], [JSON_MEDIA]):
            converted["produces"] = produced
        if FORM_MEDIA in body.get("content", ()):
            converted["consumes"] = [FORM_MEDIA]
        return converted

    def definitions(self) -> Object:
        """Return the schemas that the converted operations use, directly or not."""
        schemas = self._components["schemas"]
        found: Object = {}
        while missing := self._used - found.keys():
            for name in missing:
                found[name] = self._schema(schemas[name])
        return {name: found[name] for name in schemas if name in found}

    def _body(self, body: Object) -> Iterator[Object]:
        """Yield the parameters that make the body; a form has one for each member."""
        content = body.get("content", {})
        if FORM_MEDIA in content:
            form = content[FORM_MEDIA]["schema"]
            for name, schema in form["properties"].items():
                yield self._parameter(
                    {
                        "name": name,
                        "in": "formData",
                        "description": schema.get("description") or name,
                        "required": name in form.get("required", ()),
                        "schema": schema,
                    }
                )
        elif content:
            yield {
                "name": "body",
                "in": "body",
                "required": body["required"],
                "schema": self._schema(content[JSON_MEDIA]["schema"]),
            }

    def _success(self, response: Object) -> Object:
        headers = self._components["headers"]
        converted = {
            "description": response["description"],
            "headers": {
                name: {
                    "type": headers[name]["schema"]["type"],
                    "description": headers[name]["description"],
                }
                for name in response["headers"]
            },
        }
        for content in response.get("content", {}).values():
            converted["schema"] = self._schema(content["schema"])
        return converted

    def _parameter(self, parameter: Object) -> Object:
        """Return a parameter, which has no schema in 2.0, but its members."""
        schema = self._schema(parameter["schema"])
        if parameter["in"] == "formData" and schema.get("format") == "binary":
            schema = {"type": "file"}
        if schema.get("type") == "array":
            schema["collectionFormat"] = "multi"
        named = {name: value for name, value in parameter.items() if name != "schema"}
        return {**schema, **named}

    def _schema(self, schema: Schema) -> Schema:
        """Return a schema as 2.0 writes it.

        2.0 has no null, hence `x-nullable`, and no alternatives, hence the empty
        schema, which any value fits.
        """
        if "anyOf" in schema:
            return {}
        converted = {name: self._part(item) for name, item in schema.items()}
        target = converted.get("$ref")
        if isinstance(target, str):
            name = target.rsplit("/", 1)[-1]
            self._used.add(name)
            return {"$ref": _DEFINITIONS + name}
        kinds, enum = converted.get("type"), converted.get("enum")
        if isinstance(kinds, list):
            converted |= {"type": kinds[0], "x-nullable": True}
        if "x-nullable" in converted and isinstance(enum, list):
            converted["enum"] = [value for value in enum if value is not None]
        return converted

    def _part(self, part: JSON) -> JSON:
        if isinstance(part, list):
            return [self._part(item) for item in part]
        return self._schema(part) if isinstance(part, dict) else part


def _add_example(operation: Object, definitions: Object) -> None:
    """Add the example of a body to its definition: 2.0 has no other place for one.

    The definition that many operations share gets none: it would be right for one of
    them only.
    """
    body = operation.get("requestBody", {}).get("content", {}).get(JSON_MEDIA, {})
    name = str(body.get("schema", {}).get("$ref", RECORD)).rsplit("/", 1)[-1]
    if "example" in body and name != RECORD:
        definitions[name]["example"] = body["example"]
