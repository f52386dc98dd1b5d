"""Endpoints for operators: health, readiness, metrics."""

from __future__ import annotations

import re
import time

import pytest
from sqlalchemy import text

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.store.models import key_checks


def figure(body, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def client_of(settings):
    """Return a client of a new application of this process."""
    database = composition.open_database(settings)
    database.upgrade()
    database.close()
    return create_app(settings).test_client()


def change(application, statement, **values):
    with application.extensions["bridge"].database.begin() as connection:
        connection.execute(statement, values)


def test_a_server_with_its_database_is_ready(served):
    status, _, body = served.call("/readyz")

    assert (status, body) == (200, b'{"status":"ready"}')


@pytest.mark.parametrize("version", ["9999", "0001"])
def test_a_server_is_not_ready_for_another_schema(application, version):
    statement = text("UPDATE alembic_version SET version_num = :version")
    change(application, statement, version=version)

    answer = application.test_client().get("/readyz")

    assert answer.status_code == 503
    assert version in answer.json["reason"]
    assert application.test_client().get("/healthz").status_code == 200


def test_a_server_is_not_ready_with_other_keys(application):
    change(application, key_checks.update().values(text_digest=b"other"))

    answer = application.test_client().get("/readyz")

    assert answer.status_code == 503
    assert "key ring" in answer.json["reason"]


def test_a_server_is_not_ready_without_its_database(application, tmp_path):
    application.extensions["bridge"].database.close()
    for file in tmp_path.glob("bridge.db*"):
        file.write_bytes(b"no database" * 1000)

    answer = application.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["reason"]


def test_the_processes_of_a_server_are_summed(served):
    name = (
        'bridge_requests_total{method="GET",route="/hubs/<hub>/<object_name>",'
        'status="401"}'
    )
    before = figure(served.call("/metrics")[2], name)
    for _ in range(20):
        served.call("/elements/api-v2/hubs/crm/x", headers={"Authorization": ""})

    # A request is counted right after its answer was sent.
    ends_at = time.monotonic() + 60
    while True:
        _, headers, body = served.call("/metrics")
        in_flight = figure(body, 'bridge_requests_in_flight{server="facade"}')
        if (figure(body, name), in_flight) == (before + 20, 1):
            break
        assert time.monotonic() < ends_at, body

    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"bridge_build_info{" in body


def test_no_path_of_a_caller_becomes_a_label(served):
    served.call("/elements/api-v2/hubs/crm/chosen-by-the-caller")
    served.call("/no/such/path/chosen-by-the-caller")

    assert b"chosen-by-the-caller" not in served.call("/metrics")[2]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Via": "1.1 edge"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"True-Client-IP": "192.0.2.7"},
        {"Forwarded": "for=127.0.0.1"},
    ],
)
def test_metrics_are_not_for_those_behind_an_unknown_proxy(served, headers):
    status, _, body = served.call("/metrics", headers=headers)

    assert status == 403
    assert b"bridge_requests" not in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Via": "1.1 edge"}, 403),
        ({"X-Forwarded-For": "127.0.0.1"}, 403),
        ({"X-Forwarded-For": "192.0.2.7"}, 403),
        ({"X-Forwarded-For": "203.0.113.7"}, 200),
        ({"X-Forwarded-For": "203.0.113.7", "Via": "1.1 edge"}, 200),
    ],
)
def test_metrics_behind_a_trusted_proxy_are_for_named_networks(
    tmp_path, headers, status
):
    settings = Settings(
        data_dir=tmp_path,
        trusted_proxies=("127.0.0.1",),
        metrics_networks=("203.0.113.0/24",),
    )
    client = client_of(settings)

    assert client.get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("remote", "networks", "status"),
    [
        ("127.0.0.1", (), 200),
        ("::1", (), 200),
        ("192.0.2.7", (), 403),
        ("192.0.2.7", ("192.0.2.0/24",), 200),
        ("198.51.100.7", ("192.0.2.0/24",), 403),
    ],
)
def test_metrics_are_for_this_machine_and_named_networks(
    tmp_path, remote, networks, status
):
    settings = Settings(data_dir=tmp_path, metrics_networks=networks)
    client = client_of(settings)

    answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": remote})

    assert answer.status_code == status
