"""The documents that describe the API, each for the caller who requests it.

A tenant's fields come from its cached metadata: two vendor calls for each entity that
is not cached, none with `basic`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge import __version__
from bridge.catalog.model import JSON, Element, Resource
from bridge.errors import (
    NotFoundError,
    ProviderForbiddenError,
    ProviderRejectedError,
)
from bridge.services import objects
from bridge.services.context import Context
from bridge.services.extended import extended
from bridge.services.instances.instances import find_element
from bridge.services.metadata import entity_fields
from bridge.services.openapi.address import Address
from bridge.services.openapi.definition import HUB, ApiDefinition, load_api
from bridge.services.openapi.extended_paths import add_extended_resources
from bridge.services.openapi.record_schemas import record_schemas
from bridge.services.openapi.resource_paths import resource_paths
from bridge.services.openapi.schema import (
    JSON_MEDIA,
    Components,
    Operation,
    Paths,
    Schema,
    referenced,
)
from bridge.services.openapi.swagger import inline, to_swagger
from bridge.services.records.shapes import FILTER_NULLS
from bridge.store.instances import Instance
from bridge.store.tenants import User

_VERSIONS = frozenset({"", "-1", "1", "api-v2"})


@dataclass(frozen=True, slots=True)
class DescriptionRequest:
    """What a caller wants described; see elements-api section 9.

    `instance` is the one whose tenant is described, `user` the one whose added
    resources are. `discovery` names user-defined fields, `basic` leaves out all fields,
    `resolve` puts definitions in place of references. `operation` is the only operation
    to describe, in either spelling. `gateway` adds the key of a gateway in front.
    """

    address: Address
    instance: Instance | None = None
    user: User | None = None
    discovery: bool = True
    basic: bool = False
    resolve: bool = False
    version: str = ""
    operation: str = ""
    gateway: bool = False


def describe_api(ctx: Context, request: DescriptionRequest) -> dict[str, JSON]:
    """Return the whole API as OpenAPI 3.1, with a tenant's fields or without.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    api = _api(ctx)
    # There is one element, and so one hub; the paths of another would be its own.
    element, title = next(iter(ctx.elements.values())), ""
    if request.instance is not None:
        element = ctx.elements[request.instance.element_key]
        title = f": {request.instance.name}"
    paths, components = _resources(ctx, request, element)
    paths = _with_extended(ctx, request, element, {**api.paths, **paths})
    tags = dict.fromkeys(
        tag for item in paths.values() for each in item.values() for tag in each["tags"]
    )
    used = referenced([*paths.values()], components)
    address, hub = request.address, f"/hubs/{element.hub['key']}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": element.name + title,
            "version": __version__,
            "description": api.description,
        },
        "servers": [
            {"url": f"{address.scheme}://{address.host}{address.base_path}"},
        ],
        "tags": [{"name": tag} for tag in tags],
        "paths": {path.replace(HUB, hub, 1): {**item} for path, item in paths.items()},
        "components": {
            "securitySchemes": components["securitySchemes"],
            **{kind: named for kind, named in used.items() if named},
        },
    }


def describe_element(
    ctx: Context, request: DescriptionRequest, key_or_id: str
) -> dict[str, JSON]:
    """Return an element as Swagger 2.0.

    Raises:
        NotFoundError: no such element, version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    element = find_element(ctx, key_or_id)
    return _element_document(ctx, request, element, _element_info(element))


def describe_instance(ctx: Context, request: DescriptionRequest) -> dict[str, JSON]:
    """Return the element of the requested instance as Swagger 2.0.

    Raises:
        NotFoundError: no instance, or no such version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    if request.instance is None:
        raise NotFoundError("No such path.")
    element = ctx.elements[request.instance.element_key]
    return _element_document(ctx, request, element, _element_info(element))


def instance_definitions(ctx: Context, request: DescriptionRequest) -> dict[str, JSON]:
    """Return the schemas that one operation refers to, by name.

    Raises:
        NotFoundError: no such version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    definitions = describe_instance(ctx, request)["definitions"]
    return definitions if isinstance(definitions, dict) else {}


def describe_hub(
    ctx: Context, request: DescriptionRequest, key: str
) -> dict[str, JSON]:
    """Return a hub as Swagger 2.0: the resources of its elements.

    Raises:
        NotFoundError: no such hub, version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    for element in ctx.elements.values():
        if element.hub["key"] == key:
            info = _info(key, {"x-element-hub": key})
            return _element_document(ctx, request, element, info)
    raise NotFoundError(f"No hub {key[:100]}.")


