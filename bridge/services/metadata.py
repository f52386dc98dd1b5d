"""Metadata of one instance's tenant, cached in the database and in the process.

All processes together fetch it from the vendor at most once in the cache's TTL for
each instance and entity. An expired row is served while one process refreshes it in
the background. A row that is many TTLs old is refreshed before it is used, and served
only if the vendor call fails.

A name or a picklist value that the cache does not have may be newer than the cache.
For such a doubt all processes together refresh the metadata at most once in 60 s for
each instance and entity, however old the row is; in between, requests are validated
against the newest row that any process has stored. Source: elements-api, appendix E,
4.3.
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
from bridge.errors import BridgeError, ConflictError, ProviderError
from bridge.interfaces import Backend, Priority
from bridge.services.context import Context
from bridge.services.credentials import open_backend
from bridge.services.fields import (
    EntityFields,
    compile_fields,
    write_fields,
)
from bridge.services.locks import record_lock
from bridge.services.metadata_cache import MetadataCache, T
from bridge.store.caches import stored_metadata
from bridge.store.instances import Instance

D = TypeVar("D")

_REFRESH_CLAIM_S = 60.0
_MAX_STALE_TTLS = 24
"""The age, in TTLs, up to which a row is served before it is refreshed."""
_DOUBT_INTERVAL_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetadataKind(Generic[T]):
    """How one row of metadata is fetched, and compiled for use in a process.

    `row` is its name among the rows of an instance; `compile` takes the row's payload,
    its content hash and the time of the vendor call.
    """

    row: str
    fetch: Callable[[Backend], bytes]
    compile: Callable[[bytes, str, datetime], T]


@dataclass(frozen=True, slots=True)
class _CachedMetadata(Generic[T]):
    """One kind of metadata of one instance, with its caches and its refresh."""

    ctx: Context
    cache: MetadataCache[T]
    instance: Instance
    name: str
    kind: MetadataKind[T]

    def find_known(self) -> T | None:
        """Return what this process compared with the database a moment ago."""
        return self.cache.get((self.instance.id, self.name), self.ctx.clock())

    def get(self) -> T:
        """Return the metadata; vendor calls only without a row, or with a very old one.

        Raises:
            ProviderError: the vendor call failed and no row is stored.
        """
        ctx, now = self.ctx, self.ctx.clock()
        if found := self.find_known():
            return found
        stamp = stored_metadata.metadata_hash(
            ctx.database, self.instance.id, self.kind.row
        )
        if stamp is None:
            return self.refresh()
        age_s = (now - stamp[1]).total_seconds()
        # The claim lets one process of all refresh.
        if age_s > ctx.settings.metadata_cache_ttl_s and stored_metadata.claim_refresh(
            ctx.database,
            self.instance.id,
            self.kind.row,
            now=now,
            ttl_s=_REFRESH_CLAIM_S,
        ):
            if age_s <= ctx.settings.metadata_cache_ttl_s * _MAX_STALE_TTLS:
                self.refresh_in_background()
            else:
                # An old row serves a caller better than an error.
                with suppress(ProviderError):
                    return self.refresh()
        return self.load(*stamp, now)

    def find_at_hand(self, in_doubt: Callable[[T], bool]) -> T | None:
        """Return what `get` and `resolve_doubt` do; None if they call the vendor.

        `in_doubt` was called last with what is returned.
        """
        known = self.find_known()
        if known is None:
            ctx, row = self.ctx, self.kind.row
            stamp = stored_metadata.metadata_hash(ctx.database, self.instance.id, row)
            if stamp is None:
                return None
            age_s = (ctx.clock() - stamp[1]).total_seconds()
            if age_s > ctx.settings.metadata_cache_ttl_s * _MAX_STALE_TTLS:
                return None
            known = self.get()
        if not in_doubt(known):
            return known
        newer = self.find_stored() or known
        return None if in_doubt(newer) and not self._was_resolved(newer) else newer

    def find_stored(self) -> T | None:
        """Return the newest row that any process has stored; no vendor call."""
        stamp = stored_metadata.metadata_hash(
            self.ctx.database, self.instance.id, self.kind.row
        )
        return None if stamp is None else self.load(*stamp, self.ctx.clock())

    def find_recent(self) -> T:
        """Return a row that is less than a minute old, an older one if that fails.

        Does not wait for another process that is refreshing the row.
        """
        ctx, now, stored = self.ctx, self.ctx.clock(), self.find_stored()
        if stored is None:
            return self.refresh()
        is_old = now - stored.fetched_at > timedelta(seconds=_DOUBT_INTERVAL_S)
        if is_old and stored_metadata.claim_refresh(
            ctx.database,
            self.instance.id,
            self.kind.row,
            now=now,
            ttl_s=_REFRESH_CLAIM_S,
        ):
            with suppress(ProviderError):
                return self.refresh()
        return stored

    def resolve_doubt(
        self, known: T, in_doubt: Callable[[T], bool], since: datetime
    ) -> T:
        """Return newer metadata if `known` leaves a doubt and newer metadata exists.

        Concurrent requests in doubt wait for a single refresh. A row that was fetched
        after `since`, the begin of the request, is not refreshed again.
        """
        # The process cache may be seconds behind what another process stored.
        known = self.find_stored() or known
        if not in_doubt(known) or known.fetched_at >= since:
            return known
        if self._was_resolved(known):
            return known
        ctx = self.ctx
        with (
            # Waiting for the lock has a limit; then the known metadata decides.
            suppress(ConflictError),
            record_lock(ctx, f"metadata/{self.instance.id}/{self.kind.row}"),
        ):
            newer = self.find_stored()
            # Another process refreshed the row while this one waited for the lock.
            if newer is not None and newer.fetched_at > known.fetched_at:
                return newer
            if stored_metadata.claim_refresh(
                ctx.database,
                self.instance.id,
                self._doubt,
                now=ctx.clock(),
                ttl_s=_DOUBT_INTERVAL_S,
            ):
                return self.refresh()
        return known

    def _was_resolved(self, known: T) -> bool:
        """Return whether a doubt had this row fetched less than a minute ago."""
        until = stored_metadata.find_claim(
            self.ctx.database, self.instance.id, self._doubt
        )
        if until is None or until <= self.ctx.clock():
            return False
        return known.fetched_at >= until - timedelta(seconds=_DOUBT_INTERVAL_S)

    @property
    def _doubt(self) -> str:
        """The name of an empty row, whose claim limits how often doubts are resolved.

        No entity has a name with a question mark.
        """
        return f"{self.kind.row}?"

    def load(self, content_hash: str, fetched_at: datetime, now: datetime) -> T:
        """Return the stored row, compiled only when this process has another one."""
        key = (self.instance.id, self.name)
        known = self.cache.get_any_age(key)
        if known is None or (known.content_hash, known.fetched_at) != (
            content_hash,
            fetched_at,
        ):
            row = stored_metadata.read_metadata(
                self.ctx.database, self.instance.id, self.kind.row
            )
            if row is None:
                return self.refresh()
            known = self.kind.compile(row.payload, row.content_hash, row.fetched_at)
        self.cache.put(key, now, known)
        return known

    def refresh(self, priority: Priority = Priority.INTERACTIVE) -> T:
        """Fetch the metadata and store it. Vendor calls as the kind's `fetch`."""
        ctx, instance = self.ctx, self.instance
        payload = self.kind.fetch(open_backend(ctx, instance, priority=priority))
        now = ctx.clock()
        content_hash = stored_metadata.write_metadata(
            ctx.database, instance.id, self.kind.row, payload, fetched_at=now
        )
        compiled = self.kind.compile(payload, content_hash, now)
        self.cache.put((instance.id, self.name), now, compiled)
        return compiled

    def refresh_in_background(self) -> None:
        """Refresh in a new thread; after a failure the next try is a minute later."""

        def refresh() -> None:
            try:
                self.refresh(Priority.POLLING)
            except BridgeError as error:
                _log.warning(
                    "metadata of instance %s is not renewed, %s: %s",
                    self.instance.id,
                    self.name or "its entities",
                    error.message,
                )

        threading.Thread(target=refresh, name="metadata", daemon=True).start()


