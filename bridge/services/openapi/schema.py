"""Builders of JSON schemas for what `api.yaml` cannot know, and references to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from bridge.catalog.model import JSON

Schema: TypeAlias = dict[str, JSON]

Operation: TypeAlias = dict[str, Any]
"""An OpenAPI operation object. `Any` because the specification fixes its members."""

Paths: TypeAlias = dict[str, dict[str, Operation]]
"""Operations by path and method. The method is in lower case."""

Components: TypeAlias = dict[str, dict[str, Any]]
"""Parts that others refer to, by kind (`schemas`, `responses`) and name."""

JSON_MEDIA = "application/json"


def ref(name: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "") -> Schema:
    """Return the schema of a string."""
    return {"type": "string", **({"description": description} if description else {})}


def obj(
    required: Mapping[str, Schema] | None = None,
    optional: Mapping[str, Schema] | None = None,
) -> Schema:
    """Return the schema of an object; members it does not name are allowed."""
    required, optional = required or {}, optional or {}
    schema: Schema = {"type": "object", "properties": {**required, **optional}}
    if required:
        schema["required"] = [*required]
    return schema


def component_of(part: Any) -> tuple[str, str] | None:  # noqa: ANN401 - any JSON
    """Return kind and name of the component that a reference object names.

    The reference may be of either format: `#/components/schemas/X`, `#/definitions/X`.
    """
    target = part.get("$ref") if isinstance(part, dict) else None
    if not isinstance(target, str) or not target.startswith("#/"):
        return None
    kind, name = target.split("/")[-2:]
    return kind, name


def referenced(part: Any, components: Components) -> Components:  # noqa: ANN401
    """Return the components that a part of a document uses, directly or not.

    Their order is that of `components`.
    """
    used: set[tuple[str, str]] = set()
    waiting = [*_references(part)]
    while waiting:
        kind, name = key = waiting.pop()
        if key not in used and name in components.get(kind, ()):
            used.add(key)
            waiting += _references(components[kind][name])
    return {
        kind: {name: named[name] for name in named if (kind, name) in used}
        for kind, named in components.items()
    }


def _references(part: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        for item in part:
            yield from _references(item)
    elif isinstance(part, dict):
        if (component := component_of(part)) is not None:
            yield component
        for item in part.values():
            yield from _references(item)
