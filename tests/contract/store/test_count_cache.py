"""Totals of queries, kept for a while."""

from datetime import UTC, datetime, timedelta

from bridge.store.caches.count_cache import CachedCount, find_count, save_count
from bridge.store.instances import remove_instance

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


def keep(db, instance, total, query=b"query"):
    save_count(db, instance.id, query, CachedCount(total), now=NOW, expires_at=LATER)


def recall(db, instance, query=b"query", now=NOW):
    return find_count(db, instance.id, query, now)


def test_a_total_is_recalled_until_its_time_is_over(db, instance):
    assert recall(db, instance) is None
    keep(db, instance, 37)

    assert recall(db, instance) == CachedCount(37)
    assert recall(db, instance, now=LATER) is None
    assert recall(db, instance, query=b"other") is None


def test_the_newest_count_wins_and_too_many_is_one(db, instance):
    keep(db, instance, 0)
    assert recall(db, instance) == CachedCount(0)
    keep(db, instance, None)
    assert recall(db, instance) == CachedCount(None)


def test_nothing_is_saved_for_a_removed_instance(db, instance):
    remove_instance(db, instance.id)

    keep(db, instance, 3)

    assert recall(db, instance) is None
