"""`bridge health` and `bridge key generate`, as containers use them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
from ports import closed_port
from waiting import wait_until

from bridge.store.secrets.key_ring import parse_ring


@pytest.fixture
def address(demo):
    parts = urlsplit(demo["baseUrl"])
    return f"{parts.scheme}://{parts.netloc}"


def test_a_server_that_runs_is_well_and_ready(embedded, address):
    assert embedded.ok("health", "--url", address) == "ok\n"
    assert embedded.ok("health", "--url", address, "--ready") == "ready\n"


def test_a_server_that_starts_is_waited_for(embedded):
    class Starting(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Starting.asked += 1
            self.send_response(503 if Starting.asked == 1 else 200)
            self.end_headers()
            self.wfile.write(b'{"status":"ready"}')

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Starting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        printed = embedded.ok("health", "--url", url, "--ready", "--wait", "60")
        server.shutdown()
        thread.join()

    assert (printed, Starting.asked) == ("ready\n", 2)


def test_a_proxy_of_the_environment_is_not_used(embedded, address):
    env = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}

    assert embedded.ok("health", "--url", address, env=env) == "ok\n"


def test_a_closed_port_is_reported(embedded):
    with closed_port() as port:
        refusal = embedded.refused("health", "--url", f"http://127.0.0.1:{port}")

    assert "does not respond" in refusal


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>", "is not Bridge"),
        (200, b'["status"]', "is not Bridge"),
        (501, b"<html>", "501: not a response of Bridge"),
        (503, b'{"status":"not ready","reason":"It is away."}', "503: It is away."),
    ],
)
def test_any_other_answer_fails(embedded, status, body, reason):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        refusal = embedded.refused("health", "--url", url, "--ready")
        thread.join()

    assert reason in refusal


@pytest.mark.parametrize(
    "arguments", [("--url", "nonsense"), ("--worker", "--ready"), ("--timeout", "0")]
)
def test_wrong_usage_is_2(embedded, arguments):
    embedded.refused("health", *arguments, code=2)


def test_a_worker_of_this_host_is_well(embedded, demo_dir, demo):
    env = {"BRIDGE_DATA_DIR": str(demo_dir)} if demo else {}

    wait_until(lambda: embedded.run("health", "--worker", env=env).exit_code == 0)

    assert "alive" in embedded.ok("health", "--worker", env=env)
    assert "No worker" in embedded.refused("health", "--worker")


def test_a_generated_key_ring_is_read_and_another_one_each_time(embedded):
    first, second = embedded.ok("key", "generate"), embedded.ok("key", "generate")

    [key], digest_id = parse_ring(first, "first")
    assert key.id == digest_id
    assert json.loads(first) != json.loads(second)


@pytest.mark.parametrize(
    "options",
    [
        ("--timeout", "nan"),
        ("--wait", "nan"),
        ("--url", "http://ann:hunter2@127.0.0.1/"),
        ("--url", "http://hunter2@127.0.0.1/"),
        ("--url", "http://a\x1b["),
        ("--url", "http://[x"),
        ("--url", "http://127.0.0.1:99999"),
        ("--url", "http://127.0.0.1:0"),
        ("--url", "http://a b"),
        ("--url", "http://\u00e9"),
    ],
)
def test_options_that_mean_nothing_are_one_line(embedded, options):
    result = embedded.run("health", *options)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "must" in result.stderr
    assert "hunter2" not in result.stderr
    assert "\x1b" not in result.stderr
