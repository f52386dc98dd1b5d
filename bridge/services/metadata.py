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
from typing import Generic, Protocol, TypeVar

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
from bridge.services.timed_cache import TimedCache
from bridge.store.caches import stored_metadata
from bridge.store.instances import Instance


class CompiledRow(Protocol):
    """A compiled row of metadata."""

    @property
    def content_hash(self) -> str:
        """The row's content hash."""

    @property
    def fetched_at(self) -> datetime:
        """When the vendor was called for the row."""


T = TypeVar("T", bound=CompiledRow)
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


def _as_it_is(metadata: T) -> T:
    return metadata


def _is_never_in_doubt(_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TenantMetadata(Generic[T]):
    """One kind of metadata of one instance, with its caches and its refresh.

    `name` is its key in this process's cache. A row that was fetched after `since`, the
    begin of the request, is not refreshed again.
    """

    ctx: Context
    cache: TimedCache[tuple[int, str], T]
    instance: Instance
    name: str
    kind: MetadataKind[T]
    since: datetime

    def get(self, in_doubt: Callable[[T], bool] = _is_never_in_doubt) -> T:
        """Return the metadata, newer if it leaves the request `in_doubt`.

        Vendor calls and errors as `apply`.
        """
        return self.apply(_as_it_is, in_doubt)

    def get_at_hand(self, in_doubt: Callable[[T], bool]) -> T | None:
        """Return what `get` returns; None if that needs a vendor call."""
        return self.apply_at_hand(_as_it_is, in_doubt)

    def get_to_show(self, in_doubt: Callable[[T], bool]) -> T:
        """Return the metadata as `get`, but older metadata rather than an error.

        Raises:
            ProviderError: the vendor call failed and no row is stored.
        """
        try:
            return self.get(in_doubt)
        except ProviderError:
            stored = self._find_stored()
            if stored is None:
                raise
            return stored

    def get_recent(self) -> T:
        """Return a row of the last minute, an older one if it cannot be fetched.

        Does not wait for another process that is refreshing the row.

        Raises:
            ProviderError: the vendor call failed and no row is stored.
        """
        return self._refresh_after(_DOUBT_INTERVAL_S)

    def find(self) -> T | None:
        """Return the metadata if any process has stored it; no vendor call."""
        return self._find_known() or self._find_stored()

    def apply(self, function: Callable[[T], D], in_doubt: Callable[[D], bool]) -> D:
        """Return the function of the metadata, of newer metadata where it is in doubt.

        Vendor calls only where `apply_at_hand` returns None.

        Raises:
            ProviderError: the vendor call failed, and no row is stored or it is in
                doubt.
        """
        found = self.apply_at_hand(function, in_doubt)
        if found is not None:
            return found
        known = self._refresh_after(self._max_stale_s)
        if known.fetched_at < self.since and in_doubt(function(known)):
            known = self._resolve_doubt(known)
        return function(known)

    def apply_at_hand(
        self, function: Callable[[T], D], in_doubt: Callable[[D], bool]
    ) -> D | None:
        """Return the function of the metadata; None if that needs a vendor call.

        A call is needed where no row is stored, or only a very old one, and where the
        newest row leaves a doubt for which it was not refreshed within a minute.
        """
        known = self._find_known()
        if known is not None:
            found = function(known)
            if not in_doubt(found):
                return found
        # The process cache may be seconds behind what another process stored.
        known = self._find_stored()
        if known is None or self._age_s(known.fetched_at) > self._max_stale_s:
            return None
        found = function(known)
        if in_doubt(found) and not self._was_resolved(known):
            return None
        self._refresh_expired(known)
        return found

    def _find_known(self) -> T | None:
        """Return what this process compared with the database a moment ago."""
        return self.cache.get((self.instance.id, self.name), self.ctx.clock())

    def _find_stored(self) -> T | None:
        """Return the newest row that any process has stored."""
        stamp = self._find_stamp()
        return None if stamp is None else self._load(*stamp)

    def _refresh_expired(self, known: T) -> None:
        """Refresh an expired row in the background, unless another process does."""
        ttl_s = self.ctx.settings.metadata_cache_ttl_s
        if self._age_s(known.fetched_at) > ttl_s and self._claim_refresh():
            self._refresh_in_background()

    def _refresh_after(self, max_age_s: float) -> T:
        """Return the stored row, refreshed if it is older than `max_age_s`.

        An older row is returned if the refresh fails, or while another process
        refreshes it: it serves a caller better than an error.
        """
        stored = self._find_stored()
        if stored is None:
            return self._refresh()
        if self._age_s(stored.fetched_at) > max_age_s and self._claim_refresh():
            with suppress(ProviderError):
                return self._refresh()
        return stored

    def _resolve_doubt(self, known: T) -> T:
        """Return newer metadata than `known`, if any process fetched or may fetch it.

        Concurrent requests in doubt wait for a single refresh.
        """
        with (
            # Waiting for the lock has a limit; then the known metadata decides.
            suppress(ConflictError),
            record_lock(self.ctx, f"metadata/{self.instance.id}/{self.kind.row}"),
        ):
            newer = self._find_stored()
            # Another process refreshed the row while this one waited for the lock.
            if newer is not None and newer.fetched_at > known.fetched_at:
                return newer
            if self._claim(self._doubt, _DOUBT_INTERVAL_S):
                return self._refresh()
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

    @property
    def _max_stale_s(self) -> float:
        return self.ctx.settings.metadata_cache_ttl_s * _MAX_STALE_TTLS

    def _age_s(self, fetched_at: datetime) -> float:
        return (self.ctx.clock() - fetched_at).total_seconds()

    def _claim_refresh(self) -> bool:
        """Return whether this process may refresh the row: one of all in a minute."""
        return self._claim(self.kind.row, _REFRESH_CLAIM_S)

    def _claim(self, row: str, ttl_s: float) -> bool:
        ctx = self.ctx
        return stored_metadata.claim_refresh(
            ctx.database, self.instance.id, row, now=ctx.clock(), ttl_s=ttl_s
        )

    def _find_stamp(self) -> tuple[str, datetime] | None:
        """Return the content hash of the stored row, and when it was fetched."""
        return stored_metadata.metadata_hash(
            self.ctx.database, self.instance.id, self.kind.row
        )

    def _load(self, content_hash: str, fetched_at: datetime) -> T:
        """Return the stored row, compiled only when this process has another one."""
        key = (self.instance.id, self.name)
        known = self.cache.get_any_age(key)
        # The time as well: equal content that was fetched again settles a doubt.
        if known is None or (known.content_hash, known.fetched_at) != (
            content_hash,
            fetched_at,
        ):
            row = stored_metadata.read_metadata(
                self.ctx.database, self.instance.id, self.kind.row
            )
            # Deleted since its stamp was read.
            if row is None:
                return self._refresh()
            known = self.kind.compile(row.payload, row.content_hash, row.fetched_at)
        self.cache.put(key, self.ctx.clock(), known)
        return known

    def _refresh(self, priority: Priority = Priority.INTERACTIVE) -> T:
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

    def _refresh_in_background(self) -> None:
        """Refresh in a new thread; after a failure the next try is a minute later."""

        def refresh() -> None:
            try:
                # No caller waits for it.
                self._refresh(Priority.POLLING)
            except BridgeError as error:
                _log.warning(
                    "metadata of instance %s is not renewed, %s: %s",
                    self.instance.id,
                    self.name or "its entities",
                    error.message,
                )

        threading.Thread(target=refresh, name="metadata", daemon=True).start()


def entity_metadata(
    ctx: Context, instance: Instance, resource: Resource, since: datetime | None = None
) -> TenantMetadata[EntityFields]:
    """Return the metadata of a resource's entity: the fields that the tenant has.

    Fetching them costs two vendor calls. `since` is when the request began, if not now.
    """
    kind = MetadataKind(
        resource.entity,
        partial(_fetch_fields, resource.entity),
        partial(compile_fields, resource),
    )
    return TenantMetadata(
        ctx, ctx.fields, instance, resource.name, kind, since or ctx.clock()
    )


def _fetch_fields(entity: str, backend: Backend) -> bytes:
    return write_fields(backend.fields(entity))
