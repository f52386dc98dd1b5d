"""Cross-origin requests: open on the API, closed wherever a cookie authenticates."""

from __future__ import annotations

import re

import pytest

BASE = "/elements/api-v2"
FOREIGN, SAME_SITE = "https://app.example", "http://other.localhost:3000"
NO_CORS = ["/elements/j_spring_security_check", "/elements/api-v1/ui/getSecrets"]


@pytest.fixture
def browser(gate):
    """A client that has logged in to the old console and holds its cookie."""
    client = gate.client.application.test_client()
    form = {"j_username": "mine@bridge.example", "j_password": "pw"}
    logged_in = client.post("/elements/j_spring_security_check", data=form)
    assert logged_in.status_code == 200
    shown = client.get("/elements/api-v1/ui/getSecrets")
    assert shown.json["user"] == gate.mine.user_secret
    return client


def cors_headers(answer):
    found = {name for name, _ in answer.headers if name.startswith("Access-Control-")}
    return found - {"Access-Control-Expose-Headers"}


def routes(application):
    """Yield method and path of every route, its parameters filled with 1."""
    for rule in application.url_map.iter_rules():
        path = re.sub("<[^>]*>", "1", rule.rule)
        for method in sorted(rule.methods):
            yield method, path


@pytest.mark.parametrize("origin", [FOREIGN, SAME_SITE, "http://localhost", "null"])
def test_no_route_that_reads_a_cookie_allows_another_origin(browser, origin):
    outside = [
        (method, path)
        for method, path in routes(browser.application)
        if not path.startswith(f"{BASE}/")
    ]
    assert {path for _, path in outside} >= {*NO_CORS, "/docs", "/healthz", "/metrics"}

    for method, path in [*outside, ("GET", "/elements/jsp/login.jsp"), ("GET", "/")]:
        for sent in (method, "OPTIONS"):
            answer = browser.open(
                path,
                method=sent,
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "authorization",
                },
            )
            found = [name for name, _ in answer.headers if "Access-Control" in name]
            assert found == [], (sent, path)


def test_no_route_of_the_api_is_opened_by_the_cookie(gate, browser):
    plain = gate.client.application.test_client()
    inside = [
        (method, path)
        for method, path in routes(browser.application)
        if path.startswith(f"{BASE}/") and method != "OPTIONS"
    ]

    assert len(inside) > 100
    for method, path in inside:
        headers = {"Origin": FOREIGN}
        answer = browser.open(path, method=method, headers=headers)
        without = plain.open(path, method=method, headers=headers)
        assert answer.status_code == without.status_code, (method, path)
        assert gate.mine.user_secret.encode() not in answer.data


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/instances", 200),
        ("GET", "/usage/nonsense", 404),
        ("PUT", "/ping", 405),
        ("GET", "/instances/1000000", 404),
    ],
)
@pytest.mark.parametrize("origin", [FOREIGN, SAME_SITE, "null"])
def test_responses_of_the_api_allow_the_origin(gate, method, path, status, origin):
    secrets = gate.authorization(instance=gate.enabled)

    answer = gate.call(method, path, secrets, headers={"Origin": origin})

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Vary"] == "Origin"
    assert "Elements-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("body", "authorization", "status"),
    [(b"{}", False, 401), (b"{", True, 400), (b"x" * 3000, True, 413)],
)
def test_refusals_of_the_api_name_the_origin(gate, body, authorization, status):
    secrets = gate.platform if authorization else ""

    answer = gate.call(
        "POST", "/instances", secrets, body=body, headers={"Origin": FOREIGN}
    )

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == FOREIGN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("origin", ["", "https://a.example, https://b.example", "é"])
def test_an_unusable_origin_gets_no_permission(gate, origin):
    answer = gate.call("GET", "/elements", headers={"Origin": origin})

    assert answer.status_code == 200
    assert answer.headers["Vary"] == "Origin"
    assert cors_headers(answer) == set()


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [
        ("authorization,cache-control", ["cache-control"]),
        ("x-http-method-override, Pragma", ["x-http-method-override", "Pragma"]),
        ("AUTHORIZATION,Idempotency-Key,idempotency-key", ["Idempotency-Key"]),
        ("x-fine,not a name,,x:y,\u00e9", ["x-fine"]),
        ("", []),
    ],
)
def test_a_preflight_allows_the_requested_headers(gate, requested, allowed):
    answer = gate.call(
        "OPTIONS",
        "/hubs/crm/accounts",
        headers={
            "Origin": FOREIGN,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": requested,
        },
    )

    assert answer.status_code == 200
    names = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert names == ["Authorization", "Content-Type", "Accept", *allowed]
    assert answer.headers["Access-Control-Allow-Origin"] == FOREIGN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
