"""JSON schemas, written briefly.

They are of OpenAPI 3.1; `swagger` writes them in the older dialect. A schema refers
to a named one with `ref`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bridge.types import JSON

Schema: TypeAlias = dict[str, JSON]

_PREFIX = "#/components/schemas/"


def ref(name: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": f"{_PREFIX}{name}"}


def text(description: str = "", **more: JSON) -> Schema:
    """Return the schema of a text."""
    return _typed("string", description, more)


def whole(description: str = "", **more: JSON) -> Schema:
    """Return the schema of a whole number of up to 64 bits."""
    return _typed("integer", description, {"format": "int64", **more})


def flag(description: str = "", **more: JSON) -> Schema:
    """Return the schema of a boolean."""
    return _typed("boolean", description, more)


def moment(description: str = "") -> Schema:
    """Return the schema of a platform time such as `2019-03-14T09:26:53Z`."""
    return text(description, format="date-time")


def array(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def either(schema: Schema) -> Schema:
    """Return a schema that null fits as well."""
    return {**schema, "type": [schema["type"], "null"]}


def obj(
    required: Mapping[str, Schema] | None = None,
    optional: Mapping[str, Schema] | None = None,
    *,
    description: str = "",
) -> Schema:
    """Return the schema of an object; members it does not name are allowed."""
    required, optional = required or {}, optional or {}
    more: Schema = {"properties": {**required, **optional}}
    if required:
        more["required"] = [*required]
    return _typed("object", description, more)


def anything(description: str = "") -> Schema:
    """Return the schema of an object with any members."""
    return _typed("object", description, {"additionalProperties": True})


def _typed(kind: str, description: str, more: Mapping[str, JSON]) -> Schema:
    schema: Schema = {"type": kind}
    if description:
        schema["description"] = description
    return {**schema, **more}


def references(schema: JSON) -> Iterator[str]:
    """Yield the names of all schemas that a piece of a document refers to."""
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)
    elif isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str):
            yield target.rsplit("/", 1)[-1]
        for item in schema.values():
            yield from references(item)


def reachable(part: JSON, schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the named schemas that a piece of a document needs, in their order."""
    needed: set[str] = set()
    waiting = [name for name in references(part) if name in schemas]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [*references(schemas[name])]
    return {name: schemas[name] for name in schemas if name in needed}
