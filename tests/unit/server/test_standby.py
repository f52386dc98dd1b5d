"""Responses of a serving process while its database is unavailable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client

from bridge.errors import ConfigurationError, StoreUnavailableError
from bridge.server.standby import Standby

REASON = "connection to 192.0.2.7 failed: no such role bridge_user in /srv/keys.json"
ROUTE = "/elements/api-v2/hubs/crm/accounts"


@pytest.fixture(params=[StoreUnavailableError, ConfigurationError])
def client(request):
    def make_app():
        raise request.param(REASON)

    return Client(Standby(make_app, strict=False))


def test_the_reason_is_for_operators(client):
    refused = client.get(ROUTE)

    assert refused.status_code == 502
    assert "cannot use its database just now" in refused.json["message"]
    assert not any(word in refused.text for word in ("192.0.2.7", "role", "keys"))
    assert refused.headers["Elements-Request-Id"] == refused.json["requestId"]
    assert client.get("/readyz").json["reason"] == REASON


@pytest.mark.parametrize("path", [ROUTE, f"{ROUTE}//", "/elements//api-v2/elements"])
def test_a_browser_may_read_the_refusal(client, path):
    refused = client.get(path, headers={"Origin": "https://app.example"})

    headers = refused.headers
    assert headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in client.get("/login").headers


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_health_does_not_wait_for_the_database(path):
    """Only the request that retries it waits for it."""
    waiting, away, attempts = threading.Event(), threading.Event(), []

    def make_app():
        attempts.append(1)
        if len(attempts) > 1:
            waiting.set()
            assert away.wait(120)
        raise StoreUnavailableError(REASON)

    client = Client(Standby(make_app, strict=True))

    def call_until_it_waits():
        answer = client.get(ROUTE)
        while not waiting.is_set():
            answer = client.get(ROUTE)
        return answer

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(call_until_it_waits)
        assert waiting.wait(120)
        health, second = client.get(path), client.get(ROUTE)
        assert not first.done()
        away.set()

    assert (health.status_code, health.json) == (200, {"status": "ok"})
    assert second.status_code == first.result().status_code == 503
