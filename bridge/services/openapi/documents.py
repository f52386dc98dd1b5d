"""The documents that describe the API, each for the caller who requests it.

A tenant's fields come from its cached metadata: two vendor calls for each entity that
is not cached, none with `basic`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge import __version__
from bridge.catalog.model import Element, Resource
from bridge.errors import (
    NotFoundError,
    ProviderForbiddenError,
    ProviderRejectedError,
)
from bridge.services import objects
from bridge.services.context import Context
from bridge.services.extended_resources import resources
from bridge.services.openapi.address import Address
from bridge.services.openapi.definition import HUB, load_api
from bridge.services.openapi.extended_paths import add_extended_resources
from bridge.services.openapi.record_schemas import record_schemas
from bridge.services.openapi.resource_paths import resource_paths
from bridge.services.openapi.schema import JSON_MEDIA, Object, Paths, Schema
from bridge.services.openapi.swagger import inline, to_swagger
from bridge.services.records.mapping import map_resource
from bridge.services.records.serializer import shows_nulls
from bridge.store.instances import Instance
from bridge.store.organizations import User

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


def describe_api(ctx: Context, request: DescriptionRequest) -> Object:
    """Return the whole API as OpenAPI 3.1, with a tenant's fields or without.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    api, address = _api(ctx), request.address
    # There is one element, and so one hub; the paths of another would be its own.
    element, title = next(iter(ctx.elements.values())), ""
    if request.instance is not None:
        element = ctx.elements[request.instance.element_key]
        title = f": {request.instance.name}"
    paths, schemas = _paths(ctx, request, element, first=api["paths"])
    operations = [each for item in paths.values() for each in item.values()]
    tags = dict.fromkeys(tag for each in operations for tag in each["tags"])
    hub = f"/hubs/{element.hub['key']}"
    return {
        "openapi": api["openapi"],
        "info": {
            **api["info"],
            "title": element.name + title,
            "version": __version__,
        },
        "servers": [
            {"url": f"{address.scheme}://{address.host}{address.base_path}"},
        ],
        "tags": [{"name": tag} for tag in tags],
        "paths": {path.replace(HUB, hub, 1): item for path, item in paths.items()},
        "components": {**api["components"], "schemas": schemas},
    }


def describe_element(
    ctx: Context, request: DescriptionRequest, element: Element
) -> Object:
    """Return an element as Swagger 2.0.

    Raises:
        NotFoundError: no such version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    info = _element_info(element)
    return _swagger(ctx, request, info, *_hub_paths(ctx, request, element))


def describe_hub(ctx: Context, request: DescriptionRequest, key: str) -> Object:
    """Return a hub as Swagger 2.0: the resources of its elements.

    Raises:
        NotFoundError: no such hub, version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    for element in ctx.elements.values():
        if element.hub["key"] == key:
            info = _info(key, {"x-element-hub": key})
            return _swagger(ctx, request, info, *_hub_paths(ctx, request, element))
    raise NotFoundError(f"No hub {key[:100]}.")


def describe_object(
    ctx: Context, request: DescriptionRequest, instance: Instance, object_name: str
) -> Object:
    """Return a resource or an entity of a tenant as Swagger 2.0.

    Raises:
        NotFoundError: no such object, version or operation.
        ProviderError: the vendor call failed and nothing is cached.
    """
    api, info = _api(ctx), _element_info(ctx.elements[instance.element_key])
    resource = objects.find_object(ctx, instance, object_name)
    made = _record_schemas(ctx, request, instance, resource)
    paths = resource_paths(api["x-resource-paths"], resource, has_fields=bool(made))
    schemas = {**api["components"]["schemas"], **made}
    return _swagger(ctx, request, info, paths, schemas)


def _api(ctx: Context) -> Object:
    return load_api(strict=ctx.settings.strict_status)


def _hub_paths(
    ctx: Context, request: DescriptionRequest, element: Element
) -> tuple[Paths, Object]:
    """Return what `_paths` does, without the paths outside of the hub."""
    paths = _api(ctx)["paths"].items()
    hub = {path: item for path, item in paths if path.startswith(f"{HUB}/")}
    return _paths(ctx, request, element, last=hub)


def _paths(
    ctx: Context,
    request: DescriptionRequest,
    element: Element,
    *,
    first: Paths | None = None,
    last: Paths | None = None,
) -> tuple[Paths, Object]:
    """Return paths and schemas of an element, with what the caller's account added.

    The paths of its resources stand after `first` and before `last`. A resource that
    the tenant does not have is left out.
    """
    api, instance = _api(ctx), request.instance
    # The token may be of an instance of another element than the one described.
    if instance is not None and instance.element_key != element.key:
        instance = None
    paths = {**(first or {})}
    schemas = {**api["components"]["schemas"]}
    for resource in element.resources.values():
        try:
            made = _record_schemas(ctx, request, instance, resource)
        except NotFoundError:
            continue
        schemas |= made
        paths |= resource_paths(
            api["x-resource-paths"], resource, has_fields=bool(made)
        )
    paths |= last or {}
    added = resources.list_own_resources(ctx, request.user, element)
    return add_extended_resources(paths, added, api["x-extended-operation"]), schemas


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
        fields = map_resource(ctx, instance, resource).metadata.get()
    except (ProviderForbiddenError, ProviderRejectedError):
        # The API user may not see this entity; the other resources are described still.
        return {}
    nulls = shows_nulls(instance)
    return record_schemas(fields, nulls=nulls, custom=request.discovery)


def _swagger(
    ctx: Context,
    request: DescriptionRequest,
    info: Schema,
    paths: Paths,
    schemas: Object,
) -> Object:
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
    api, address = _api(ctx), request.address
    key = api["x-gateway-key"] if request.gateway else None
    converted = to_swagger(paths, {**api["components"], "schemas": schemas}, key=key)
    if request.resolve:
        converted = inline(converted, converted["definitions"])
    return {
        "swagger": "2.0",
        "info": info,
        "host": address.host,
        "basePath": address.base_path,
        "schemes": [address.scheme],
        "consumes": [JSON_MEDIA],
        "produces": [JSON_MEDIA],
        **converted,
    }


def _only(paths: Paths, name: str) -> Paths:
    """Return the operation of an id, or of the spelling `GET-contacts-id`.

    Braces and case do not count.

    Raises:
        NotFoundError: no operation has this name.
    """
    braces = str.maketrans("", "", "{}")
    wanted = name.translate(braces).lower()
    for path, item in paths.items():
        for method, operation in item.items():
            spelling = method + path.removeprefix(HUB).replace("/", "-")
            names = (operation["operationId"], spelling.translate(braces))
            if wanted in map(str.lower, names):
                return {path: {method: operation}}
    raise NotFoundError(f"No operation {name[:100]}.")


def _element_info(element: Element) -> Schema:
    extensions: Schema = {
        "x-element-id": element.id,
        "x-element-key": element.key,
        "x-element-name": element.name,
        "x-element-hub": element.hub["key"],
    }
    return _info(element.key, extensions)


def _info(title: str, extensions: Schema) -> Schema:
    return {
        "title": title,
        "version": "api-v2",
        "contact": {"email": "support@bridge.example"},
        **extensions,
    }
