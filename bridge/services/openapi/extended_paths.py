"""The paths of resources that accounts added to the element.

Whatever was stored, the document stays valid: what cannot be described is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bridge.services.extended_resources.definitions import (
    ParameterSpec,
    declarations,
    path_segments,
    placeholder,
)
from bridge.services.extended_resources.model_schemas import model_schema
from bridge.services.openapi.definition import HUB
from bridge.services.openapi.schema import (
    FORM_MEDIA,
    JSON_MEDIA,
    Object,
    Paths,
    obj,
    text,
)
from bridge.types import JSON

_RESERVED_HEADERS = frozenset(
    {"authorization", "accept", "content-type", "cookie", "x-api-key"}
)
"""Headers that OpenAPI does not allow as parameters, or that are described anyway."""

_BRACES = re.compile(r"\{[^}]*\}")
_SEPARATOR = re.compile(r"[^A-Za-z0-9]+")


def add_extended_resources(
    paths: Paths, documents: Sequence[Mapping[str, JSON]], template: Object
) -> Paths:
    """Return paths with the operations of added resources, which `documents` define.

    An added resource replaces the operation of the same method and path, as it does
    when it is called; the last of several wins. Operation ids stay unique.
    """
    by_shape = {_shape(path): path for path in paths if path.startswith(f"{HUB}/")}
    added: dict[tuple[str, str], Object] = {}
    for document in documents:
        if path := _path(document):
            # OpenAPI allows one path of a shape: {id} and {productId} are the same.
            path = by_shape.setdefault(_shape(path), path)
            method = str(document["method"]).lower()
            added[path, method] = _operation(document, method, path, template)
    result = {
        path: {m: each for m, each in item.items() if (path, m) not in added}
        for path, item in paths.items()
    }
    used = {each["operationId"] for item in result.values() for each in item.values()}
    for (path, method), operation in added.items():
        name, number = operation["operationId"], 1
        while operation["operationId"] in used:
            number += 1
            operation["operationId"] = f"{name}{number}"
        used.add(operation["operationId"])
        # Paths with added operations come last, and so does their tag.
        result[path] = {**result.pop(path, {}), method: operation}
    return result


def _shape(path: str) -> str:
    return _BRACES.sub("{}", path)


def _path(document: Mapping[str, JSON]) -> str:
    """Return the path of an added resource; empty where a document cannot have it."""
    segments = path_segments(document)
    braced = [segment for segment in segments if re.search("[{}<>]", segment)]
    if not segments or not all(map(placeholder, braced)):
        return ""
    return "/".join([HUB, *segments])


def _operation(
    document: Mapping[str, JSON], method: str, path: str, template: Object
) -> Object:
    declared = list(declarations(document))
    responses = {**template["responses"]}
    operation = {
        **template,
        "operationId": _operation_id(document, method, path.removeprefix(HUB)),
        "summary": str(document.get("description") or "Call Autotask"),
        "parameters": [*_path_parameters(path), *_parameters(declared)],
        "responses": responses,
    }
    form = _body(declared, "form")
    if body := form or _body(declared, "body"):
        operation["requestBody"] = {
            "required": "required" in body,
            "content": {FORM_MEDIA if form else JSON_MEDIA: {"schema": body}},
        }
    else:
        del responses["413"]
    # No member of the model is certain: the vendor may leave any of them out.
    schema = model_schema(document.get("model"))
    if schema := {name: value for name, value in schema.items() if name != "required"}:
        content = {JSON_MEDIA: {"schema": schema}}
        responses["200"] = {**responses["200"], "content": content}
    return operation


def _operation_id(document: Mapping[str, JSON], method: str, path: str) -> str:
    given = document.get("operationId")
    parts = _SEPARATOR.split(str(given or f"{method} {path}").strip())
    name = parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])
    return name or f"callResource{document['id']}"


def _path_parameters(path: str) -> Iterator[Object]:
    for braced in _BRACES.findall(path):
        yield {
            "name": braced[1:-1],
            "in": "path",
            "description": f"Value for `{braced}` in the path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }


def _parameters(declared: Sequence[ParameterSpec]) -> Iterator[Object]:
    """Yield the parameters that a caller sends; constants are not among them."""
    seen: set[tuple[str, str]] = set()
    for each in declared:
        # Names of headers are compared as HTTP compares them.
        name = each.name.lower() if each.kind == "header" else each.name
        valid = each.kind in {"query", "header"} and name not in _RESERVED_HEADERS
        if valid and (each.kind, name) not in seen:
            seen.add((each.kind, name))
            yield {
                "name": each.name,
                "in": each.kind,
                "description": each.description or each.name,
                "required": each.required,
                "schema": text(),
            }


def _body(declared: Sequence[ParameterSpec], kind: str) -> dict[str, JSON] | None:
    """Return the schema of the body that parameters of a kind make, None without any.

    A name that is declared twice is required if one declaration says so.
    """
    chosen = [each for each in declared if each.kind == kind]
    members = {each.name: text(each.description) for each in chosen}
    required = {each.name for each in chosen if each.required}
    return obj(members, filter(required.__contains__, members)) if members else None
