"""The model of an added resource, as a schema that any reader can use.

A model is whatever was stored. Its `swagger` may be a document, definitions by name or
a schema; what is of no use in it is left out, and references are written out. Pure.
Source: elements-api 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bridge.types import JSON

Schema: TypeAlias = dict[str, JSON]

_MAX_DEPTH = 8
_MAX_SCHEMAS = 1000
_MAX_VALUES = 500
_TYPES = {
    "string": ("string", ""),
    "number": ("number", ""),
    "integer": ("integer", ""),
    "boolean": ("boolean", ""),
    "array": ("array", ""),
    "object": ("object", ""),
    "date": ("string", "date-time"),
    "datetime": ("string", "date-time"),
    "int": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("number", "float"),
    "double": ("number", "double"),
}
"""Types and formats of a schema by the words that models have for them."""


def model_schema(model: JSON) -> Schema:
    """Return the schema of a model's records, an object with `properties`.

    It holds `type`, `format`, `description`, `enum`, `properties`, `required` and
    `items` only. Empty where the model describes no object.
    """
    if not isinstance(model, dict):
        return {}
    swagger = model.get("swagger")
    if isinstance(swagger, dict):
        definitions = _definitions(swagger)
        root = _root(str(model.get("name", "")), swagger, definitions)
        schema = _Reader(definitions).read(root)
        held = schema.get("items")
        found = held if isinstance(held, dict) else schema
        if found.get("properties"):
            return found
    listed = _Reader({}).read(_listed(model.get("fields")))
    return listed if listed.get("properties") else {}


def _definitions(swagger: Mapping[str, JSON]) -> Mapping[str, JSON]:
    components = swagger.get("components")
    named = components.get("schemas") if isinstance(components, dict) else None
    found = swagger.get("definitions", named)
    return found if isinstance(found, dict) else swagger


def _root(
    name: str, swagger: Mapping[str, JSON], definitions: Mapping[str, JSON]
) -> JSON:
    """Return the schema that a model means: by its name, else the first of objects."""
    if isinstance(swagger.get("properties"), dict):
        return {**swagger}
    for known, schema in definitions.items():
        if known.lower() == name.lower() and isinstance(schema, dict):
            return schema
    objects = (
        schema
        for schema in definitions.values()
        if isinstance(schema, dict) and isinstance(schema.get("properties"), dict)
    )
    return next(objects, None)


def _target(schema: JSON, definitions: Mapping[str, JSON]) -> JSON:
    """Return the schema that a reference leads to; nothing where it leads nowhere."""
    for _ in range(_MAX_DEPTH):
        name = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(name, str):
            return schema
        schema = definitions.get(name.rsplit("/", 1)[-1])
    return None


def _listed(fields: JSON) -> JSON:
    """Return the object schema of a list of fields, each with `path` or `name`."""
    properties: Schema = {}
    for field in fields if isinstance(fields, list) else ():
        name = field.get("path") or field.get("name") if isinstance(field, dict) else ""
        if isinstance(name, str) and name:
            properties[name] = field
    return {"type": "object", "properties": properties}


class _Reader:
    """Reads schemas, up to a number of them in all and to a depth."""

    def __init__(self, definitions: Mapping[str, JSON]) -> None:
        self._definitions = definitions
        self._left = _MAX_SCHEMAS

    def read(self, found: JSON, depth: int = 0) -> Schema:
        """Return what is of use in a schema; an empty one fits anything."""
        self._left -= 1
        found = _target(found, self._definitions)
        if not isinstance(found, dict) or depth > _MAX_DEPTH or self._left < 0:
            return {}
        kind, form = _kind(found)
        if not kind:
            return {}
        schema: Schema = {"type": kind}
        if form:
            schema["format"] = form
        for name in ("description", "title"):
            given = found.get(name)
            if isinstance(given, str) and given:
                schema.setdefault("description", given)
        if kind == "array":
            return schema | {"items": self.read(found.get("items"), depth + 1)}
        if kind == "object":
            return schema | self._members(found, depth)
        values = found.get("enum")
        if kind == "string" and isinstance(values, list) and len(values) < _MAX_VALUES:
            texts = [value for value in values if isinstance(value, str)]
            if texts:
                schema["enum"] = [*dict.fromkeys(texts)]
        return schema

    def _members(self, found: Mapping[str, JSON], depth: int) -> Schema:
        properties = found.get("properties")
        if not isinstance(properties, dict):
            return {"additionalProperties": True}
        read: Schema = {
            name: self.read(schema, depth + 1)
            for name, schema in properties.items()
            if not name.startswith("$")
        }
        members: Schema = {"properties": read}
        required = found.get("required")
        if isinstance(required, list):
            names = [name for name in required if isinstance(name, str)]
            if known := [name for name in dict.fromkeys(names) if name in read]:
                members["required"] = [*known]
        return members


def _kind(found: Mapping[str, JSON]) -> tuple[str, str]:
    """Return type and format of a schema, as far as they are known."""
    given = found.get("type")
    words = given if isinstance(given, list) else [given]
    known = [_TYPES[str(w).lower()] for w in words if str(w).lower() in _TYPES]
    if not known:
        if isinstance(found.get("properties"), dict):
            return "object", ""
        return ("array", "") if isinstance(found.get("items"), dict) else ("", "")
    kind, form = known[0]
    given = found.get("format")
    return kind, form or (given if isinstance(given, str) else "")
