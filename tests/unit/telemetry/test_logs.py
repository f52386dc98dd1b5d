"""What a log record becomes: one line, with its request, without a secret."""

from __future__ import annotations

import json
import logging

import pytest

from bridge.telemetry import current_call, logs


def line(message, *arguments, people=False, **extra):
    record = logging.LogRecord(
        "bridge.web.http.errors", logging.ERROR, "f.py", 7, message, arguments, None
    )
    record.exc_info = extra.pop("exc_info", None)
    vars(record).update(extra)
    return logs.formatter(people=people).format(record)


@pytest.fixture(autouse=True)
def no_call():
    """An answer that a test has not closed leaves its call behind."""
    current_call.end()


@pytest.fixture
def current(no_call):
    yield current_call.begin("3fbc")
    current_call.end()


def test_a_line_is_one_json_object_with_level_and_time():
    text = line("request %s failed", "7f", status=500)

    assert "\n" not in text
    assert json.loads(text) == {
        "event": "request 7f failed",
        "level": "error",
        "status": 500,
        "timestamp": json.loads(text)["timestamp"],
    }


def test_every_line_of_a_call_names_its_request_and_instance(current):
    current.instance_id = 900001

    assert json.loads(line("x"))["request_id"] == "3fbc"
    assert json.loads(line("x"))["instance_id"] == 900001
    assert json.loads(line("x", request_id="other"))["request_id"] == "other"


def test_a_line_outside_of_any_call_names_none():
    assert "request_id" not in json.loads(line("x"))


@pytest.mark.parametrize("people", [True, False])
def test_no_secret_of_the_call_is_in_its_lines(current, people):
    current_call.conceal("s3cr3t!", None)
    error = RuntimeError("row 7 holds s3cr3t!")
    failure = (type(error), error, None)

    text = line(
        "s3cr3t! in %s", "s3cr3t!", people=people, exc_info=failure, note="s3cr3t!"
    )

    assert "s3cr3t!" not in text
    assert "RuntimeError: row 7 holds ********" in text


@pytest.mark.parametrize("value", ["hunter2", 42, ["hunter2"], {"a": "hunter2"}])
def test_a_value_under_a_secret_name_is_never_shown(value):
    text = line("x", password=value)

    assert json.loads(text)["password"] == "********"


@pytest.mark.parametrize("people", [True, False])
def test_a_path_cannot_begin_a_line_of_its_own(people):
    text = line("request", path="/a\n2026 forged\x1b[31m", people=people)

    assert "\n" not in text
    assert "\x1b[31m" not in text


def test_people_get_a_line_to_read():
    text = line("request", people=True, method="GET", path="/x", status=200)

    assert "request" in text
    assert "status=200" in text.replace("\x1b[0m", "").replace("\x1b[36m", "")
