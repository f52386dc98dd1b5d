"""The paths of a resource of the catalogue, or of an entity under its own name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from bridge.catalog.model import Resource, Verb
from bridge.services.openapi.schema import JSON_MEDIA, Object, Paths

RECORD = "Record"
"""The schema of records whose fields are not known."""

_PLACEHOLDER = re.compile(r"<\w+>")
_SEPARATOR = re.compile(r"[^A-Za-z0-9]+")


def resource_paths(
    templates: str, resource: Resource, *, has_fields: bool = False
) -> Paths:
    """Return the paths of a resource with the operations that it supports.

    `templates` are `x-resource-paths` of `api.yaml` as JSON, since to fill and parse a
    text takes a third of the time of copying a document. `has_fields` says
    that there are schemas of its records, under `type_name`.
    """
    singular = type_name(resource)
    record = singular if has_fields else ""
    names = {
        "resource": resource.name,
        "Resources": _pascal(resource.name),
        "Singular": singular,
        "Record": record or RECORD,
        "RecordCreate": f"{record}Create" if record else RECORD,
        "RecordUpdate": f"{record}Update" if record else RECORD,
    }
    offered: Paths = {}
    for path, item in _fill(templates, names).items():
        for method, operation in item.items():
            if operation["x-verb"] in resource.verbs:
                offered.setdefault(path, {})[method] = _operation(operation, resource)
    return offered


def type_name(resource: Resource) -> str:
    """Return the name that a record of a resource has among the schemas."""
    return _pascal(resource.singular)


def _pascal(name: str) -> str:
    parts = _SEPARATOR.split(name)
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _operation(operation: Object, resource: Resource) -> Object:
    """Add the example of a request body, which stands in the catalogue."""
    examples = {
        Verb.CREATE: resource.create_example,
        Verb.UPDATE: resource.update_example,
    }
    if example := examples.get(operation.pop("x-verb")):
        operation["requestBody"]["content"][JSON_MEDIA]["example"] = {**example}
    return operation


def _fill(templates: str, names: Mapping[str, str]) -> Paths:
    """Return templates with names in their placeholders."""
    # The name of a vendor's entity may hold any character, hence the escaping.
    escaped = {f"<{name}>": json.dumps(value)[1:-1] for name, value in names.items()}
    text = _PLACEHOLDER.sub(lambda match: escaped.get(match[0], match[0]), templates)
    filled: Paths = json.loads(text)
    return filled
