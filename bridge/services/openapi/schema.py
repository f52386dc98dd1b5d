"""Builders of JSON schemas for what `api.yaml` cannot know, and shared types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from bridge.types import JSON

Schema: TypeAlias = dict[str, JSON]

Object: TypeAlias = dict[str, Any]
"""An object of an OpenAPI document. `Any`, as the specification fixes its members."""

Paths: TypeAlias = dict[str, dict[str, Object]]
"""Operations by path and method. The method is in lower case."""

JSON_MEDIA = "application/json"
FORM_MEDIA = "multipart/form-data"


def ref(name: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "") -> Schema:
    """Return the schema of a string."""
    return {"type": "string", **({"description": description} if description else {})}


def obj(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """Return the schema of an object; members it does not name are allowed."""
    needed: list[JSON] = [*required]
    schema: Schema = {"type": "object", "properties": {**properties}}
    return {**schema, "required": needed} if needed else schema