def entity_fields(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    in_doubt: Callable[[EntityFields], bool] | None = None,
) -> EntityFields:
    """Return the fields of a resource's entity as this instance's tenant has them.

    No vendor call, except two when no row is stored or only a very old one, and two
    when the fields leave the request `in_doubt` and no process has refreshed them for
    a doubt within a minute.

    Raises:
        ProviderError: the vendor call failed and nothing is cached, or there is a
            doubt.
    """
    metadata, since = _fields(ctx, instance, resource), ctx.clock()
    fields = metadata.get()
    if in_doubt is None or not in_doubt(fields):
        return fields
    return metadata.resolve_doubt(fields, in_doubt, since)


def fields_to_show(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    in_doubt: Callable[[EntityFields], bool],
) -> EntityFields:
    """Return the fields as `entity_fields`, but older ones rather than an error.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    metadata, since = _fields(ctx, instance, resource), ctx.clock()
    fields = metadata.get()
    if in_doubt(fields):
        with suppress(ProviderError):
            return metadata.resolve_doubt(fields, in_doubt, since)
    return fields


def recent_fields(ctx: Context, instance: Instance, resource: Resource) -> EntityFields:
    """Return the fields of the last minute, older ones if they cannot be fetched.

    Two vendor calls when no process has fetched them within that minute.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    return _fields(ctx, instance, resource).find_recent()


