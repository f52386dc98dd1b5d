"""Durable work has a place of its own beside our tables."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from sqlalchemy import make_url, text

from bridge.store.database.jobs_database import find_jobs_database, open_jobs_database


def test_home_is_a_private_file_or_a_schema_of_the_same_database(fresh_db):
    home = find_jobs_database(fresh_db)

    if fresh_db.file is None:
        with fresh_db.read() as connection:
            ours = connection.execute(text("SELECT current_schema()")).scalar_one()
        assert home.schema == f"{ours}_jobs"
        assert open_jobs_database(home) is None
        return
    file = fresh_db.file.with_name("jobs.db")
    assert home.schema is None
    assert make_url(home.url).database == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_home_that_is_in_use_is_not_made_again(fresh_db):
    with ThreadPoolExecutor(8) as threads:
        homes = list(threads.map(lambda _: find_jobs_database(fresh_db), range(8)))
    assert len({home.url for home in homes}) == 1

    engine = open_jobs_database(homes[0])
    if engine is None:
        return
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE work (id INTEGER)"))
    find_jobs_database(fresh_db)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM work")).scalar() == 0
    engine.dispose()


def test_url_of_the_home_stays_out_of_its_repr(fresh_db):
    assert "sqlite" not in repr(find_jobs_database(fresh_db))
    assert "postgresql" not in repr(find_jobs_database(fresh_db))
