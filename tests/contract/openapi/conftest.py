"""Descriptions of the API, and separate processes for tests under load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from bridge import composition
from bridge.app import create_app
from bridge.settings import Settings
from bridge.store.organizations import add_tenant
from bridge.web.http.route_auth import BASE


@pytest.fixture
def root(api):
    """The address of the server, without the base path of the API."""
    return api.base_url.removesuffix(BASE)


@pytest.fixture(scope="session")
def generic(api):
    """The whole API without a tenant's fields."""
    return api.get("/openapi.json", authorization="none").json()


@pytest.fixture(scope="session")
def own(api):
    """The whole API with the demo tenant's fields."""
    return api.get("/openapi.json").json()


@pytest.fixture(scope="session")
def swagger(api):
    """The demo's instance as Swagger 2.0."""
    return api.get("/instances/docs").json()


@pytest.fixture
def configuration(demo):
    """The configuration of an instance at the demo's simulator."""
    return _configuration(demo)


@pytest.fixture
def spare(api, configuration):
    """Make an instance of the demo's tenant with more configuration; it is removed."""
    made = []

    def make(**more):
        body = {
            "name": "Described",
            "element": {"key": "autotaskcrm"},
            "configuration": {**configuration, **more},
        }
        answer = api.call("POST", "/instances", body, authorization=api.platform)
        assert answer.status == 200, answer.body
        made.append(answer.json())
        return made[-1]

    yield make
    for instance in made:
        path = f"/instances/{instance['id']}"
        api.call("DELETE", path, authorization=api.platform)


@pytest.fixture(scope="session")
def application(tmp_path_factory):
    """The application in this process."""
    return _application(Settings(data_dir=tmp_path_factory.mktemp("application")))


@pytest.fixture(scope="session")
def strict_application(tmp_path_factory):
    """The application with `strict_status`."""
    directory = tmp_path_factory.mktemp("strict")
    return _application(Settings(data_dir=directory, strict_status=True))


@pytest.fixture
def new_application():
    """Make an application in this process, with its database."""
    return _application


@pytest.fixture(scope="module")
def throwaway(tmp_path_factory):
    """A demo for one test module: its directory and the line it printed."""
    directory = tmp_path_factory.mktemp("throwaway")
    command = ("-m", "bridge", "demo", "--json", "--port", "0", "--sandbox-port", "0")
    with subprocess.Popen(
        [sys.executable, *command, "--data-dir", directory],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield directory, json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def throwaway_api(throwaway, api):
    """A caller of the throw-away demo."""
    return type(api)(throwaway[1])


@pytest.fixture(scope="module")
def throwaway_foreign(throwaway, api):
    """A caller of another organization there."""
    directory, line = throwaway
    database = composition.open_database(Settings(data_dir=directory))
    tenant = add_tenant(
        database,
        organization="To be lost",
        email="lost@bridge.example",
        password="not the demo's",
    )
    database.close()
    line = {
        **line,
        "userSecret": tenant.user_secret,
        "organizationSecret": tenant.organization_secret,
        "elementToken": "none yet",
        "login": {"username": "lost@bridge.example", "password": "not the demo's"},
    }
    caller = type(api)(line)
    body = {
        "name": "To be lost",
        "element": {"key": "autotaskcrm"},
        "configuration": _configuration(line),
    }
    made = caller.call("POST", "/instances", body, authorization=caller.platform).json()
    return type(api)({**line, "elementToken": made["token"], "instanceId": made["id"]})


def _configuration(line):
    return {
        "crm.autotask.username": line["username"],
        "crm.autotask.password": line["password"],
        "crm.autotask.server.url": line["sandboxUrl"],
    }


def _application(settings):
    database = composition.open_database(settings)
    database.upgrade()
    database.close()
    return create_app(settings)
