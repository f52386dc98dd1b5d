"""Metadata of one instance's tenant: asked of the vendor once, then cached.

The vendor is asked at most once in the metadata lifetime for each instance and
entity, whatever the number of processes. A row past its lifetime is served while one
process renews it behind the answer, for which no caller waits; only one that is many
lifetimes old is renewed first, and even that serves when the vendor cannot be asked.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from bridge.catalog.model import Resource
from bridge.errors import BridgeError, ProviderError
from bridge.interfaces import Backend, Priority
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

D = TypeVar("D")

_RENEWAL_S = 60.0
_LIFETIMES = 24
"""How old a row may be to be served before it is renewed."""
_DOUBTED = timedelta(minutes=10)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How one row of metadata is asked for, and made into what processes work with.

    `row` names it among the rows of an instance; `compile` takes the row's payload,
    its content hash and when the vendor was asked.
    """

    row: str
    fetch: Callable[[Backend], bytes]
    compile: Callable[[bytes, str, datetime], T]


@dataclass(frozen=True, slots=True)
class _Place(Generic[T]):
    """Where one instance's metadata of a kind is kept, and how it is renewed."""

    ctx: Context
    cache: CompiledCache[T]
    instance: Instance
    name: str
    kind: Kind[T]

    def find(self) -> T:
        ctx, now = self.ctx, self.ctx.clock()
        if found := self.cache.find((self.instance.id, self.name), now):
            return found
        stamp = metadata.metadata_hash(ctx.database, self.instance.id, self.kind.row)
        if stamp is None:
            return self.renew()
        age_s = (now - stamp[1]).total_seconds()
        if age_s > ctx.settings.metadata_lifetime_s and metadata.claim_refresh(
            ctx.database, self.instance.id, self.kind.row, now=now, ttl_s=_RENEWAL_S
        ):
            if age_s <= ctx.settings.metadata_lifetime_s * _LIFETIMES:
                self.renew_behind()
            else:
                # An old row serves a caller better than no answer.
                with suppress(ProviderError):
                    return self.renew()
        return self.load(*stamp, now)

    def load(self, content_hash: str, fetched_at: datetime, now: datetime) -> T:
        """Return the stored row, compiled anew only when it is not the one known."""
        key = (self.instance.id, self.name)
        known = self.cache.peek(key)
        if known is None or (known.content_hash, known.fetched_at) != (
            content_hash,
            fetched_at,
        ):
            row = metadata.read_metadata(
                self.ctx.database, self.instance.id, self.kind.row
            )
            if row is None:
                return self.renew()
            known = self.kind.compile(row.payload, row.content_hash, row.fetched_at)
        self.cache.keep(key, now, known)
        return known

    def renew(self, priority: Priority = Priority.INTERACTIVE) -> T:
        ctx, instance = self.ctx, self.instance
        payload = self.kind.fetch(open_backend(ctx, instance, priority=priority))
        now = ctx.clock()
        content_hash = metadata.write_metadata(
            ctx.database, instance.id, self.kind.row, payload, fetched_at=now
        )
        compiled = self.kind.compile(payload, content_hash, now)
        self.cache.keep((instance.id, self.name), now, compiled)
        return compiled

    def renew_behind(self) -> None:
        """Renew in a thread of its own; if it fails, another is tried in a minute."""

        def renew() -> None:
            try:
                self.renew(Priority.POLLING)
            except BridgeError as error:
                _log.warning(
                    "metadata of instance %s is not renewed, %s: %s",
                    self.instance.id,
                    self.name or "its entities",
                    error.message,
                )

        threading.Thread(target=renew, name="metadata", daemon=True).start()


def entity_fields(ctx: Context, instance: Instance, resource: Resource) -> EntityFields:
    """Return the fields of a resource's entity as this instance's tenant has them.

    No vendor call but two when no row is stored, or only a very old one.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    return _fields(ctx, instance, resource).find()


def read_with_fields(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    read: Callable[[EntityFields], D],
    in_doubt: Callable[[D], bool],
) -> tuple[EntityFields, D]:
    """Return what `read` makes of the fields, and these.

    It reads again with newer ones when it is in doubt about a picklist value and those
    it was given are more than ten minutes old. Vendor calls as `entity_fields`, and
    two when no process has asked within these ten minutes.

    Raises:
        ProviderError: the vendor could not be asked.
    """
    fields = entity_fields(ctx, instance, resource)
    found = read(fields)
    if in_doubt(found):
        newer = _newer_fields(ctx, instance, resource, fields)
        if newer is not fields:
            return newer, read(newer)
    return fields, found


def _newer_fields(
    ctx: Context, instance: Instance, resource: Resource, known: EntityFields
) -> EntityFields:
    place, now = _fields(ctx, instance, resource), ctx.clock()
    if now - known.fetched_at <= _DOUBTED:
        return known
    stamp = metadata.metadata_hash(ctx.database, instance.id, resource.entity)
    if stamp is None or now - stamp[1] > _DOUBTED:
        return place.renew()
    return place.load(*stamp, now)


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
    return _Place(ctx, cache, instance, name, kind).find()


def _fields(
    ctx: Context, instance: Instance, resource: Resource
) -> _Place[EntityFields]:
    kind = Kind(
        resource.entity,
        partial(_fetch_fields, resource.entity),
        partial(compile_fields, resource),
    )
    return _Place(ctx, ctx.fields, instance, resource.name, kind)


def _fetch_fields(entity: str, backend: Backend) -> bytes:
    return write_fields(backend.fields(entity))