def stored_fields(
    ctx: Context, instance: Instance, resource: Resource
) -> EntityFields | None:
    """Return the fields if any process has stored them; no vendor call."""
    metadata = _fields(ctx, instance, resource)
    return metadata.find_known() or metadata.find_stored()


def read_with_fields(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    read: Callable[[EntityFields], D],
    in_doubt: Callable[[D], bool],
) -> tuple[EntityFields, D]:
    """Return the fields and what `read` returns for them.

    If that is in doubt and newer fields exist, both are of the newer fields. Vendor
    calls and errors as `entity_fields`.
    """
    metadata, since = _fields(ctx, instance, resource), ctx.clock()
    fields = metadata.get()
    found = read(fields)
    if in_doubt(found):
        newer = metadata.resolve_doubt(
            fields, lambda newer: in_doubt(read(newer)), since
        )
        if newer is not fields:
            return newer, read(newer)
    return fields, found


def read_with_fields_at_hand(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    read: Callable[[EntityFields], D],
    in_doubt: Callable[[D], bool],
) -> tuple[EntityFields, D] | None:
    """Return what `read_with_fields` returns; None if that would call the vendor."""
    found: list[D] = []

    def leaves_doubt(fields: EntityFields) -> bool:
        found.append(read(fields))
        return in_doubt(found[-1])

    fields = _fields(ctx, instance, resource).find_at_hand(leaves_doubt)
    return None if fields is None else (fields, found[-1])


def get_metadata(
    ctx: Context,
    cache: MetadataCache[T],
    instance: Instance,
    name: str,
    kind: MetadataKind[T],
) -> T:
    """Return compiled metadata; `name` is its key in this process's cache.

    Raises:
        ProviderError: the vendor call failed and nothing is cached.
    """
    return _CachedMetadata(ctx, cache, instance, name, kind).get()


def _fields(
    ctx: Context, instance: Instance, resource: Resource
) -> _CachedMetadata[EntityFields]:
    kind = MetadataKind(
        resource.entity,
        partial(_fetch_fields, resource.entity),
        partial(compile_fields, resource),
    )
    return _CachedMetadata(ctx, ctx.fields, instance, resource.name, kind)


def _fetch_fields(entity: str, backend: Backend) -> bytes:
    return write_fields(backend.fields(entity))
