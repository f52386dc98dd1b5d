"""Operations and schemas written as Swagger 2.0. Source: elements-api section 9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.errors import InvalidRequestError
from bridge.services.apidocs.examples import example_of
from bridge.services.apidocs.hub_room import RECORD
from bridge.services.apidocs.model import JSON_MEDIA, Operation, Parameter
from bridge.services.apidocs.openapi import ERROR, all_parameters, success_headers
from bridge.services.apidocs.schema import Schema, reachable, ref, references
from bridge.services.apidocs.statuses import HEADERS, NUMBERS, SUCCESS, failures
from bridge.types import JSON

_DEFINITIONS = "#/definitions/"
_AUTHORIZATION: JSON = {
    "name": "Authorization",
    "in": "header",
    "description": "`User <secret>, Organization <secret>, Element <token>`",
    "type": "string",
    "required": True,
}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_FORM = "multipart/form-data"
_FLAT = (
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


@dataclass(frozen=True, slots=True)
class Address:
    """Where the described API answers."""

    scheme: str
    host: str
    base_path: str

    @classmethod
    def read(cls, url: str, base_path: str) -> Address:
        """Return the address that a URL names; its own path goes before `base_path`.

        A URL that ends in `base_path` is taken as it is.

        Raises:
            InvalidRequestError: it is no http or https URL.
        """
        try:
            parts = urlsplit(url.strip())
            sound = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc)
        except ValueError:
            sound = None
        if not sound:
            raise InvalidRequestError("baseUrl must look like https://gw.example.")
        path = parts.path.rstrip("/").removesuffix(base_path)
        return cls(parts.scheme, parts.netloc, path + base_path)


def write_swagger(
    address: Address,
    info: Schema,
    operations: Iterable[Operation],
    schemas: Mapping[str, Schema],
    *,
    strict: bool,
) -> dict[str, JSON]:
    """Return the document; paths have no hub prefix."""
    operations = [*operations]
    paths: dict[str, dict[str, JSON]] = {}
    for operation in operations:
        methods = paths.setdefault(operation.path, {})
        methods[operation.method.lower()] = _operation(operation, strict=strict)
    used: JSON = [{**methods} for methods in paths.values()]
    named = {"Error": ERROR, **reachable(used, schemas)}
    definitions = {name: _schema(schema) for name, schema in named.items()}
    for operation in operations:
        _add_example(definitions, operation)
    return {
        "swagger": "2.0",
        "info": info,
        "host": address.host,
        "basePath": address.base_path,
        "schemes": [address.scheme],
        "consumes": [JSON_MEDIA],
        "produces": [JSON_MEDIA],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in operations)],
        "paths": {**paths},
        "definitions": {**definitions},
    }


def inline(part: JSON, definitions: Mapping[str, JSON]) -> JSON:
    """Return a part of a document with definitions where they are referred to.

    No schema of ours contains itself.
    """
    if isinstance(part, list):
        return [inline(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    target = part.get("$ref")
    if isinstance(target, str):
        return inline(definitions[target.removeprefix(_DEFINITIONS)], definitions)
    return {name: inline(item, definitions) for name, item in part.items()}


def _operation(operation: Operation, *, strict: bool) -> JSON:
    statuses = failures(strict=strict, body=operation.body is not None)
    responses: dict[str, JSON] = {
        str(status): {"description": meaning, "schema": _schema(ref("Error"))}
        for status, meaning in statuses.items()
    }
    parameters = [_AUTHORIZATION, *map(_parameter, all_parameters(operation))]
    parameters += _body(operation)
    written: dict[str, JSON] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "operationId": operation.id,
        "parameters": parameters,
        "responses": {"200": _success(operation), **responses},
    }
    if operation.description:
        written["description"] = operation.description
    if operation.media != (JSON_MEDIA,):
        written["produces"] = [*operation.media]
    if _FORM in operation.consumes:
        written["consumes"] = [_FORM]
    return written


def _add_example(definitions: Mapping[str, Schema], operation: Operation) -> None:
    """Add a body to start from to its definition: 2.0 has no other place for one.

    A definition that many operations share keeps none: it would suit one of them.
    """
    example = example_of(operation)
    name = next(references(operation.body), RECORD)
    if example is not None and name != RECORD:
        definitions[name]["example"] = {**example}


def _body(operation: Operation) -> list[JSON]:
    """Return the parameters that make the body; a form has one for each member."""
    if operation.body is None:
        return []
    members, needed = operation.body.get("properties"), operation.body.get("required")
    if _FORM in operation.consumes and isinstance(members, dict):
        fields = (
            Parameter(
                name,
                "formData",
                schema,
                str(schema.get("description") or name),
                required=isinstance(needed, list) and name in needed,
            )
            for name, schema in members.items()
            if isinstance(schema, dict)
        )
        return [_parameter(each) for each in fields]
    schema = _schema(operation.body)
    required = operation.body_required
    return [{"name": "body", "in": "body", "required": required, "schema": schema}]


def _success(operation: Operation) -> JSON:
    written: dict[str, JSON] = {
        "description": SUCCESS,
        "headers": {
            name: {
                "type": "integer" if name in NUMBERS else "string",
                "description": HEADERS[name],
            }
            for name in success_headers(operation)
        },
    }
    if operation.answer is not None:
        written["schema"] = _schema(operation.answer)
    return written


def _parameter(parameter: Parameter) -> JSON:
    """Return a parameter; what 3.1 says in its schema stands beside its name here."""
    schema = _schema(parameter.schema)
    if parameter.place == "formData" and schema.get("format") == "binary":
        schema = {"type": "file"}
    if schema.get("type") == "array":
        schema["collectionFormat"] = "multi"
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        **{name: schema[name] for name in _FLAT if name in schema},
    }


def _schema(schema: Schema) -> Schema:
    written = _dialect(schema)
    return written if isinstance(written, dict) else {}


def _dialect(part: JSON) -> JSON:
    """Return a piece of a 3.1 schema in the words of 2.0.

    It knows no null, hence `x-nullable`, and no alternatives, hence anything.
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
