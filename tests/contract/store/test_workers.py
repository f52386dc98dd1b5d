"""Workers are known while their lease lasts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from bridge.store.models import workers
from bridge.store.workers import list_living, remove_worker, save_heartbeat

LEASE_S = 30.0


def living(db):
    return [worker.id for worker in list_living(db)]


def shorten(db, by_s):
    """Let all leases end so much earlier."""
    with db.begin() as connection:
        for worker_id, until in connection.execute(
            select(workers.c.id, workers.c.expires_at)
        ).all():
            row = update(workers).where(workers.c.id == worker_id)
            earlier = until - timedelta(seconds=by_s)
            connection.execute(row.values(expires_at=earlier))


def test_worker_lives_from_its_first_beat_until_it_leaves(db):
    save_heartbeat(db, "one", "1.0", lease_s=LEASE_S)
    save_heartbeat(db, "two", "1.1", lease_s=LEASE_S)
    assert living(db) == ["one", "two"]

    remove_worker(db, "one")
    remove_worker(db, "one")
    assert living(db) == ["two"]


def test_silent_worker_counts_as_dead_and_is_deleted(db):
    save_heartbeat(db, "silent", "1.0", lease_s=600)
    shorten(db, 540)
    assert living(db) == ["silent"]
    shorten(db, 61)
    assert living(db) == []

    save_heartbeat(db, "other", "1.0", lease_s=LEASE_S)
    assert living(db) == ["other"]


def test_heartbeat_renews_the_lease_and_keeps_the_start(db):
    save_heartbeat(db, "one", "1.0", lease_s=LEASE_S)
    [begun] = list_living(db)
    save_heartbeat(db, "one", "1.0", lease_s=600)
    shorten(db, LEASE_S + 1)

    [worker] = list_living(db)
    assert worker.started_at == begun.started_at
    assert worker.seen_at > begun.seen_at
    assert worker.version == "1.0"


def test_worker_that_counted_as_dead_is_back_with_its_next_heartbeat(db):
    save_heartbeat(db, "one", "1.0", lease_s=LEASE_S)
    shorten(db, LEASE_S + 1)
    save_heartbeat(db, "two", "1.0", lease_s=LEASE_S)
    save_heartbeat(db, "one", "1.0", lease_s=LEASE_S)

    assert sorted(living(db)) == ["one", "two"]