def describe_object(
    ctx: Context, request: DescriptionRequest, instance: Instance, object_name: str
) -> dict[str, JSON]:
    """Return a resource or an entity of a tenant as Swagger 2.0.

    Raises:
        NotFoundError: no such object, version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    api = _api(ctx)
    element = ctx.elements[instance.element_key]
    resource = objects.find_object(ctx, instance, object_name)
    schemas = _record_schemas(ctx, request, instance, resource)
    paths = resource_paths(api.resource_paths, resource, has_fields=bool(schemas))
    components = _with_schemas(api.components, schemas)
    return _swagger(request, _element_info(element), paths, components)


def _api(ctx: Context) -> ApiDefinition:
    return load_api(strict=ctx.settings.strict_status)


def _element_document(
    ctx: Context, request: DescriptionRequest, element: Element, info: Schema
) -> dict[str, JSON]:
    paths, components = _resources(ctx, request, element)
    paths |= _api(ctx).hub_paths
    paths = _with_extended(ctx, request, element, paths)
    return _swagger(request, info, paths, components)


def _resources(
    ctx: Context, request: DescriptionRequest, element: Element
) -> tuple[Paths, Components]:
    """Return the paths of an element's resources, and the components of any path.

    A resource that the tenant does not have is left out.
    """
    api, instance = _api(ctx), request.instance
    if instance is not None and instance.element_key != element.key:
        instance = None
    paths: Paths = {}
    schemas: dict[str, Schema] = {}
    for resource in element.resources.values():
        try:
            made = _record_schemas(ctx, request, instance, resource)
        except NotFoundError:
            continue
        schemas |= made
        paths |= resource_paths(api.resource_paths, resource, has_fields=bool(made))
    return paths, _with_schemas(api.components, schemas)


def _record_schemas(
    ctx: Context,
    request: DescriptionRequest,
    instance: Instance | None,
    resource: Resource,
) -> dict[str, Schema]:
    """Return the schemas of an object's records; none where fields are not known."""
    if instance is None or request.basic:
        return {}
    try:
        fields = entity_fields(ctx, instance, resource)
    except (ProviderForbiddenError, ProviderRejectedError):
        return {}
    nulls = instance.configuration.get(FILTER_NULLS, "true").lower() == "false"
    return record_schemas(fields, nulls=nulls, custom=request.discovery)


def _with_schemas(components: Components, schemas: dict[str, Schema]) -> Components:
    return {**components, "schemas": {**components["schemas"], **schemas}}


def _with_extended(
    ctx: Context, request: DescriptionRequest, element: Element, paths: Paths
) -> Paths:
    """Return paths with those that the caller's account added to the element."""
    added = extended.own_resources(ctx, request.user, element)
    return add_extended_resources(paths, added, _api(ctx).extended_operation)


def _swagger(
    request: DescriptionRequest, info: Schema, paths: Paths, components: Components
) -> dict[str, JSON]:
    """Return what the request selects of some paths as a Swagger document.

    Raises:
        NotFoundError: no such version or operation.
    """
    if request.version not in _VERSIONS:
        raise NotFoundError(
            f"No version {request.version[:40]} of this description; -1 is the latest."
        )
    if request.operation:
        paths = _only(paths, request.operation)
    if request.gateway:
        key = components["parameters"]["gatewayKey"]
        paths = {
            path: {method: _with_key(each, key) for method, each in item.items()}
            for path, item in paths.items()
        }
    converted = to_swagger(paths, components)
    definitions = converted["definitions"]
    if request.resolve and isinstance(definitions, dict):
        for part in ("paths", "definitions"):
            converted[part] = inline(converted[part], definitions)
    return {
        "swagger": "2.0",
        "info": info,
        "host": request.address.host,
        "basePath": request.address.base_path,
        "schemes": [request.address.scheme],
        "consumes": [JSON_MEDIA],
        "produces": [JSON_MEDIA],
        **converted,
    }


def _with_key(operation: Operation, key: Mapping[str, Any]) -> Operation:
    """Return an operation with the key of a gateway after the parameters of its path.

    Generated clients take arguments in the order of parameters, and so do their users.
    """
    given: Sequence[Any] = operation["parameters"]
    at = sum(each["in"] == "path" for each in given)
    return {**operation, "parameters": [*given[:at], key, *given[at:]]}


def _only(paths: Paths, name: str) -> Paths:
    """Return the operation of an id, or of the spelling `GET-contacts-id`.

    Braces and case do not count.

    Raises:
        NotFoundError: no operation has this name.
    """
    wanted = _unbraced(name).lower()
    for path, item in paths.items():
        for method, operation in item.items():
            spelling = method + _unbraced(path.removeprefix(HUB)).replace("/", "-")
            if wanted in (operation["operationId"].lower(), spelling.lower()):
                return {path: {method: operation}}
    raise NotFoundError(f"No operation {name[:100]}.")


def _unbraced(text: str) -> str:
    return text.replace("{", "").replace("}", "")


def _element_info(element: Element) -> Schema:
    return _info(
        element.key,
        {
            "x-element-id": element.id,
            "x-element-key": element.key,
            "x-element-name": element.name,
            "x-element-hub": element.hub["key"],
        },
    )


def _info(title: str, more: Schema) -> Schema:
    contact: JSON = {"email": "support@bridge.example"}
    return {"title": title, "version": "api-v2", "contact": contact, **more}
