"""Filtering of the durable engine's log while its database is unavailable."""

from __future__ import annotations

import logging

import pytest

from bridge.jobs.engine import OutageFilter

NAME = "an engine"
AWAY = "(psycopg.OperationalError) connection failed: port 5432 failed: refused"


@pytest.fixture
def engine(caplog):
    log = logging.getLogger(NAME)
    log.filters[:] = [OutageFilter()]
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
