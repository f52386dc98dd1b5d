"""Of several processes that start at once, one makes the tables of durable work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from bridge.jobs import engine
from bridge.store.database.engine import Database
from bridge.store.database.migration_lock import hold_migration_lock
from bridge.store.secrets.key_ring import KeyRing


def test_a_starter_waits_while_another_makes_the_tables(postgresql_schema, tmp_path):
    keys = KeyRing.load(tmp_path, None)
    with postgresql_schema() as url, closing(Database.open(url, keys=keys)) as database:
        database.upgrade()
        engine.migrate(database)  # from now on it is done in a moment
        with ThreadPoolExecutor(1) as threads:
            with hold_migration_lock(database):
                waiting = threads.submit(engine.migrate, database)
                with pytest.raises(TimeoutError):
                    waiting.result(2)

            assert waiting.result(120).schema.endswith("_jobs")
