"""Stored metadata, and the claim on its refresh."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from bridge.store.caches.stored_metadata import (
    CachedMetadata,
    claim_refresh,
    find_claim,
    metadata_hash,
    read_metadata,
    write_metadata,
)
from bridge.store.instances import remove_instance

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
PAYLOAD = '[{"name": "AccountName", "label": "Größe"}]'.encode() * 100


def test_nothing_is_stored_at_first(db, instance):
    assert read_metadata(db, instance.id, "Account") is None
    assert metadata_hash(db, instance.id, "Account") is None


def test_written_metadata_is_read_back(db, instance):
    content_hash = write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)

    assert content_hash == hashlib.sha256(PAYLOAD).hexdigest()
    assert read_metadata(db, instance.id, "Account") == CachedMetadata(
        PAYLOAD, content_hash, NOW
    )
    assert metadata_hash(db, instance.id, "Account") == (content_hash, NOW)
    assert read_metadata(db, instance.id, "Contact") is None


def test_newer_metadata_replaces_older(db, instance):
    write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)
    later = NOW + timedelta(hours=1)
    write_metadata(db, instance.id, "Account", b"[]", fetched_at=later)

    cached = read_metadata(db, instance.id, "Account")
    assert (cached.payload, cached.fetched_at) == (b"[]", later)


def test_one_of_many_claims_the_refresh_of_a_missing_row(db, instance):
    def claim(_):
        return claim_refresh(db, instance.id, "Account", now=NOW, ttl_s=60)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(16))) == 1
    assert read_metadata(db, instance.id, "Account") is None


def test_claim_ends_with_the_writing_or_with_its_time(db, instance):
    def claim(after_s):
        now = NOW + timedelta(seconds=after_s)
        return claim_refresh(db, instance.id, "Account", now=now, ttl_s=60)

    write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)
    claims = [claim(0), claim(59), claim(60)]
    write_metadata(db, instance.id, "Account", b"[]", fetched_at=NOW)
    claims += [claim(61)]

    assert claims == [True, False, True, True]
    assert read_metadata(db, instance.id, "Account").payload == b"[]"


def test_claim_can_be_read_and_outlives_other_rows(db, instance):
    assert find_claim(db, instance.id, "Account?") is None

    claim_refresh(db, instance.id, "Account?", now=NOW, ttl_s=60)
    write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)

    assert find_claim(db, instance.id, "Account?") == NOW + timedelta(seconds=60)
    assert find_claim(db, instance.id, "Account") is None
    assert metadata_hash(db, instance.id, "Account?") is None
    remove_instance(db, instance.id)
    assert find_claim(db, instance.id, "Account?") is None


def test_claim_keeps_the_stale_row_readable(db, instance):
    write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)
    claim_refresh(db, instance.id, "Account", now=NOW, ttl_s=60)

    assert read_metadata(db, instance.id, "Account").payload == PAYLOAD


def test_removed_instance_keeps_nothing_and_breaks_nothing(db, instance):
    write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)
    remove_instance(db, instance.id)

    assert read_metadata(db, instance.id, "Account") is None
    assert claim_refresh(db, instance.id, "Account", now=NOW, ttl_s=60)
    assert write_metadata(db, instance.id, "Account", PAYLOAD, fetched_at=NOW)
    assert read_metadata(db, instance.id, "Account") is None
