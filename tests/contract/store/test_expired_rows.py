"""Purging removes what has expired, all of it and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from bridge.store import expired_rows
from bridge.store.models import leases, metadata


def hold(db, number, expires_at):
    rows = [
        {"key": f"{expires_at}-{n}", "holder": "x", "expires_at": expires_at}
        for n in range(number)
    ]
    with db.begin() as connection:
        connection.execute(insert(leases), rows)


def count(db):
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(leases)).scalar()


def test_every_table_with_a_time_of_expiry_is_known():
    found = {name for name, table in metadata.tables.items() if "expires_at" in table.c}
    assert {"leases", "page_ends", "sessions", "workers"} <= found
    assert sorted(expired_rows.tables()) == sorted(found)


def test_expired_rows_go_however_many_they_are(db):
    now = datetime.now(UTC)
    hold(db, 250, now - timedelta(hours=1))
    hold(db, 3, now + timedelta(hours=1))

    assert expired_rows.purge(db, "leases") == 250
    assert count(db) == 3
    assert expired_rows.purge(db, "leases") == 0


@pytest.mark.parametrize("table", expired_rows.tables())
def test_every_table_can_be_purged(db, table):
    assert expired_rows.purge(db, table) == 0
