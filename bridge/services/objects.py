"""Find the object that a path names: a resource, or a vendor entity by its own name.

A resource of the catalogue takes precedence. Names are compared without case.
Source: elements-api 1.3, 4.6 and 4.7.
"""

from __future__ import annotations

import re

from bridge.catalog.model import Resource, Verb
from bridge.errors import NotFoundError
from bridge.interfaces import Backend, EntityInfo
from bridge.services.context import Context
from bridge.services.entities import (
    EntityDirectory,
    compile_directory,
    write_directory,
)
from bridge.services.metadata import MetadataKind, TenantMetadata
from bridge.store.instances import Instance

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_ROW = ""
"""The name of the entity list's row; no entity has an empty name."""


def find_object(ctx: Context, instance: Instance, name: str) -> Resource:
    """Return the resource or entity that a caller names.

    No vendor call for a resource, nor while the list of entities is cached
    (`metadata`); else one.

    Raises:
        NotFoundError: no resource or entity has this name.
        ProviderError: the vendor call failed and nothing is cached.
    """
    element = ctx.elements[instance.element_key]
    resource = element.resources.get(name) or element.resources.get(name.lower())
    if resource is not None:
        return resource
    # Only a possible name of an entity is worth a vendor call.
    if _NAME.fullmatch(name):
        info = entity_directory(ctx, instance).by_name.get(name.lower())
        if info is not None:
            return element.native(info.name, _verbs(info))
    raise NotFoundError(f"No resource or object named {name[:100]}.")


def entity_directory(ctx: Context, instance: Instance) -> EntityDirectory:
    """Return the tenant's entities. No vendor call while cached, else one.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    return TenantMetadata(
        ctx, ctx.directories, instance, _ROW, _DIRECTORY, ctx.clock()
    ).get()


def _fetch(backend: Backend) -> bytes:
    return write_directory(backend.entities())


_DIRECTORY = MetadataKind(_ROW, _fetch, compile_directory)


def _verbs(info: EntityInfo) -> frozenset[Verb]:
    possible = {
        Verb.LIST: info.can_query,
        Verb.GET: info.can_query,
        Verb.CREATE: info.can_create,
        Verb.UPDATE: info.can_update,
        Verb.DELETE: info.can_delete,
    }
    return frozenset(verb for verb, can in possible.items() if can)
