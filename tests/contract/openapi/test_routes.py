"""The routes of the server and `api.yaml` agree in both directions."""

from __future__ import annotations

import json
import re

import pytest

from bridge.services.openapi.definition import HUB, load_api
from bridge.settings import Settings
from bridge.web.http.route_auth import BASE

PLACEHOLDER = re.compile(r"<[^>]*>|\{[^}]*\}")

REFUSING = {
    "/accounts/instances": {"POST", "PUT", "PATCH", "DELETE"},
    "/accounts/settings": {"PUT", "DELETE"},
    "/accounts/{}/instances": {"POST"},
    "/accounts/{}/roles": {"POST"},
    "/accounts/{}/roles/{}": {"GET", "PATCH"},
    "/accounts/{}/users/{}": {"DELETE"},
    "/attachments": {"POST"},
    "/attachments/{}": {"PATCH", "PUT"},
    "/{}/{}/attachments/{}": {"PATCH", "PUT"},
    "/users": {"POST"},
    "/users/{}/roles": {"POST"},
    "/users/{}/roles/{}": {"GET", "PATCH"},
}
"""Routes that exist to respond with 405: a refused method is not an operation."""

ALIASES = {"/AttachmentInfo/{}/data", "/attachmentinfo/{}/data"}
"""The entity's own name for `/attachments/{}/data`."""

ANY_HUB = "/hubs/{}"


@pytest.fixture(scope="module")
def paths():
    api = load_api(strict=False)
    return {**api["paths"], **json.loads(api["x-resource-paths"])}


def shape(path):
    return PLACEHOLDER.sub("{}", path)


def routed(app):
    """Return method and shape of each route below the base path."""
    return {
        (method, shape(rule.rule.removeprefix(BASE)))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE}/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def described(paths):
    """Return method and shape of each operation in the document."""
    return {
        (method.upper(), shape(re.sub(f"^{HUB}(?=/)", ANY_HUB, path)))
        for path, item in paths.items()
        for method in item
    }


def undescribed(app, paths):
    """Return the routes that the document does not have."""
    known = described(paths)
    return {
        (method, path)
        for method, path in routed(app)
        if not {(method, path), (method, ANY_HUB + path)} & known
        and path.removeprefix(ANY_HUB) not in ALIASES
        and method not in REFUSING.get(path.removeprefix(ANY_HUB), ())
    }


def test_every_route_is_described(application, paths):
    assert undescribed(application, paths) == set()


def test_every_described_operation_is_routed(application, paths):
    assert described(paths) - routed(application) == set()


def test_a_route_that_is_not_described_is_found(new_application, tmp_path, paths):
    app = new_application(Settings(data_dir=tmp_path))
    app.add_url_rule(f"{BASE}/usage/<of>/forgotten", "forgotten", str, methods=["PUT"])

    assert undescribed(app, paths) == {("PUT", "/usage/{}/forgotten")}


def test_an_operation_that_is_not_routed_is_found(application, paths):
    more = {
        **paths,
        "/usage/forgotten/{id}": {"get": {}},
        "/instances": {**paths["/instances"], "head": {}},
    }

    found = described(more) - routed(application)

    assert found == {("GET", "/usage/forgotten/{}"), ("HEAD", "/instances")}
