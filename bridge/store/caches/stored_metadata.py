"""Cached field metadata, one row for each instance and entity."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Insert, bindparam, or_, select
from sqlalchemy.exc import IntegrityError

from bridge.store.database.engine import Database
from bridge.store.database.sql import (
    NewRow,
    insert_or_update,
    save_of_instance,
    upsert,
)
from bridge.store.models import entity_metadata


@dataclass(frozen=True, slots=True)
class CachedMetadata:
    """A row: the JSON text, its SHA-256 in hex, and when the vendor was queried."""

    payload: bytes
    content_hash: str
    fetched_at: datetime


_KEY = [entity_metadata.c.instance_id, entity_metadata.c.entity]
_STORED = (
    entity_metadata.c.instance_id == bindparam("instance_id"),
    entity_metadata.c.entity == bindparam("entity"),
    entity_metadata.c.compressed_payload.is_not(None),
)
_ROW = select(
    entity_metadata.c.compressed_payload,
    entity_metadata.c.content_hash,
    entity_metadata.c.fetched_at,
).where(*_STORED)
_STAMP = select(entity_metadata.c.content_hash, entity_metadata.c.fetched_at).where(
    *_STORED
)


def _claim_if_free(row: NewRow) -> Insert:
    free = or_(
        entity_metadata.c.claimed_until.is_(None),
        entity_metadata.c.claimed_until <= bindparam("now"),
    )
    claim = {"claimed_until": row.excluded.claimed_until}
    return row.on_conflict_do_update(
        index_elements=_KEY, set_=claim, where=free
    ).returning(entity_metadata.c.entity)


_CLAIM_END = select(entity_metadata.c.claimed_until).where(
    entity_metadata.c.instance_id == bindparam("instance_id"),
    entity_metadata.c.entity == bindparam("entity"),
)
_WRITE = insert_or_update(
    entity_metadata,
    "compressed_payload",
    "content_hash",
    "fetched_at",
    "claimed_until",
)
_CLAIM = upsert(entity_metadata, _claim_if_free)


def read_metadata(db: Database, instance_id: int, entity: str) -> CachedMetadata | None:
    """Return the row, however old; None when nothing is stored."""
    parameters = {"instance_id": instance_id, "entity": entity}
    with db.read() as connection:
        row = connection.execute(_ROW, parameters).one_or_none()
    if row is None:
        return None
    payload = zlib.decompress(row.compressed_payload)
    return CachedMetadata(payload, row.content_hash, row.fetched_at)


def metadata_hash(
    db: Database, instance_id: int, entity: str
) -> tuple[str, datetime] | None:
    """Return content hash and fetch time without the payload; None when not stored."""
    parameters = {"instance_id": instance_id, "entity": entity}
    with db.read() as connection:
        row = connection.execute(_STAMP, parameters).one_or_none()
    return None if row is None else (row.content_hash, row.fetched_at)


def write_metadata(
    db: Database,
    instance_id: int,
    entity: str,
    payload: bytes,
    *,
    fetched_at: datetime,
) -> str:
    """Store a payload, release the claim on its refresh, return its content hash.

    Stores nothing if the instance was removed meanwhile.
    """
    content_hash = hashlib.sha256(payload).hexdigest()
    row = {
        "instance_id": instance_id,
        "entity": entity,
        "compressed_payload": zlib.compress(payload),
        "content_hash": content_hash,
        "fetched_at": fetched_at,
        "claimed_until": None,
    }
    with db.begin() as connection:
        save_of_instance(connection, _WRITE, row)
    return content_hash


def claim_refresh(
    db: Database, instance_id: int, entity: str, *, now: datetime, ttl_s: float
) -> bool:
    """Try to claim the refresh of a row; return whether the caller has the claim.

    True for one caller; False for all others until that one has written the row or
    `ttl_s` seconds have passed. The row need not exist yet. Also True for an instance
    that was removed, which cannot have a claim.
    """
    row = {
        "instance_id": instance_id,
        "entity": entity,
        "claimed_until": now + timedelta(seconds=ttl_s),
        "now": now,
    }
    with db.begin() as connection:
        try:
            claimed = connection.execute(_CLAIM[connection.dialect.name], row)
            return claimed.one_or_none() is not None
        except IntegrityError:
            connection.rollback()
            return True


def find_claim(db: Database, instance_id: int, entity: str) -> datetime | None:
    """Return when the claim on a row ends or ended; None when it has none."""
    parameters = {"instance_id": instance_id, "entity": entity}
    with db.read() as connection:
        return connection.execute(_CLAIM_END, parameters).scalar_one_or_none()
