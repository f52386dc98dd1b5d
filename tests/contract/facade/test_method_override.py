"""POST that means PATCH, PUT or DELETE, for libraries that cannot send those."""

from __future__ import annotations

import re

import pytest

HEADER = "X-HTTP-Method-Override"


def post(gate, path, override, **options):
    secrets = gate.authorization(instance=gate.enabled)
    return gate.call("POST", path, secrets, headers={HEADER: override}, **options)


@pytest.mark.parametrize("override", ["PATCH", "patch", " Patch "])
def test_post_with_an_override_is_a_patch(gate, override):
    path = f"/users/{gate.mine.user.id}"

    changed = gate.call(
        "POST",
        path,
        gate.platform,
        body=b'{"firstName":"Override"}',
        headers={HEADER: override},
    )

    assert changed.status_code == 200, changed.data
    assert gate.call("GET", path, gate.platform).json["firstName"] == "Override"


def test_the_usage_log_and_the_metrics_name_the_effective_method(gate):
    path = f"/instances/{gate.enabled.id}/trace-logging"

    answer = post(gate, path, "PUT", body=b"{}")

    assert answer.status_code == 200, answer.data
    # It is logged once it was sent.
    answer.close()
    request_id = answer.headers["Elements-Request-Id"]
    logged = gate.call("GET", f"/usage/{request_id}", gate.platform).json
    figures = gate.client.get("/metrics").get_data(as_text=True)
    assert logged["element_api"] == "PUT /instances/<instance_id>/trace-logging"
    assert re.search(
        r'requests_total\{method="PUT",route="/instances/<instance_id>/trace-logging",'
        r'status="200"\}',
        figures,
    )
    assert post(gate, path, "DELETE").status_code == 200


def test_routing_refusals_and_allowed_methods_are_those_of_the_effective_method(gate):
    answer = post(gate, "/ping", "DELETE")

    assert answer.status_code == 405
    assert answer.json["message"].startswith("Method DELETE is not supported")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "override", ["GET", "OPTIONS", "TRACE", "PATCH,DELETE", "PATCH PUT", "MERGE", "é"]
)
def test_any_other_override_is_refused_and_nothing_is_done(gate, override):
    answer = post(gate, "/instances", override, body=b"{}")

    assert answer.status_code == 400
    assert HEADER in answer.json["message"]
    unknown = gate.call("POST", "/instances", "", headers={HEADER: override})
    assert unknown.status_code == 401


@pytest.mark.parametrize("override", ["", "POST", "post"])
def test_an_override_that_changes_nothing_is_a_post(gate, override):
    answer = post(gate, "/ping", override)

    assert answer.status_code == 405
    assert answer.json["message"].startswith("Method POST is not supported")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_a_post_is_overridden(gate, method):
    answer = gate.call(
        method,
        f"/users/{gate.mine.user.id}",
        gate.platform,
        body=b'{"firstName":"Kept"}',
        headers={HEADER: "DELETE"},
    )

    assert answer.status_code != 400
    assert gate.call("GET", "/users", gate.platform).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/elements/j_spring_security_check",
        "/elements/api-v1/ui/getSecrets",
        "//elements//api-v1/ui/getSecrets/",
        "/docs",
        "/metrics",
    ],
)
@pytest.mark.parametrize("override", ["PUT", "DELETE", "nonsense"])
def test_routes_outside_the_api_ignore_an_override(gate, path, override):
    without = gate.client.post(path)

    answer = gate.client.post(path, headers={HEADER: override})

    assert answer.status_code == without.status_code
    assert answer.json["message"] == without.json["message"]
