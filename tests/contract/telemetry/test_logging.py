"""Each request leaves a line with its id, and no secret anywhere."""

from __future__ import annotations

import json
import logging
import signal
import socket
import time

import pytest

from bridge.store.models import request_log, vendor_call_log
from bridge.telemetry import logs

BASE = "/elements/api-v2"
PING = f"{BASE}/hubs/crm/ping"


def test_a_request_is_one_line_with_the_id_the_caller_saw(served):
    path = f"{BASE}/hubs/crm/no-such-thing?where=name='x'&token=abc"
    status, headers, _ = served.call(path)

    line = served.line(headers["Elements-Request-Id"])

    assert status == 404
    assert line["event"] == "request"
    assert line["method"] == "GET"
    assert line["path"] == f"{BASE}/hubs/crm/no-such-thing"
    assert line["status"] == 404
    assert line["instance_id"] == served.tenant.instance_id
    assert line["vendor_calls"] == 0
    assert line["ms"] > 0
    assert line["remote"] == "127.0.0.1"


def test_a_vendor_that_does_not_answer_is_counted_and_no_secret_is_logged(served):
    status, headers, _ = served.call(PING)

    line = served.line(headers["Elements-Request-Id"])

    assert status == line["status"] == 502
    assert line["vendor_calls"] >= 1
    assert not [secret for secret in served.tenant.secrets if secret in served.log]


@pytest.mark.campaign
def test_a_secret_in_a_path_is_masked(served):
    token = served.tenant.token.replace("/", "%2F")
    _, headers, _ = served.call(f"{BASE}/hubs/crm/{token}")

    assert (
        served.tenant.token not in served.line(headers["Elements-Request-Id"])["path"]
    )


def test_an_invalid_request_is_logged_with_the_id_of_its_response(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=120) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: s3cr3t\r\n\r\n")
        with line.makefile("rb") as stream:
            answer = stream.read()

    body = json.loads(answer.partition(b"\r\n\r\n")[2])

    assert served.line(body["requestId"])["level"] == "warning"
    assert "s3cr3t" not in served.log


def test_a_trusted_proxy_names_the_client(served):
    claim = b"GET /elements/api-v2/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    claim += b"X-Forwarded-For: 192.0.2.7\r\n\r\n"
    remotes = []
    for source in ("127.0.0.2", "127.0.0.3"):
        address = ("127.0.0.1", served.port)
        with (
            socket.create_connection(address, 120, (source, 0)) as line,
            line.makefile("rb") as stream,
        ):
            line.sendall(claim)
            body = json.loads(stream.read().partition(b"\r\n\r\n")[2])
        remotes.append(served.line(body["requestId"])["remote"])

    assert remotes == ["192.0.2.7", "127.0.0.3"]


def test_health_checks_leave_no_line(served):
    _, headers, _ = served.call("/healthz")
    _, later, _ = served.call(f"{BASE}/nonsense/at/all")

    served.line(later["Elements-Request-Id"])

    assert headers["Elements-Request-Id"] not in served.log


def test_a_bug_is_logged_with_the_id_of_its_answer(application):
    def fail():
        raise RuntimeError("row of s3cr3t-t0ken-in-a-bug")

    application.add_url_rule(f"{BASE}/authentication/bug", view_func=fail)
    lines = []
    handler = logging.Handler()
    handler.setFormatter(logs.formatter(people=False))
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))
    ours = logging.getLogger("bridge")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        with application.test_client().get(
            f"{BASE}/authentication/bug",
            headers={"Authorization": "Element s3cr3t-t0ken-in-a-bug"},
        ) as answer:
            body = answer.json
    finally:
        ours.removeHandler(handler)
        ours.setLevel(logging.NOTSET)

    failure, request = lines
    assert answer.status_code == 500
    assert failure["request_id"] == request["request_id"] == body["requestId"]
    assert "RuntimeError: row of ********" in failure["exception"]
    assert "s3cr3t" not in json.dumps(lines)
    assert (request["event"], request["status"]) == ("request", 500)


def wait_for_rows(server, table, request_ids, count=None):
    """Return the rows of some requests once there are `count`, else one of each."""
    ends_at = time.monotonic() + 60
    while True:
        rows = [row for row in server.rows(table) if row.request_id in request_ids]
        if len(rows) >= (count or len(request_ids)):
            return rows
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_rows_are_written_soon_without_query_and_secrets(served):
    _, headers, _ = served.call(f"{PING}?token={served.tenant.token}")
    request_id = headers["Elements-Request-Id"]

    [row] = wait_for_rows(served, request_log, {request_id})
    calls = wait_for_rows(served, vendor_call_log, {request_id}, row.vendor_calls)

    assert (row.path, row.route, row.status) == (PING, "/hubs/<hub>/ping", 502)
    assert row.instance_id == served.tenant.instance_id
    assert row.vendor_calls == len(calls)
    assert {call.outcome for call in calls} == {"unreachable"}


@pytest.mark.campaign
def test_a_stopped_server_writes_what_it_has_noted(mortal):
    ids = {mortal.call(f"{BASE}/hubs")[1]["Elements-Request-Id"] for _ in range(5)}

    mortal.process.send_signal(signal.SIGTERM)
    assert mortal.process.wait(60) == 0

    assert {row.request_id for row in mortal.rows(request_log)} == ids


@pytest.mark.campaign
def test_a_killed_server_loses_the_last_half_second_at_most(mortal):
    ids = {mortal.call(f"{BASE}/hubs")[1]["Elements-Request-Id"] for _ in range(5)}
    wait_for_rows(mortal, request_log, ids)
    mortal.call(f"{BASE}/hubs")

    mortal.process.kill()
    mortal.process.wait(60)

    kept = {row.request_id for row in mortal.rows(request_log)}
    assert kept >= ids
    assert len(kept) <= 6


def test_more_headers_than_allowed_are_refused(served):
    extra = {f"X-{number}": "1" for number in range(20)}

    assert served.call("/healthz", headers=extra)[0] == 431
    assert served.call("/healthz")[0] == 200
