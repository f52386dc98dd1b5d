"""Metadata of one instance's tenant: asked of the vendor once, then cached.

The vendor is asked at most once in the metadata lifetime for each instance and
entity, whatever the number of processes; a stale row is still served while one
caller renews it, and to that caller as well when the vendor cannot be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic

from bridge.catalog.model import Resource
from bridge.errors import ProviderError
from bridge.services.compiled import CompiledCache, T
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.fields import (
    EntityFields,
    compile_fields,
    write_fields,
)
from bridge.store import metadata
from bridge.store.instances import Instance

_RENEWAL_S = 60.0


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How one row of metadata is asked for, and made into what processes work with.

    `row` names it among the rows of an instance; `compile` takes the row's payload,
    its content hash and when the vendor was asked.
    """

    row: str
    fetch: Callable[[Context, Instance], bytes]
    compile: Callable[[bytes, str, datetime], T]


def entity_fields(ctx: Context, instance: Instance, resource: Resource) -> EntityFields:
    """Return the fields of a resource's entity as this instance's tenant has them.

    No vendor call within the metadata lifetime, two when the row is missing or this
    caller renews it.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    return cached(ctx, ctx.fields, instance, resource.name, _fields_kind(resource))


def renew_fields(ctx: Context, instance: Instance, resource: Resource) -> EntityFields:
    """Ask the vendor, store the answer, return it compiled. Two vendor calls."""
    return _renew(ctx, ctx.fields, instance, resource.name, _fields_kind(resource))


def cached(
    ctx: Context,
    cache: CompiledCache[T],
    instance: Instance,
    name: str,
    kind: Kind[T],
) -> T:
    """Return metadata compiled; `name` is its place in this process's cache.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    now = ctx.clock()
    key = (instance.id, name)
    if found := cache.find(key, now):
        return found
    stamp = metadata.metadata_hash(ctx.database, instance.id, kind.row)
    if stamp is None:
        return _renew(ctx, cache, instance, name, kind)
    content_hash, fetched_at = stamp
    age = (now - fetched_at).total_seconds()
    if age > ctx.settings.metadata_lifetime_s and metadata.claim_refresh(
        ctx.database, instance.id, kind.row, now=now, ttl_s=_RENEWAL_S
    ):
        # An old row serves a caller better than no answer.
        with suppress(ProviderError):
            return _renew(ctx, cache, instance, name, kind)
    known = cache.peek(key)
    if known is None or known.content_hash != content_hash:
        row = metadata.read_metadata(ctx.database, instance.id, kind.row)
        if row is None:
            return _renew(ctx, cache, instance, name, kind)
        known = kind.compile(row.payload, row.content_hash, row.fetched_at)
    cache.keep(key, now, known)
    return known


def _renew(
    ctx: Context,
    cache: CompiledCache[T],
    instance: Instance,
    name: str,
    kind: Kind[T],
) -> T:
    payload = kind.fetch(ctx, instance)
    now = ctx.clock()
    content_hash = metadata.write_metadata(
        ctx.database, instance.id, kind.row, payload, fetched_at=now
    )
    compiled = kind.compile(payload, content_hash, now)
    cache.keep((instance.id, name), now, compiled)
    return compiled


def _fields_kind(resource: Resource) -> Kind[EntityFields]:
    return Kind(
        resource.entity,
        partial(_fetch_fields, resource.entity),
        partial(compile_fields, resource),
    )


def _fetch_fields(entity: str, ctx: Context, instance: Instance) -> bytes:
    return write_fields(open_backend(ctx, instance).fields(entity))
