"""The ends of pages are remembered for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bridge.store.caches.page_positions import find_nearest, save_position
from bridge.store.instances import remove_instance

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)


@pytest.fixture
def remember(db, instance):
    def remember(page, last_id, *, expires_at=LATER, now=NOW):
        save_position(
            db, instance.id, b"query", 200, page, last_id, expires_at, now=now
        )

    return remember


@pytest.fixture
def nearest(db, instance):
    def nearest(page, *, query_hash=b"query", page_size=200, now=NOW):
        return find_nearest(db, instance.id, query_hash, page_size, page, now=now)

    return nearest


def test_page_is_recalled_by_its_number(remember, nearest):
    remember(1, 29683570)
    remember(2, 2**40)

    assert [nearest(page) for page in (1, 2)] == [(1, 29683570), (2, 2**40)]


def test_nearest_page_is_the_highest_at_or_below(remember, nearest):
    for page in (2, 5, 9):
        remember(page, page * 10)

    found = [nearest(page) for page in (1, 2, 4, 5, 8, 2**64)]
    assert found == [None, (2, 20), (2, 20), (5, 50), (5, 50), (9, 90)]


def test_other_query_or_size_remembers_nothing(remember, nearest):
    remember(1, 10)

    assert nearest(1, query_hash=b"other") is None
    assert nearest(1, page_size=100) is None


def test_page_remembered_again_has_its_newest_end(remember, nearest):
    remember(1, 10)
    remember(1, 11, expires_at=LATER + timedelta(minutes=1))

    assert nearest(1, now=LATER) == (1, 11)


def test_expired_page_is_not_seen_and_uncovers_the_one_below(remember, nearest):
    remember(1, 10, expires_at=LATER + timedelta(minutes=1))
    remember(2, 20)

    assert nearest(2, now=LATER) == (1, 10)


def test_expired_pages_are_removed_by_the_next_to_remember(db, remember):
    for page in (1, 2, 3):
        remember(page, page)
    remember(4, 4, now=LATER, expires_at=LATER + timedelta(minutes=15))

    with db.read() as connection:
        rows = connection.execute(text("SELECT page FROM page_ends")).scalars().all()
    assert rows == [4]


def test_removed_instance_keeps_nothing_and_breaks_nothing(
    db, instance, remember, nearest
):
    remember(1, 10)
    remove_instance(db, instance.id)
    remember(2, 20)

    assert nearest(2) is None
