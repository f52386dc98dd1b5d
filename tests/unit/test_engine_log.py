"""Filtering of the durable engine's log while its database is unavailable."""

from __future__ import annotations

import logging

import pytest
from dbos import error as engine_errors

from bridge.errors import ProviderTimeoutError
from bridge.jobs.engine import OutageFilter, shorten_end_of_job
from bridge.jobs.stored_errors import StoredError

NAME = "an engine"
AWAY = "(psycopg.OperationalError) connection failed: port 5432 failed: refused"


@pytest.fixture
def engine(caplog):
    log = logging.getLogger(NAME)
    log.filters[:] = [OutageFilter(), shorten_end_of_job]
    yield log
    log.filters.clear()


def messages(caplog):
    """Return what the engine logged; threads of other tests may log beside it."""
    return [one.getMessage() for one in caplog.records if one.name == NAME]


def test_an_outage_is_logged_once_without_its_traceback(engine, caplog):
    engine.warning(
        "Exception polling schedules: Traceback (most recent call last):\n"
        '  File "base.py", line 154, in __init__\n'
        f"sqlalchemy.exc.OperationalError: {AWAY}\n\tIs the server running?\n"
    )
    for text in (
        f"Exception listing queues: {AWAY}",
        "Notification listener error: connection failed: refused",
        "Notification listener error: server closed the connection unexpectedly",
        "Database connection failed: (sqlite3.OperationalError) unable to open",
    ):
        engine.warning("%s", text)

    assert messages(caplog) == [f"durable work: {AWAY}"]


@pytest.mark.parametrize(
    "text",
    [
        "Workflow walk was recovered",
        "(psycopg.errors.UndefinedTable) relation does not exist",
        "Exception in step: Traceback (most recent call last):\nValueError: 1",
    ],
)
def test_everything_else_passes_as_it_is(engine, caplog, text):
    engine.warning(text)
    engine.warning(text)

    assert messages(caplog) == [text, text]


def log_end_of_job(engine, error):
    try:
        raise error
    except type(error):
        engine.exception("Exception encountered in background workflow:")


def test_failed_job_is_logged_by_its_message(engine, caplog):
    log_end_of_job(engine, StoredError(ProviderTimeoutError("No response.")))

    [record] = [one for one in caplog.records if one.name == NAME]
    assert record.getMessage() == "A job failed: ProviderTimeoutError: No response."
    assert record.exc_info is None


def test_bug_in_a_job_is_logged_with_its_traceback(engine, caplog):
    log_end_of_job(engine, ValueError("1"))

    [record] = [one for one in caplog.records if one.name == NAME]
    assert record.exc_info is not None


def test_end_of_a_cancelled_job_is_not_logged(engine, caplog):
    log_end_of_job(engine, engine_errors.DBOSAwaitedWorkflowCancelledError("walk:1"))

    assert messages(caplog) == []
