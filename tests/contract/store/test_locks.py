"""A lease has one holder at a time, across threads and processes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bridge.store.locks import acquire, release

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)

ADDER = """
import os, sys, time
from pathlib import Path
from bridge.store.secrets.key_ring import KeyRing
from bridge.store.database.engine import Database
from bridge.store.locks import acquire, release

url, data_dir, counter = sys.argv[1:]
db = Database.open(url, keys=KeyRing.load(Path(data_dir), None))
holder = str(os.getpid())
for _ in range(20):
    while not acquire(db, "counter", holder, 30):
        time.sleep(0.001)
    number = int(Path(counter).read_text())
    time.sleep(0.002)
    Path(counter).write_text(str(number + 1))
    release(db, "counter", holder)
db.close()
"""


def test_lock_is_refused_to_others_until_it_is_released(db):
    assert acquire(db, "a", "first", 30)
    assert not acquire(db, "a", "second", 30)
    assert acquire(db, "b", "second", 30)

    release(db, "a", "first")
    assert acquire(db, "a", "second", 30)


def test_lock_expires(db):
    assert acquire(db, "a", "first", 30, now=NOW)

    assert not acquire(db, "a", "second", 30, now=NOW + timedelta(seconds=29))
    assert acquire(db, "a", "second", 30, now=NOW + timedelta(seconds=30))


def test_holder_renews_its_own_lock(db):
    assert acquire(db, "a", "first", 30, now=NOW)
    assert acquire(db, "a", "first", 30, now=NOW + timedelta(seconds=20))

    assert not acquire(db, "a", "second", 30, now=NOW + timedelta(seconds=49))


def test_release_of_a_lost_lock_leaves_it_with_the_new_holder(db):
    acquire(db, "a", "first", 30, now=NOW)
    acquire(db, "a", "second", 30, now=NOW + timedelta(seconds=30))
    release(db, "a", "first")

    assert not acquire(db, "a", "third", 30, now=NOW + timedelta(seconds=31))


def test_expired_locks_are_deleted(db):
    for key in ("a", "b", "c"):
        acquire(db, key, "first", 30, now=NOW)
    acquire(db, "d", "first", 30, now=NOW + timedelta(seconds=30))

    with db.read() as connection:
        keys = connection.execute(text("SELECT key FROM leases")).scalars().all()
    assert keys == ["d"]


def test_one_of_many_threads_gets_the_lock(db):
    with ThreadPoolExecutor(16) as threads:
        for key in ("a", "b", "c"):
            got = threads.map(
                lambda n, key=key: acquire(db, key, str(n), 30), range(16)
            )
            assert sum(got) == 1


@pytest.mark.usefixtures("fresh_db")
def test_processes_that_hold_the_lock_lose_no_update(url, data_dir, tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")

    adders = [
        subprocess.Popen([sys.executable, "-c", ADDER, url, data_dir, counter])
        for _ in range(2)
    ]

    assert [adder.wait(timeout=120) for adder in adders] == [0, 0]
    assert counter.read_text() == "40"


def test_lock_of_a_dead_holder_is_free_at_once(db, dead_holder):
    assert acquire(db, "a", dead_holder, 30)

    assert acquire(db, "a", "second", 30)
    assert not acquire(db, "a", "third", 30)
