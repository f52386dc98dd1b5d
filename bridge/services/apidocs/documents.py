"""Which operations and schemas a description holds, for whom it is made.

What is not served is not described. A tenant's fields come from its cached metadata:
two vendor calls for each entity that is not cached, none with `basic`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridge.catalog.model import Element, Resource
from bridge.errors import (
    NotFoundError,
    ProviderForbiddenError,
    ProviderRejectedError,
)
from bridge.services import objects
from bridge.services.apidocs import (
    element_room,
    extended_room,
    files_room,
    hub_room,
    platform,
    swagger,
    tenancy_room,
    usage_operations,
)
from bridge.services.apidocs.model import Operation, Routes
from bridge.services.apidocs.openapi import write_openapi
from bridge.services.apidocs.parameters import API_KEY
from bridge.services.apidocs.record_schemas import RecordSchemas, record_schemas
from bridge.services.apidocs.schema import Schema
from bridge.services.apidocs.swagger import Address, write_swagger
from bridge.services.context import Context
from bridge.services.extended_resources import resources
from bridge.services.instances.lifecycle import find_element
from bridge.services.metadata import entity_fields
from bridge.services.records.serializer import FILTER_NULLS
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.types import JSON

SCHEMAS: dict[str, Schema] = {
    **element_room.SCHEMAS,
    **platform.SCHEMAS,
    **tenancy_room.SCHEMAS,
    **usage_operations.SCHEMAS,
    **extended_room.SCHEMAS,
    **hub_room.SCHEMAS,
}
_VERSIONS = frozenset({"", "-1", "1", "api-v2"})
_ABOUT = (
    "Records, instances and elements behind one address. Every failure has the same "
    "body. Unknown parameters and members are ignored; values are read in more "
    "spellings than are described here. Hub paths are served without `/hubs/{hub}` "
    "as well."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants described; see elements-api section 9.

    `routes` is what the application serves, `address` where. `instance` is whose
    tenant is described, `user` whose resources. `operation` names one operation; an
    empty text means all. `gateway` tells that one stands in front, with a key of its
    own.
    """

    routes: Routes
    address: Address
    instance: Instance | None = None
    user: User | None = None
    discovery: bool = True
    basic: bool = False
    resolve: bool = False
    version: str = ""
    operation: str = ""
    gateway: bool = False


def fixed_rooms() -> list[Operation]:
    """Return all operations that do not depend on element or tenant."""
    return [
        *platform.operations(),
        *tenancy_room.operations(),
        *usage_operations.operations(),
        *element_room.operations(),
        *extended_room.operations(),
        *_hub_rooms(),
    ]


def _hub_rooms() -> list[Operation]:
    return [
        *hub_room.fixed_operations(),
        *hub_room.object_operations(),
        *files_room.operations(),
    ]


def describe_api(ctx: Context, wish: Wish) -> dict[str, JSON]:
    """Return the whole API as OpenAPI 3.1, with a tenant's fields or generically.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    # There is one element, and so one hub; the paths of another would be its own.
    element, title = next(iter(ctx.elements.values())), ""
    if wish.instance is not None:
        element = ctx.elements[wish.instance.element_key]
        title = f": {wish.instance.name}"
    operations, schemas = _resources(ctx, wish, element)
    return write_openapi(
        title=element.name + title,
        description=_ABOUT,
        server=f"{wish.address.scheme}://{wish.address.host}{wish.address.base_path}",
        hub=str(element.hub["key"]),
        operations=_shown(ctx, wish, element, [*fixed_rooms(), *operations]),
        schemas=schemas,
        strict=ctx.settings.strict_status,
    )


def describe_element(ctx: Context, wish: Wish, key_or_id: str) -> dict[str, JSON]:
    """Return an element as Swagger 2.0.

    Raises:
        NotFoundError: no such element, version or operation.
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    element = find_element(ctx, key_or_id)
    return _element_document(ctx, wish, element, _element_info(element))


def describe_instance(ctx: Context, wish: Wish) -> dict[str, JSON]:
    """Return the element of the wish's instance as Swagger 2.0.

    Raises:
        NotFoundError: no such version or operation.
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    element = _element_of(ctx, wish)
    return _element_document(ctx, wish, element, _element_info(element))


def instance_definitions(ctx: Context, wish: Wish) -> dict[str, JSON]:
    """Return what one operation's schemas refer to, by name.

    Raises:
        NotFoundError: no such version or operation.
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    definitions = describe_instance(ctx, wish)["definitions"]
    return definitions if isinstance(definitions, dict) else {}


