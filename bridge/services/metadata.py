"""Metadata of one instance's tenant: asked of the vendor once, then cached.

The vendor is asked at most once in the metadata lifetime for each instance and
entity, whatever the number of processes. A row past its lifetime is served while one
process renews it behind the answer, for which no caller waits; only one that is many
lifetimes old is renewed first, and even that serves when the vendor cannot be asked.

A name or a picklist value that cached metadata does not know may be newer than it. All
processes together look such doubts up at most once in 60 s for each instance and
entity, however old the row is; in between they are refused from the cache, the newest
row that any process has stored. Source: elements-api, appendix E, 4.3.
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
from bridge.store import stored_metadata
from bridge.store.instances import Instance

D = TypeVar("D")

_RENEWAL_S = 60.0
_LIFETIMES = 24
"""How old a row may be to be served before it is renewed."""
_LOOK_UP_S = 60.0
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
class _MetadataCacheKey(Generic[T]):
    """Where one instance's metadata of a kind is kept, and how it is renewed."""

    ctx: Context
    cache: MetadataCache[T]
    instance: Instance
    name: str
    kind: Kind[T]

    def find_known(self) -> T | None:
        """Return what this process checked a moment ago."""
        return self.cache.find((self.instance.id, self.name), self.ctx.clock())

    def find(self) -> T:
        ctx, now = self.ctx, self.ctx.clock()
        if found := self.find_known():
            return found
        stamp = stored_metadata.metadata_hash(
            ctx.database, self.instance.id, self.kind.row
        )
        if stamp is None:
            return self.renew()
        age_s = (now - stamp[1]).total_seconds()
        if age_s > ctx.settings.metadata_cache_ttl_s and stored_metadata.claim_refresh(
            ctx.database, self.instance.id, self.kind.row, now=now, ttl_s=_RENEWAL_S
        ):
            if age_s <= ctx.settings.metadata_cache_ttl_s * _LIFETIMES:
                self.renew_behind()
            else:
                # An old row serves a caller better than no answer.
                with suppress(ProviderError):
                    return self.renew()
        return self.load(*stamp, now)

    def find_stored(self) -> T | None:
        """Return the newest row that any process has stored; no vendor call."""
        stamp = stored_metadata.metadata_hash(
            self.ctx.database, self.instance.id, self.kind.row
        )
        return None if stamp is None else self.load(*stamp, self.ctx.clock())

    def find_recent(self) -> T:
        """Return a row that is less than a minute old, if it can be had.

        Another process that renews it just now is not waited for.
        """
        ctx, now, stored = self.ctx, self.ctx.clock(), self.find_stored()
        if stored is None:
            return self.renew()
        is_old = now - stored.fetched_at > timedelta(seconds=_LOOK_UP_S)
        if is_old and stored_metadata.claim_refresh(
            ctx.database, self.instance.id, self.kind.row, now=now, ttl_s=_RENEWAL_S
        ):
            with suppress(ProviderError):
                return self.renew()
        return stored

    def look_up(self, known: T, in_doubt: Callable[[T], bool], since: datetime) -> T:
        """Return newer metadata when `known` leaves a doubt, if there is any.

        Calls in doubt at the same time wait for one look-up. A row that was fetched
        since the caller asked is not looked up again.
        """
        known = self.find_stored() or known
        if not in_doubt(known) or known.fetched_at >= since:
            return known
        if self._was_looked_up(known):
            return known
        ctx = self.ctx
        with (
            suppress(ConflictError),
            record_lock(ctx, f"metadata/{self.instance.id}/{self.kind.row}"),
        ):
            newer = self.find_stored()
            if newer is not None and newer.fetched_at > known.fetched_at:
                return newer
            if stored_metadata.claim_refresh(
                ctx.database,
                self.instance.id,
                self._doubt,
                now=ctx.clock(),
                ttl_s=_LOOK_UP_S,
            ):
                return self.renew()
        return known

    def _was_looked_up(self, known: T) -> bool:
        """Tell whether metadata came of a look-up less than a minute ago."""
        until = stored_metadata.find_claim(
            self.ctx.database, self.instance.id, self._doubt
        )
        if until is None or until <= self.ctx.clock():
            return False
        return known.fetched_at >= until - timedelta(seconds=_LOOK_UP_S)

    @property
    def _doubt(self) -> str:
        """Name the row without content whose claim lasts from one look-up to the next.

        No entity has a name with such a sign.
        """
        return f"{self.kind.row}?"

    def load(self, content_hash: str, fetched_at: datetime, now: datetime) -> T:
        """Return the stored row, compiled anew only when it is not the one known."""
        key = (self.instance.id, self.name)
        known = self.cache.peek(key)
        if known is None or (known.content_hash, known.fetched_at) != (
            content_hash,
            fetched_at,
        ):
            row = stored_metadata.read_metadata(
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
        content_hash = stored_metadata.write_metadata(
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


def entity_fields(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    in_doubt: Callable[[EntityFields], bool] | None = None,
) -> EntityFields:
    """Return the fields of a resource's entity as this instance's tenant has them.

    No vendor call but two when no row is stored, or only a very old one; and two when
    the fields leave the caller `in_doubt` and nobody has looked up within a minute.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached, or there
            is a doubt.
    """
    place, since = _fields(ctx, instance, resource), ctx.clock()
    fields = place.find()
    if in_doubt is None or not in_doubt(fields):
        return fields
    return place.look_up(fields, in_doubt, since)


def fields_to_show(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    in_doubt: Callable[[EntityFields], bool],
) -> EntityFields:
    """Return the fields as `entity_fields` does, but older ones rather than an error.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    place, since = _fields(ctx, instance, resource), ctx.clock()
    fields = place.find()
    if in_doubt(fields):
        with suppress(ProviderError):
            return place.look_up(fields, in_doubt, since)
    return fields


def recent_fields(ctx: Context, instance: Instance, resource: Resource) -> EntityFields:
    """Return the fields as they were within the last minute, older ones in need.

    Two vendor calls when no process has asked within that minute.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    return _fields(ctx, instance, resource).find_recent()


def stored_fields(
    ctx: Context, instance: Instance, resource: Resource
) -> EntityFields | None:
    """Return the fields if any process has stored them; no vendor call."""
    place = _fields(ctx, instance, resource)
    return place.find_known() or place.find_stored()


def read_with_fields(
    ctx: Context,
    instance: Instance,
    resource: Resource,
    read: Callable[[EntityFields], D],
    in_doubt: Callable[[D], bool],
) -> tuple[EntityFields, D]:
    """Return what `read` makes of the fields, and these; again of newer ones in doubt.

    Vendor calls and errors as `entity_fields`.
    """
    place, since = _fields(ctx, instance, resource), ctx.clock()
    fields = place.find()
    found = read(fields)
    if in_doubt(found):
        newer = place.look_up(fields, lambda newer: in_doubt(read(newer)), since)
        if newer is not fields:
            return newer, read(newer)
    return fields, found


def cached(
    ctx: Context,
    cache: MetadataCache[T],
    instance: Instance,
    name: str,
    kind: Kind[T],
) -> T:
    """Return metadata compiled; `name` is its place in this process's cache.

    Raises:
        ProviderError: the vendor could not be asked and nothing is cached.
    """
    return _MetadataCacheKey(ctx, cache, instance, name, kind).find()


def _fields(
    ctx: Context, instance: Instance, resource: Resource
) -> _MetadataCacheKey[EntityFields]:
    kind = Kind(
        resource.entity,
        partial(_fetch_fields, resource.entity),
        partial(compile_fields, resource),
    )
    return _MetadataCacheKey(ctx, ctx.fields, instance, resource.name, kind)


def _fetch_fields(entity: str, backend: Backend) -> bytes:
    return write_fields(backend.fields(entity))
