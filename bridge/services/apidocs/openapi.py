"""Operations and schemas written as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge import __version__
from bridge.services.apidocs import parameters
from bridge.services.apidocs.examples import example_of
from bridge.services.apidocs.model import Access, Operation, Parameter
from bridge.services.apidocs.schema import Schema, obj, reachable, ref, text
from bridge.services.apidocs.statuses import (
    HEADERS,
    LISTING,
    NUMBERS,
    SUCCESS,
    failures,
)
from bridge.types import JSON

_SECRETS = "organizationSecrets"
_TOKEN = "elementToken"  # noqa: S105 - a name
_BEARER = "bearerToken"
_SECURITY: dict[Access, list[JSON]] = {
    Access.ANYBODY: [],
    Access.OPEN: [{}, {_SECRETS: []}],
    Access.BEARER: [{_BEARER: []}],
    Access.USER: [{_SECRETS: []}, {_BEARER: []}],
    Access.TOKEN: [{_TOKEN: []}],
}
_SCHEMES: Schema = {
    _SECRETS: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`User <secret>, Organization <secret>`",
    },
    _TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`User <secret>, Organization <secret>, Element <token>`; "
        "Organization may be left out",
    },
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `POST /authentication`",
    },
}
ERROR = obj(
    {"requestId": text(), "message": text()},
    {"providerMessage": text("What Autotask said")},
)


def write_openapi(  # noqa: PLR0913 - what a document consists of, by name
    *,
    title: str,
    description: str,
    server: str,
    hub: str,
    operations: Iterable[Operation],
    schemas: Mapping[str, Schema],
    strict: bool,
) -> dict[str, JSON]:
    """Return the document. `server` is the base URL; hub operations stand in `hub`.

    `strict` says that the statuses are answered which an operator may opt for.
    """
    operations = [*operations]
    paths: dict[str, dict[str, JSON]] = {}
    for operation in operations:
        path = f"/hubs/{hub}{operation.path}" if operation.hub else operation.path
        methods = paths.setdefault(path, {})
        methods[operation.method.lower()] = _operation(operation, strict=strict)
    used: JSON = [{**methods} for methods in paths.values()]
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": description},
        "servers": [{"url": server}],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in operations)],
        "paths": {**paths},
        "components": {
            "securitySchemes": _SCHEMES,
            "headers": {name: _header(name) for name in HEADERS},
            "responses": {
                str(status): _failure(meaning)
                for status, meaning in failures(strict=strict).items()
            },
            "schemas": {"Error": ERROR, **reachable(used, schemas)},
        },
    }


def _operation(operation: Operation, *, strict: bool) -> JSON:
    statuses = failures(strict=strict, body=operation.body is not None)
    responses: dict[str, JSON] = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses
    }
    if not operation.refused:
        responses = {"200": _success(operation), **responses}
    written: dict[str, JSON] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "operationId": operation.id,
        "security": _SECURITY[operation.access],
        "parameters": [_parameter(each) for each in all_parameters(operation)],
        "responses": responses,
    }
    if operation.description:
        written["description"] = operation.description
    if operation.body is not None:
        written["requestBody"] = {
            "required": operation.body_required,
            "content": {media: _content(operation) for media in operation.consumes},
        }
    return written


def _content(operation: Operation) -> JSON:
    """Return the schema of a body, and a body to start from."""
    example = example_of(operation)
    content: dict[str, JSON] = {"schema": operation.body}
    if example is not None:
        content["example"] = {**example}
    return content


def all_parameters(operation: Operation) -> list[Parameter]:
    """Return the parameters of the path and of the operation."""
    named = [parameters.path(name) for name in operation.placeholders]
    return [*named, *operation.parameters]


def success_headers(operation: Operation) -> list[str]:
    """Return the names of the headers that a success may carry."""
    names = ["Elements-Request-Id"]
    if operation.hub:
        names += ["Elements-Element-Instance-Id", "Elements-Trace-Id"]
    return [*names, *(LISTING if operation.is_listing else ()), *operation.headers]


def _success(operation: Operation) -> JSON:
    headers: dict[str, JSON] = {
        name: {"$ref": f"#/components/headers/{name}"}
        for name in success_headers(operation)
    }
    written: dict[str, JSON] = {"description": SUCCESS, "headers": headers}
    if operation.answer is not None:
        written["content"] = {
            media: {"schema": operation.answer} for media in operation.media
        }
    return written


def _failure(meaning: str) -> JSON:
    name = "Elements-Request-Id"
    return {
        "description": meaning,
        "headers": {name: {"$ref": f"#/components/headers/{name}"}},
        "content": {"application/json": {"schema": ref("Error")}},
    }


def _header(name: str) -> JSON:
    return {
        "description": HEADERS[name],
        "required": name in {"Elements-Request-Id", "Elements-Returned-Count"},
        "schema": {"type": "integer" if name in NUMBERS else "string"},
    }


def _parameter(parameter: Parameter) -> JSON:
    written: dict[str, JSON] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }
    return written