def describe_hub(ctx: Context, wish: Wish, key: str) -> dict[str, JSON]:
    """Return a hub as Swagger 2.0: the resources of its elements.

    Raises:
        NotFoundError: no such hub, version or operation.
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    for element in ctx.elements.values():
        if element.hub["key"] == key:
            info = _info(key, {"x-element-hub": key})
            return _element_document(ctx, wish, element, info)
    raise NotFoundError(f"No hub {key[:100]}.")


def describe_object(
    ctx: Context, wish: Wish, instance: Instance, object_name: str
) -> dict[str, JSON]:
    """Return a resource or an entity of a tenant as Swagger 2.0.

    Raises:
        NotFoundError: no such object, version or operation.
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    element = ctx.elements[instance.element_key]
    resource = objects.find_object(ctx, instance, object_name)
    made = _record_schemas(ctx, wish, instance, resource)
    operations = hub_room.resource_operations(resource, made.shapes)
    schemas = {**SCHEMAS, **made.named}
    return _write(ctx, wish, _element_info(element), _served(wish, operations), schemas)


def _element_document(
    ctx: Context, wish: Wish, element: Element, info: Schema
) -> dict[str, JSON]:
    operations, schemas = _resources(ctx, wish, element)
    every = _shown(ctx, wish, element, [*operations, *_hub_rooms()])
    return _write(ctx, wish, info, every, schemas)


def _element_of(ctx: Context, wish: Wish) -> Element:
    """Return the element of the instance that is described.

    Raises:
        NotFoundError: none is.
    """
    if wish.instance is None:
        raise NotFoundError("No such path.")
    return ctx.elements[wish.instance.element_key]


def _write(
    ctx: Context,
    wish: Wish,
    info: Schema,
    operations: Sequence[Operation],
    schemas: dict[str, Schema],
) -> dict[str, JSON]:
    if wish.version not in _VERSIONS:
        raise NotFoundError(
            f"No version {wish.version[:40]} of this description; -1 is the latest."
        )
    shown = _chosen(operations, wish.operation)
    if wish.gateway:
        shown = [replace(o, parameters=(API_KEY, *o.parameters)) for o in shown]
    document = write_swagger(
        wish.address, info, shown, schemas, strict=ctx.settings.strict_status
    )
    if wish.resolve:
        definitions = document["definitions"]
        named = definitions if isinstance(definitions, dict) else {}
        for part in ("paths", "definitions"):
            document[part] = swagger.inline(document[part], named)
    return document


def _resources(
    ctx: Context, wish: Wish, element: Element
) -> tuple[list[Operation], dict[str, Schema]]:
    """Return the operations on an element's resources, and all schemas there are.

    A resource that the tenant has not is left out.
    """
    operations: list[Operation] = []
    schemas = {**SCHEMAS}
    instance = wish.instance
    if instance is not None and instance.element_key != element.key:
        instance = None
    for resource in element.resources.values():
        if instance is None:
            operations += hub_room.resource_operations(resource)
            continue
        try:
            made = _record_schemas(ctx, wish, instance, resource)
        except NotFoundError:
            continue
        schemas |= made.named
        operations += hub_room.resource_operations(resource, made.shapes)
    return operations, schemas


def _record_schemas(
    ctx: Context, wish: Wish, instance: Instance, resource: Resource
) -> RecordSchemas:
    """Return what an object's records look like; anything where nobody may know."""
    generic = RecordSchemas({}, hub_room.ANY)
    if wish.basic:
        return generic
    try:
        fields = entity_fields(ctx, instance, resource)
    except (ProviderForbiddenError, ProviderRejectedError):
        return generic
    nulls = instance.configuration.get(FILTER_NULLS, "true").lower() == "false"
    return record_schemas(fields, nulls=nulls, custom=wish.discovery)


def _shown(
    ctx: Context, wish: Wish, element: Element, operations: Iterable[Operation]
) -> list[Operation]:
    """Return what is served, and what the caller's account added to the element."""
    own = resources.list_own_resources(ctx, wish.user, element)
    return extended_room.with_own(_served(wish, operations), own)


def _served(wish: Wish, operations: Iterable[Operation]) -> list[Operation]:
    return [each for each in operations if each.is_served(wish.routes)]


def _chosen(operations: Sequence[Operation], name: str) -> list[Operation]:
    """Return all operations, or the one that is called or spelt so, braces or not.

    Raises:
        NotFoundError: there is none.
    """
    if not name:
        return [*operations]
    wanted = _unbraced(name).lower()
    for operation in operations:
        if wanted in (operation.id.lower(), _spelt(operation).lower()):
            return [operation]
    raise NotFoundError(f"No operation {name[:100]}.")


def _spelt(operation: Operation) -> str:
    """Return an operation in the other spelling, as `GET-contacts-id`."""
    return operation.method + _unbraced(operation.path).replace("/", "-")


def _unbraced(text: str) -> str:
    return text.replace("{", "").replace("}", "")


def _element_info(element: Element) -> Schema:
    named: Schema = {
        "x-element-id": element.id,
        "x-element-key": element.key,
        "x-element-name": element.name,
        "x-element-hub": element.hub["key"],
    }
    return _info(element.key, named)


def _info(title: str, more: Schema) -> Schema:
    contact: JSON = {"email": "support@bridge.example"}
    return {"title": title, "version": "api-v2", "contact": contact, **more}
