"""Processes that enqueue jobs while the database server refuses connections."""

from __future__ import annotations

from contextlib import closing, contextmanager

import psycopg
import pytest

from bridge.errors import StoreUnavailableError
from bridge.interfaces import JobStatus
from bridge.jobs.enqueue import Enqueuer
from bridge.store.database.engine import Database
from bridge.store.secrets.key_ring import KeyRing


@contextmanager
def shut_out(url):
    """While it is open, the server ends and refuses connections to a database."""
    server = url.set(drivername="postgresql", database="postgres")
    name = url.database
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_an_outage_is_an_error_of_ours_and_the_client_goes_on_after_it(
    postgresql_database, tmp_path
):
    keys = KeyRing.load(tmp_path, None)
    with (
        postgresql_database() as url,
        closing(
            Database.open(url.render_as_string(hide_password=False), keys=keys)
        ) as database,
        closing(Enqueuer(database)) as enqueue,
    ):
        database.upgrade()
        enqueue("purge", "before")
        with shut_out(url):
            for call in (enqueue, enqueue.find, enqueue.cancel):
                with pytest.raises(StoreUnavailableError, match="cannot be used"):
                    call("purge", "during")

        assert enqueue.find("purge", "before").status is JobStatus.QUEUED
        enqueue("purge", "after")
        assert enqueue.find("purge", "after").status is JobStatus.QUEUED
